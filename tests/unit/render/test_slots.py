"""Per-recipient places: in as tokens, out as slots with the right place (architecture §6)."""

from __future__ import annotations

import re

import pytest

from mailer.errors import CheckError
from mailer.model import Place, Slot
from mailer.render.slots import SlotTable, protect, protect_template

TOKEN = re.compile(r"tok[0-9a-f]{10}s\d+e")


def _split(html: str, source: str = "{{ subscriber.x }}") -> tuple[str | Slot, ...]:
    """Split HTML in which TOKEN stands for the slot of `source`."""
    token, slots = protect(source, seed="test")
    return slots.split(html.replace("TOKEN", token), html=True)


def _place(html: str) -> Place:
    (slot,) = (piece for piece in _split(html) if isinstance(piece, Slot))
    return slot.place


# --- in ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "expression",
    [
        "subscriber.name",
        'subscriber.name or "reader"',
        "subscriber.name or 'dear }} reader'",
        '"yes" if subscriber.vip else "no"',
        "list.title",
        "list.title | upper",
        "unsubscribe_url",
    ],
)
def test_an_expression_of_ours_becomes_a_slot(expression: str) -> None:
    text, slots = protect(f"a {{{{ {expression} }}}} b", seed="s", line=7)
    assert TOKEN.search(text)
    expected = ("a ", Slot(expression=expression, place=Place.TEXT, line=7), " b")
    assert expected == slots.split(text, html=False)


@pytest.mark.parametrize(
    "text",
    [
        "{{ page.title }}",
        "{{ page.subscriber }}",
        "{{ $frontmatter.list.title }}",
        "{{ 'subscriber.name' }}",
        "{{ range list }}",
        "{{ 7*7 }}",
        "{{ wishlist.title }}",
        "{{{ page.title }}}",
        "{% if subscriber.name %}",
        "{ subscriber.name }",
        "`{{ subscriber.name }}`",
        "```\n{{ view_url }}\n```",
        r"\{{ subscriber.name }}",
        "<!-- {{ subscriber.nonsense( }} -->",
        "{{ }}",
        "{{ page.unclosed",
    ],
)
def test_every_other_brace_is_text(text: str) -> None:
    """Newsletters quote template languages."""
    assert (text, ()) == (protect(text, seed="s")[0], tuple(protect(text, seed="s")[1].entries))


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        ("no such page", "{{ view_url }}"),
        ("no such page", "[settings]({{ preferences_url }})"),
        ("name a field", "{{ subscriber }}"),
        ("name a field", "{{ list }}"),
        ("only list.name and list.title", "{{ list.slug or 'x' }}"),
        ("cannot call", "{{ subscriber.name.upper() }}"),
        ("page is not known", "{{ page.greeting ~ subscriber.name }}"),
        ("begins with _", "{{ subscriber.__class__ }}"),
        ("unexpected char", "{{#if subscriber.name}}"),
        ("nothing may follow", "{{ subscriber.name els 'x' }}"),
        ("not closed", "Hello {{ subscriber.name }, welcome"),
        ("not closed", "Hello {{ subscriber.name or\n'reader' }}"),
        ("", "{{{ subscriber.name }}}"),
    ],
)
def test_one_that_cannot_be_filled_stops_with_file_and_line(reason: str, text: str) -> None:
    """Decisions 13 and 17: half of an expression must never be mailed."""
    with pytest.raises(CheckError) as caught:
        protect(f"first\n\n{text}", seed="s", line=10, file="issues/x.md")
    assert (caught.value.code, caught.value.where) == ("E204", "issues/x.md:12")
    assert reason in caught.value.detail


def test_tokens_are_plain_words_and_none_begins_another() -> None:
    text, slots = protect("{{ subscriber.a }} " * 25, seed="s")
    tokens = text.split()
    assert 25 == len(set(tokens)) == len(slots.entries)
    assert all(TOKEN.fullmatch(token) for token in tokens)
    assert not any(a != b and b.startswith(a) for a in tokens for b in tokens)


def test_tokens_depend_on_seed_and_text_alone() -> None:
    """Decisions 12: the digest of a dry run is the frozen one's."""
    source = "{{ subscriber.name }}"
    assert protect(source, seed="a") == protect(source, seed="a")
    assert protect(source, seed="a")[0] != protect(source, seed="b")[0]
    assert protect(source, seed="a")[0] != protect(source + "!", seed="a")[0].rstrip("!")


def test_a_text_that_holds_the_token_gets_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """Decisions 12: a counter moves the prefix until it is new."""
    digests = iter(["0123456789", "abcdef0123"])

    class Digest:
        def hexdigest(self) -> str:
            return next(digests)

    monkeypatch.setattr("mailer.render.slots.hashlib.sha256", lambda _: Digest())
    text, _ = protect("TOK0123456789s0e {{ subscriber.name }}", seed="s")
    assert text == "TOK0123456789s0e tokabcdef0123s0e"


def test_templates_keep_white_space_control_and_their_own_list() -> None:
    source = "{# {{ view_url }} #}a {{- unsubscribe_url -}} {{ list.title }}{{ issue.subject }}"
    text, slots = protect_template(source, seed="s", file="templates/x.txt")
    (token,) = slots.entries
    expected = f'{{# {{{{ view_url }}}} #}}a {{{{- "{token}" -}}}}'
    assert expected + " {{ list.title }}{{ issue.subject }}" == text


# --- out -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "text"),
    [
        (Place.TEXT, "Hello TOKEN"),
        (Place.TEXT, "your site <TOKEN>"),
        (Place.TEXT, "https://e.org TOKEN"),
        (Place.TEXT, "<https://e.org>TOKEN"),
        (Place.URL_PART, "page <https://e.org/p/TOKEN>"),
        (Place.URL_PART, "page <https://e.org/p?a=1&b=TOKEN#x>"),
        (Place.URL_PART, "see\nHTTPS://e.org/TOKEN"),
        (Place.TEXT, "mailto:TOKEN"),
    ],
)
def test_an_address_goes_on_in_the_text_part_as_in_the_link(place: Place, text: str) -> None:
    """Both parts lead to the same place."""
    token, slots = protect("{{ subscriber.number }}", seed="s")
    (slot,) = (
        piece
        for piece in slots.split(text.replace("TOKEN", token), html=False)
        if isinstance(piece, Slot)
    )
    assert place == slot.place


@pytest.mark.parametrize(
    ("place", "html"),
    [
        (Place.HTML, "<p>Hello TOKEN</p>"),
        (Place.HTML, "<title>TOKEN</title>"),
        (Place.HTML, '<img src="https://e.org/a" alt="for TOKEN">'),
        (Place.HTML, "<img alt='TOKEN'>"),
        (Place.HTML, '<a title="a > b" href="https://e.org">TOKEN</a>'),
        (Place.HTML, '<p>href="TOKEN"</p>'),
        (Place.HTML, '<a title=\'href="x\' name="TOKEN">x</a>'),
        (Place.URL, '<a href="TOKEN">x</a>'),
        (Place.URL, '<a class="x" HREF = " TOKEN ">x</a>'),
        (Place.URL_PART, '<a href="https://e.org/?u=TOKEN&amp;x=1">x</a>'),
        (Place.URL_PART, '<a href="mailto:TOKEN">x</a>'),
        (Place.URL_PART, '<a href="https://TOKEN.example.org/">x</a>'),
        (Place.URL, '<!--[if mso]><a href="TOKEN">x</a><![endif]-->'),
    ],
)
def test_the_place_decides_how_a_value_will_be_escaped(place: Place, html: str) -> None:
    """X-4: whole URL, piece of a URL, or HTML."""
    assert place == _place(html)


@pytest.mark.parametrize(
    ("where", "html"),
    [
        ("at the beginning of a link", '<a href="TOKEN/path">x</a>'),
        ("in the attribute style", '<p style="color:TOKEN">x</p>'),
        ("in the attribute onclick", '<p onclick="TOKEN">x</p>'),
        ("in the address of an image", "<img src='TOKEN'>"),
        ("in the address of an image", '<img src="https://e.org/TOKEN.png">'),
        ("in the address of an image", '<td background="https://e.org/?u=TOKEN"></td>'),
        ("in a style sheet", "<style>p { color: TOKEN }</style>"),
        ("outside of a quoted attribute", "<a href=TOKEN>x</a>"),
        ("outside of a quoted attribute", "<a TOKEN>x</a>"),
    ],
)
def test_where_a_value_could_do_harm_it_is_refused(where: str, html: str) -> None:
    """X-4, X-14: none in style, script, a tag or an image's address; none decides a scheme."""
    with pytest.raises(CheckError, match=where):
        _split(html)


@pytest.mark.parametrize("change", [str.upper, lambda token: token[:-1], lambda token: token[:15]])
def test_a_damaged_token_is_never_mailed(change: object) -> None:
    assert callable(change)
    token, slots = protect("{{ subscriber.name }}", seed="s", file="issues/x.md", line=3)
    with pytest.raises(CheckError, match="changed on its way") as caught:
        slots.split(f"a {change(token)} b", html=False)
    assert caught.value.where == "issues/x.md:3"


def test_a_token_may_come_twice_or_not_at_all() -> None:
    first = Slot(expression="subscriber.x", place=Place.HTML, line=1)
    assert (first, " ", first) == _split("TOKEN TOKEN")
    assert _split("nothing") == ("nothing",)
    assert _split("") == ()


def test_tables_of_several_texts_are_one() -> None:
    subject, slots = protect("{{ subscriber.a }}", seed="subject")
    body, more = protect("{{ subscriber.b }}", seed="body")
    pieces = (slots | more).split(f"{body}{subject}", html=False)
    assert [piece.expression for piece in pieces if isinstance(piece, Slot)] == [
        "subscriber.b",
        "subscriber.a",
    ]
    assert SlotTable(entries={}).split("x", html=True) == ("x",)
