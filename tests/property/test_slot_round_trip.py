"""What `protect` takes out, `split` gives back: for any text, and through the whole pipeline."""

from __future__ import annotations

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mailer.errors import CheckError
from mailer.model import Place, Slot, Template
from mailer.render.slots import protect

OURS = ("subscriber.name", 'subscriber.name or "reader"', "list.title", "unsubscribe_url")
CODE = ("`{{ subscriber.name }}`", "\n```\n{{ view_url }}\n```\n", "<!-- {{ list.x( }} -->")
FOREIGN = ("{{ page.title }}", "{{ 7*7 }}", "{% if x %}", "{{ $f.list.x }}", r"\{{ subscriber.x }}")
WORDS = st.text(
    st.characters(codec="utf-8", exclude_characters="{}`\\<~\r", exclude_categories=["Cc"]),
    max_size=12,
)
SIGNS = st.sampled_from([*list("{}`\\<>~\n\"'-"), "{{", "}}", "```", "\n\n", "<pre>", "</pre>"])


def _text(pieces: Template) -> str:
    """The source again: slots as they are written in these tests."""
    return "".join(
        piece if isinstance(piece, str) else f"{{{{ {piece.expression} }}}}" for piece in pieces
    )


def _slots(pieces: Template) -> list[str]:
    return [piece.expression for piece in pieces if isinstance(piece, Slot)]


@settings(deadline=None, max_examples=150)
@given(
    st.lists(
        st.one_of(
            WORDS,
            st.sampled_from(OURS).map(lambda expression: f"{{{{ {expression} }}}}"),
            st.sampled_from(CODE),
            st.sampled_from(FOREIGN),
        ),
        max_size=10,
    )
)
def test_a_text_comes_back_with_exactly_its_slots(parts: list[str]) -> None:
    """Architecture §6: ours become slots in reading order, all else stays as it is."""
    source = " ".join(parts)
    text, slots = protect(source, seed="seed")
    pieces = slots.split(text, html=False)
    assert source == _text(pieces)
    expected = [part[3:-3] for part in parts if part[3:-3] in OURS and part.startswith("{{ ")]
    assert expected == _slots(pieces)
    assert all(piece.place is Place.TEXT for piece in pieces if isinstance(piece, Slot))


@settings(deadline=None, max_examples=150)
@given(
    st.lists(
        st.one_of(
            SIGNS, WORDS, st.sampled_from([f"{{{{ {expression} }}}}" for expression in OURS])
        ),
        max_size=14,
    )
)
def test_whatever_an_author_types_comes_back_or_is_refused(parts: list[str]) -> None:
    """No text is lost or doubled, whatever quotes, fences and braces surround an expression."""
    source = "".join(parts)
    try:
        text, slots = protect(source, seed="seed")
    except CheckError as error:
        assume(error.code != "E204")
        raise
    assert source == _text(slots.split(text, html=False))


@settings(deadline=None, max_examples=100)
@given(st.lists(WORDS, min_size=2, max_size=6))
def test_html_and_text_are_split_at_the_same_places(words: list[str]) -> None:
    """The place of a slot differs between the parts, the cut does not."""
    source = "{{ subscriber.name }}".join(word.replace(">", "").replace("&", "") for word in words)
    text, slots = protect(source, seed="seed")
    html, plain = slots.split(text, html=True), slots.split(text, html=False)
    assert [piece for piece in plain if isinstance(piece, str)] == [
        piece for piece in html if isinstance(piece, str)
    ]
    assert len(_slots(plain)) == len(_slots(html)) == len(words) - 1
