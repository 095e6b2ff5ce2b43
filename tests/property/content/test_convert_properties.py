"""Whatever stands in an issue, the mail holds only the mail-safe subset (M-27) and the words."""

from __future__ import annotations

import re
from urllib.parse import unquote

import html5lib
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mailer.content.markdown import Document, convert
from mailer.content.sanitise import KEPT
from mailer.content.shape.blocks import CLASSES
from mailer.content.shape.links import IMAGE_SCHEMES, LINK_SCHEMES
from mailer.content.web import Web
from mailer.errors import CheckError

FRAGMENTS = st.sampled_from(
    ["<script>", "</script>", "<SCRIPT src=x>", "<img ", "<img src=x onerror=alert(1)>", "onload=",
     "<a href=", "javascript:alert(1)", "java\nscript:x", "&#106;avascript:", "data:text/html,x",
     "vbscript:x", "<svg>", "<svg/onload=x>", "<math>", "<style>", "</style>", "@import 'x'",
     "<b>", "</b>", "<p>", "</p>", "<div>", "</div>", "<table>", "<tr>", "<td>", "<th>",
     "</table>", "<ul>", "<li>", "</ul>", "<iframe src=//e.example>", "<video src=/v poster=/p>",
     "<input ", "type=checkbox", " disabled>", "<details>", "<summary>", "<center>",
     "<blockquote>", "<pre>", "</pre>", "<code>", '"', "'", "<", ">", "&", "&lt;",
     "&amp;lt;script&amp;gt;", "<!--", "-->", "<![CDATA[", "]]>", "<?php", "<noscript>",
     "<textarea>", "<title>", "<xmp>", "<plaintext>", "<form action=x>", "style=", "color:red",
     "expression(x)", "id=x", "class=quote", "name=x", "href=#x", "\n", "\n\n", " ", "    ", "# ",
     "## ", "> ", "- ", "1. ", "- [x] ", "```", "```python\n", "~~~", "`", "*", "**", "_", "~~",
     "==", "[", "](", ")", "![", "](/x.png)", "][", "]: ", "[^1]", "[^1]: ", "|", "|-|\n", "***",
     ":boat:", "\\", "{.x}", "{#id}", "{onclick=x}", "{: href=javascript:x }", "{{ x }}",
     "https://e.example/?a=b&c", "me@e.example", "mailto:x", "tok0123456789s0", "www.e.example",
     "word", "日本", "\u202e", "\ufffe", "\x01", "\x0b", "\x85", "\u2028", "*[X]: y", "X",
     ":   def", "<details markdown=1>", "\x02wzxhzdk:0\x03", "<a href='java&Tab;script:x'>",
     "<a\x0chref=javascript:x>", "<base href=//x>", "<link rel=stylesheet>"]
)  # fmt: skip
BODIES = st.one_of(
    st.lists(FRAGMENTS, max_size=25).map("".join),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=100),
)


GAP = '<!--[if mso]><p class="gap">\xa0</p><![endif]-->'
"""The one comment: below a box in Word, which knows no margin of tables."""


def made(body: str) -> Document:
    return convert(body, title="", web=Web(site="https://site.example"), file="x.md", body_line=1)


def made_or_refused(body: str) -> Document | CheckError:
    try:
        return made(body)
    except CheckError as error:
        return error


@given(BODIES)
@example("<svg><p><style><img src=x onerror=alert(1)></style>")
@example(
    '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=x>">'
)
@example("<noscript><p title='</noscript><img src=x onerror=alert(1)>'>")
@example("<a href='&#1;javascript:x'>a</a>")
@example("[a](javascript&colon;alert(1))")
@example("<p><table><tr><td><a href=x><table>")
@settings(max_examples=400, deadline=None)
def test_the_html_holds_only_the_mail_safe_subset(body: str) -> None:
    """M-27, case 11: no script, no handler, no foreign scheme, for an independent parser."""
    document = made_or_refused(body)
    if isinstance(document, CheckError):
        assert document.code == "E205"
        return
    root = html5lib.parse(document.html.replace(GAP, ""), namespaceHTMLElements=False).find("body")
    for element in root.iter():
        if element is root:
            continue
        assert isinstance(element.tag, str)
        assert element.tag in KEPT
        assert set(element.get("class", "").split()) <= CLASSES
        for name, value in element.attrib.items():
            assert not name.startswith("on")
            assert name not in ("style", "id", "srcset", "background", "action", "formaction")
            if name in ("href", "src"):
                schemes = LINK_SCHEMES if name == "href" else IMAGE_SCHEMES
                followable = re.match(r"#[\w-]+\Z|tok[0-9a-f]+s\d", value)
                assert followable or value.partition(":")[0] in schemes
        if element.tag == "img":
            assert element.get("alt") is not None
            assert 1 <= int(element.get("width")) <= 536
    assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", document.html + document.text)
    assert "wzxhzdk" not in document.html or "wzxhzdk" in body  # the engine's own placeholders


@given(BODIES)
@settings(max_examples=200, deadline=None)
def test_both_parts_hold_the_same_words(body: str) -> None:
    """M-26: the text part is made from the same tree; no word is lost between the two."""
    document = made_or_refused(body)
    if isinstance(document, CheckError):
        return
    root = html5lib.parse(document.html.replace(GAP, ""), namespaceHTMLElements=False).find("body")
    lines = re.sub(r"^[|> ]+", "", document.text, flags=re.MULTILINE)
    text = re.sub(r"\s+", "", lines) + unquote(lines)
    for node in root.itertext():
        for word in re.findall(r"\w+", node):
            assert word in text


WORDS = st.lists(st.from_regex(r"[a-z]{1,12}", fullmatch=True), min_size=1, max_size=12)


@given(
    st.lists(st.tuples(st.sampled_from(["", "# ", "- ", "> ", "1. ", "    "]), WORDS), max_size=8)
)
@settings(max_examples=150, deadline=None)
def test_no_word_of_plain_markdown_is_lost_or_moved(blocks: list[tuple[str, list[str]]]) -> None:
    body = "\n\n".join(mark + " ".join(words) for mark, words in blocks)
    expected = [word for _, words in blocks for word in words]
    document = made(body)
    assert re.findall(r"[a-z]+", document.text) == expected
    assert re.findall(r"[a-z]+", re.sub(r"<[^>]*>", " ", document.html)) == expected


@given(
    st.lists(st.integers(0, 30), min_size=1, max_size=10),
    st.sampled_from(["{}", "**{}**", "[x]({})", "[{}](/y)", "![{}](/y)", "`{}`", "> {}", "a{}b c"]),
)
@settings(max_examples=150, deadline=None)
def test_slots_come_through_unchanged(numbers: list[int], shape: str) -> None:
    """Architecture §6: each token as often as it was written, in both parts."""
    tokens = [f"tok0a1b2c3d4es{number}" for number in numbers]
    document = made("\n\n".join(shape.format(token) for token in tokens))
    for part in (document.html, document.text):
        assert re.findall(r"tok0a1b2c3d4es\d+?(?=b c|\b)", part) == tokens


@given(BODIES)
@settings(max_examples=100, deadline=None)
def test_converting_is_a_function(body: str) -> None:
    """Nothing of one issue leaks into the next (decisions 12)."""
    first = made_or_refused(body)
    if isinstance(first, CheckError):
        return
    made("[x]: /leak\n\n*[word]: leak\n\nText[^1] word [x]\n\n[^1]: leak")
    assert made(body) == first
