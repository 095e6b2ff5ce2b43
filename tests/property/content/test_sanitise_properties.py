"""Whatever HTML an author writes, no word of it is lost and no parser behind us fails on it."""

from __future__ import annotations

import re

import html5lib
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mailer.content.markdown import Document, convert
from mailer.content.sanitise.survey import survey
from mailer.content.source import Source
from mailer.content.web import Web
from mailer.errors import CheckError
from mailer.render.inline import inline

_NAMES = (
    "a abbr article b big blockquote body button center code dd details div dl dt em fieldset "
    "figure font footer form h1 h2 head header html i input label li main mark nav ol option p "
    "pre q s section small span strong summary sup table tbody td th tr tt u ul Vec T Foo x:y x-y"
)
NAMES = _NAMES.split()
_ONLY_OPENED = "video audio select script style textarea title svg iframe"
ONLY_OPENED = _ONLY_OPENED.split()
ATTRIBUTES = st.sampled_from(
    ["", " class=x", " style='color:red'", ' style="p"', " style='}{'", ' style="a:url(x)"',
     " K, V", " style='text-align:center;behavior:url(x)'", " onclick='x'", " id=a name=a",
     " dir=rtl", " align=center", " width=9e9 height=-1", " title='a \" b'", ' data-x="<p>"']
)  # fmt: skip
WORD = st.from_regex(r"zz[a-z]{2,6}", fullmatch=True)
PIECE = st.one_of(
    WORD,
    WORD,
    st.tuples(st.sampled_from(NAMES), ATTRIBUTES).map(lambda tag: f"<{tag[0]}{tag[1]}>"),
    st.sampled_from(NAMES).map(lambda name: f"</{name}>"),
    st.sampled_from(ONLY_OPENED).map(lambda name: f"<{name}>"),
    st.sampled_from(["<br>", "<hr/>", "<wbr>", "<!-- c -->", "<!--[if mso]><p><![endif]-->",
                     "<![if x]>",  "&amp;", "<Foo bar='x'/>", "\n", "\n\n", "> ", "- ", "**"]),
)  # fmt: skip
MARKUP = st.lists(PIECE, max_size=20).map(" ".join)
SHEET = "p { color: red; } .content td { padding: 1px; } a { color: blue; }"


def words(text: str) -> list[str]:
    return re.findall(r"\bzz[a-z]{2,6}\b", text)


def made(markup: str) -> Document | None:
    """None if it is nested too deeply."""
    web = Web(site="https://e.example")
    try:
        return convert(markup, title="", file="x.md", body_line=1, web=web)
    except CheckError:
        return None


@given(MARKUP)
@example("<table> zzone <td> zztwo </table> zzthree")
@example("<video> zzone </b> zztwo")
@example("<a href=x> zzone <a> zztwo")
@example("zzone <Vec<T> zztwo")
@example("zzone\n\n<script> zztwo")
@settings(max_examples=300, deadline=None)
def test_no_word_is_lost_whatever_it_stands_in(markup: str) -> None:
    """What mails cannot show goes with a warning; what is not closed is text (W113)."""
    hidden = re.sub(r"<!--.*?-->", " ", markup, flags=re.DOTALL)
    document = made(f"<div>{markup}")
    if document is None:
        return
    body = html5lib.parse(document.html, namespaceHTMLElements=False).find("body")
    for part in (" ".join(body.itertext()), document.text):
        assert set(words(hidden)) <= set(words(part))


@given(MARKUP)
@settings(max_examples=100, deadline=None)
def test_the_inliner_takes_whatever_we_make(markup: str) -> None:
    """An author's `style="p"` would end premailer with an error (rendering §2)."""
    document = made(markup)
    if document is None:
        return
    page = f"<!DOCTYPE html><html><head></head><body class='content'>{document.html}</body></html>"
    inlined = inline(page, SHEET)
    assert words(re.sub(r"<[^>]*>", " ", page)) == words(re.sub(r"<[^>]*>", " ", inlined))


@given(MARKUP)
@settings(max_examples=100, deadline=None)
def test_surveying_twice_says_nothing_new(markup: str) -> None:
    """What it softens needs no softening again: text stays text."""
    allowed = frozenset(NAMES)
    first = survey(markup, Source(body=markup, file="x", body_line=1), allowed=allowed)
    again = Source(body=first, file="x", body_line=1)
    assert first == survey(first, again, allowed=allowed)
