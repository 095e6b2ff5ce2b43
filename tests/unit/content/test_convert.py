"""Markdown becomes one mail-safe document for both parts (rendering §0, §4; M-26, M-27)."""

from __future__ import annotations

import re
import threading
from html import unescape

import pytest

from mailer.content.markdown import Document, convert, plain
from mailer.content.web import Web
from mailer.errors import CheckError

WEB = Web(site="https://example.org")


def made(body: str, *, title: str = "Title") -> Document:
    return convert(body, title=title, web=WEB, file="issues/x.md", body_line=10)


def html(body: str, **options: str) -> str:
    """Without the heading that a body without one gets."""
    return made(body, **options).html.removeprefix("<h1>Title</h1>\n")


def found(body: str) -> list[tuple[str, int, str]]:
    return [(finding.id, finding.line, finding.message) for finding in made(body).findings]


# --- headings ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "headings"),
    [
        ("# Own\n\n## Two", ["h1 Own", "h2 Two"]),
        ("Text\n\n## Two\n\n# One", ["h1 Title", "h2 Two", "h2 One"]),
        ("### A\n\n## B\n\n### C\n\n# D", ["h1 Title", "h2 A", "h2 B", "h3 C", "h2 D"]),
        ("Text", ["h1 Title"]),
        ("## Two\n\n### Three", ["h1 Title", "h2 Two", "h3 Three"]),
        ("### Three\n\n#### Four", ["h1 Title", "h2 Three", "h3 Four"]),
        ("# A\n\n## B\n\n# C", ["h1 Title", "h2 A", "h3 B", "h2 C"]),
        ("# A\n\n###### F\n\n# C", ["h1 Title", "h2 A", "h3 F", "h2 C"]),
        ("# A\n\n### B\n\n#### C", ["h1 A", "h2 B", "h3 C"]),
        ("Own\n===\n\nTwo\n---\n", ["h1 Own", "h2 Two"]),
    ],
)
def test_there_is_exactly_one_h1_and_no_gap_below_it(body: str, headings: list[str]) -> None:
    pairs = re.findall(r"<(h\d)>(.*?)</h\d>", made(body).html)
    assert [f"{tag} {text}" for tag, text in pairs] == headings


def test_without_a_title_nothing_is_added() -> None:
    assert made("Text", title="").html == "<p>Text</p>"


def test_a_title_is_text_and_never_markup() -> None:
    document = made("Text", title="a < b & *c* \ufffe\x01")
    assert "<h1>a &lt; b &amp; *c* \ufffe</h1>" in document.html
    assert document.text.startswith("a < b & *c* \ufffe\n")


# --- Markdown ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("~~old~~ ==new== ~5 min", "<p><del>old</del> <mark>new</mark> ~5 min</p>"),
        ("a_b_c and _d_", "<p>a_b_c and <em>d</em></p>"),
        ("Boats :boat: `:boat:`", "<p>Boats ⛵ <code>:boat:</code></p>"),
        ("one\ntwo", "<p>one\ntwo</p>"),
        ('"straight" -- quotes', '<p>"straight" -- quotes</p>'),
        ("*[HTML]: Hypertext\n\nHTML", '<p><abbr title="Hypertext">HTML</abbr></p>'),
        ("[a][1]\n\n[1]: https://e.example", '<p><a href="https://e.example">a</a></p>'),
        ("Term\n:   Meaning", "<dl>\n<dt>Term</dt>\n<dd>Meaning</dd>\n</dl>"),
        ("{{ page.title }} {% raw %}", "<p>{{ page.title }} {% raw %}</p>"),
        (
            "![b](/b.png){width=120 .hero}",
            '<p><img alt="b" src="https://example.org/b.png" width="120"></p>',
        ),
    ],
)
def test_the_extensions(body: str, expected: str) -> None:
    assert html(body) == expected


def test_bare_addresses_are_linked_as_on_github() -> None:
    assert html("See https://e.example/a_b?c=d&e.") == (
        '<p>See <a href="https://e.example/a_b?c=d&amp;e">https://e.example/a_b?c=d&amp;e</a>.</p>'
    )
    assert html("Write to me@example.org") == (
        '<p>Write to <a href="mailto:me@example.org">me@example.org</a></p>'
    )


def test_task_lists_have_signs_instead_of_a_form() -> None:
    document = made("- [x] done\n- [ ] to do\n- plain")
    assert '<ul class="tasks">' in document.html
    assert '<li class="task"><span class="check">☑</span> done</li>' in document.html
    assert '<span class="check">☐</span> to do' in document.html
    assert "<input" not in document.html
    assert "☑ done\n☐ to do\n- plain" in document.text


def test_tasks_may_be_nested_and_have_paragraphs() -> None:
    document = made("- [x] a\n    - [ ] b\n- [ ] c\n\n    d")
    assert document.html.count('<ul class="tasks') == 2
    assert document.html.count('class="check"') == 3
    assert "☑ a\n\n  ☐ b\n\n☐ c\n\n  d\n" in document.text


def test_a_footnote_may_be_named_often_and_have_paragraphs() -> None:
    document = made("A[^a] B[^a] C[^b]\n\n[^a]: One.\n\n    - a list\n[^b]: Two `code`.")
    assert document.html.count('<a href="#fn-a">1</a>') == 2
    assert document.html.count('<a name="fn-a">') == 1
    assert "A[1] B[1] C[2]" in document.text
    assert "[1] One.\n\n    - a list\n\n[2] Two `code`.\n" in document.text


@pytest.mark.parametrize(
    "body",
    [
        "`:boat:`",
        "<https://e.example/:boat:>",
        "[a](https://e.example/:boat:)",
        "10:boat:20",
        ":nothing_such:",
    ],
)
def test_a_shortcode_in_code_in_an_address_or_unknown_stays(body: str) -> None:
    assert "⛵" not in made(body).html
    assert ":" in made(body).text


def test_footnotes_have_numbers_names_and_no_way_back() -> None:
    document = made("Text[^a] and[^b].\n\n[^a]: First.\n[^b]: Second.\n\n    More.")
    assert '<sup class="ref"><a href="#fn-a">1</a></sup>' in document.html
    assert '<p class="last"><a name="fn-a"></a>First.</p>' in document.html
    assert '<div class="footnotes">\n<hr>\n<ol>' in document.html
    assert "↩" not in document.html
    assert " id=" not in document.html
    assert "Text[1] and[2]." in document.text
    assert "[1] First.\n\n[2] Second.\n\n    More.\n" in document.text


def test_tables_say_what_they_are_and_align_by_attribute() -> None:
    body = "|a|b|\n|:-|-:|\n|1|2|\n\n<table><tr><td style='text-align: center'>x</td></tr></table>"
    document = made(body)
    assert '<table class="data">' in document.html
    assert '<td align="right">2</td>' in document.html
    assert '<table role="presentation">' in document.html
    assert '<td align="center">x</td>' in document.html
    assert document.findings == ()


def test_quotes_and_code_stand_in_one_cell_tables() -> None:
    """Outlook paints padding and border only there (rendering §0.8)."""
    markup = html("> A quote.\n\n```\nx < 1\n\n  y\n```\n")
    table = (
        '<table role="presentation" class="box" width="100%" cellpadding="0" cellspacing="0" '
        'border="0"><tr><td class="'
    )
    assert f'{table}quote"><blockquote>\n<p class="last">A quote.</p>' in markup
    assert f'{table}codebox"><pre>x &lt; 1\n\n  y' in markup


def test_a_quote_in_a_link_is_not_boxed() -> None:
    """For the HTML parsers that follow, a table would end the link."""
    body = '<div><a href="https://e.example"><blockquote>q</blockquote></a></div>'
    assert "<blockquote>q</blockquote></a>" in html(body)
    assert "<table" not in html(body)


def test_loose_text_between_blocks_gets_a_paragraph() -> None:
    body = "<section>first <b>bold</b><div>block</div>loose <i>text</i> on<hr>last</section>"
    assert html(body) == (
        "<p>first <b>bold</b></p><div>block</div>\n<p>loose <i>text</i> on</p>\n<hr>\n<p>last</p>\n"
    )


def test_centred_markup_of_readmes_keeps_its_place() -> None:
    assert '<p align="center">a</p>' in html('<p align="center">a</p>')
    assert '<div align="center">a</div>' in html("<center>a</center>")


# --- what is removed (case 11, M-27, W113) -------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "line", "message"),
    [
        ("Text\n\n<script>alert(1)</script>", 12, "<script> removed from raw HTML"),
        ("<style>@import 'x'</style>", 10, "<style> removed from raw HTML"),
        ("<form><b>in</b></form>", 10, "<form> removed from raw HTML"),
        ("<svg><circle/></svg>", 10, "<svg> removed from raw HTML"),
        ("<object data='x'></object>", 10, "<object> became a link: mail plays nothing"),
        ("a\n\n<b onclick='x()'>b</b>", 12, "onclick removed from <b>"),
        ("<img src=x.png ONERROR=alert(1)>", 10, "onerror removed from <img>"),
        ("<p style='color: red'>a</p>", 10, "style removed from <p>"),
        ("[a](javascript:alert)", 10, "javascript: address removed from <a>"),
        ("<a href='&#106;avascript:x'>a</a>", 0, "javascript: address removed from <a>"),
        ("<a href='java\nscript:x'>a</a>", 10, "javascript: address removed from <a>"),
        ('A <Boat name="x"/> here', 10, "<Boat> removed from raw HTML"),
        ("A <Boat>boat</Boat> here", 10, "<Boat> removed from raw HTML"),
        ("A <my-boat></my-boat> here", 10, "<my-boat> removed from raw HTML"),
        ("A Vec<Boat> here", 10, "<Boat> is never closed and shows as text"),
        ("<iframe src='x'></iframe>", 10, "<iframe> became a link: mail plays nothing"),
    ],
)
def test_what_is_removed_is_w113_with_its_line(body: str, line: int, message: str) -> None:
    assert ("W113", line, message) in found(body)
    markup = html(body).lower()
    for danger in ("<script", "<style", "<form", "<svg", "javascript:", "data:", " on", "style="):
        assert danger not in markup


def test_each_removed_element_has_its_own_line() -> None:
    body = "<script>1</script>\n\n```\n<script>2</script>\n```\n\nText\n\n<script>3</script>\n"
    assert [line for _, line, _ in found(body)] == [10, 18]


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ("A Vec<Boat> here", "A Vec&lt;Boat&gt; here"),
        ("A Map<K, Vec<V>> here", "A Map&lt;K, Vec&lt;V&gt;&gt; here"),
        ("Write <your name> here", "Write &lt;your name&gt; here"),
        ("The <video> element and <select>", "The &lt;video&gt; element and &lt;select&gt;"),
        ("The <section> and the <table>", "The &lt;section&gt; and the &lt;table&gt;"),
        ("A <script> that never ends", "A &lt;script&gt; that never ends"),
    ],
)
def test_what_is_written_like_a_tag_and_never_closed_is_text(body: str, shown: str) -> None:
    """Its words would be lost otherwise, or all that follow it."""
    document = made(body)
    assert f"<p>{shown}</p>" in document.html
    assert unescape(shown) in document.text
    assert {"W113"} == {finding.id for finding in document.findings}


def test_a_type_in_prose_is_told_how_to_stay() -> None:
    (finding,) = made("A Vec<Boat> here").findings
    assert finding.next_step == "write it as code: `<Boat>`"


def test_code_is_never_markup() -> None:
    body = "`<script>alert(1)</script>` and\n\n```html\n<img onerror=x>\n```\n"
    document = made(body)
    assert document.findings == ()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in document.html
    assert "    <img onerror=x>" in document.text


def test_an_attribute_value_that_looks_like_a_template_stays_literal() -> None:
    """Case 12: nothing renders it a second time."""
    assert '<p>{{7*7}} {% raw %} <img alt="{{7*7}}"' in html("{{7*7}} {% raw %} ![{{7*7}}](/b.png)")


def test_an_image_that_cannot_be_shown_leaves_its_words() -> None:
    assert html("a ![the boat](data:image/png;base64,AA) b") == "<p>a the boat b</p>"


def test_an_image_in_the_text_itself_is_w135() -> None:
    assert found("Text\n\n![a](data:image/png;base64,AA)") == [
        ("W135", 12, "an image written into the text (data:) removed")
    ]


def test_a_link_without_an_address_keeps_its_words() -> None:
    document = made("Text\n\n[the boats]() [rest](https://e.example)")
    assert "<p>the boats <a" in document.html
    assert [(one.id, one.line) for one in document.findings] == [("W128", 12)]


# --- links and images (case 18, M-27) ------------------------------------------------------------


def test_root_relative_addresses_stand_on_the_site() -> None:
    document = made("![Logo](/hero.png)\n\n[Archive](/archive?a=1&b=2#top)")
    assert 'src="https://example.org/hero.png"' in document.html
    assert 'href="https://example.org/archive?a=1&amp;b=2#top"' in document.html
    assert "[Image: Logo] <https://example.org/hero.png>" in document.text
    assert "Archive <https://example.org/archive?a=1&b=2#top>" in document.text


@pytest.mark.parametrize(
    ("body", "line", "message"),
    [
        ("[a](http://localhost:8000/)", 10, "localhost is the reader's own machine"),
        ("[a](mailto:a@b.example%0ABcc:c@d.example)", 10, "a line break or control character"),
        ("[a](chrome://flags)", 10, "no mail can have this chrome: address"),
    ],
)
def test_an_address_that_cannot_be_followed_is_e120(body: str, line: int, message: str) -> None:
    ((check, at, said),) = found(body)
    assert (check, at) == ("E120", line)
    assert message in said


def test_a_forgotten_scheme_is_guessed_and_said() -> None:
    document = made("[a](example.org/x)")
    assert 'href="https://example.org/x"' in document.html
    assert [(one.id, one.line) for one in document.findings] == [("W127", 10)]


def test_a_bare_address_of_ones_own_machine_is_only_text() -> None:
    document = made("Open http://localhost:8000/x in a browser.")
    assert "<p>Open http://localhost:8000/x in a browser.</p>" in document.html
    assert document.findings == ()


def test_in_page_links_go_to_names_that_exist() -> None:
    body = (
        "[by id](#own) [by heading](#fair-winds) [nowhere](#gone)\n\n## B {#own}\n\n## Fair winds!"
    )
    document = made(body)
    assert '<a href="#own">by id</a> <a href="#fair-winds">by heading</a> nowhere' in document.html
    assert '<h2><a name="own"></a>B</h2>' in document.html
    assert '<h2><a name="fair-winds"></a>Fair winds!</h2>' in document.html
    assert [(finding.id, finding.line) for finding in document.findings] == [("W113", 10)]


@pytest.mark.parametrize(
    ("markup", "attributes"),
    [
        ("![a](/b.png)", 'width="536" class="wide"'),
        ('<img src="/b.png" alt="a" width="100">', 'width="100"'),
        ('<img src="/b.png" alt="a" width="100px" height="50">', 'width="100" height="50"'),
        (
            '<img src="/b.png" alt="a" width="1072" height="800">',
            'width="536" height="400" class="wide"',
        ),
        ('<img src="/b.png" alt="a" width="50%">', 'width="268"'),
        ('<img src="/b.png" alt="a" height="50">', 'width="536" class="wide"'),
        ('<img src="/b.png" alt="a" width="auto">', 'width="536" class="wide"'),
    ],
)
def test_every_image_has_a_width_that_fits(markup: str, attributes: str) -> None:
    image = re.search(r"<img[^>]*>", html(markup))
    assert image is not None
    rest = re.sub(r"<img|>|(?:src|alt)=\"[^\"]*\"", "", image[0])
    assert " ".join(rest.split()) == attributes


def test_an_image_in_a_list_or_cell_is_narrower() -> None:
    widths = re.findall(r'width="(\d+)"', html("- ![a](/b.png)\n\n|a|b|\n|-|-|\n|![a](/b.png)|x|"))
    assert widths == ["512", "252"]


def test_an_image_without_words_has_an_empty_alt() -> None:
    assert 'alt=""' in html('<img src="/b.png">')
    assert 'alt="two lines"' in html("![two\nlines](/b.png)")


# --- per-recipient places (architecture §6) ------------------------------------------------------

SLOT = "tok3f9ac01b22s0"
OTHER = "tok3f9ac01b22s17"


@pytest.mark.parametrize(
    ("body", "markup", "text"),
    [
        (f"Hello {SLOT}!", f"<p>Hello {SLOT}!</p>", f"Hello {SLOT}!"),
        (f"[go]({SLOT})", f'<a href="{SLOT}">go</a>', f"go <{SLOT}>"),
        (f"[go]({SLOT}?a=b)", f'<a href="{SLOT}?a=b">go</a>', f"go <{SLOT}?a=b>"),
        (
            f"[go](https://e.example/ä/{SLOT}?q={OTHER})",
            f'href="https://e.example/%C3%A4/{SLOT}?q={OTHER}"',
            f"go <https://e.example/%C3%A4/{SLOT}?q={OTHER}>",
        ),
        (f"[go](/{SLOT})", f'href="https://example.org/{SLOT}"', f"https://example.org/{SLOT}"),
        (f"![{SLOT}](/b.png)", f'alt="{SLOT}"', f"[Image: {SLOT}]"),
        (f"![b]({SLOT})", f'src="{SLOT}"', f"[Image: b] <{SLOT}>"),
        (f"[{SLOT}]({OTHER})", f'<a href="{OTHER}">{SLOT}</a>', f"{SLOT} <{OTHER}>"),
        (f"`{SLOT}`", f"<code>{SLOT}</code>", f"`{SLOT}`"),
        (f"**{SLOT}**{OTHER}", f"<strong>{SLOT}</strong>{OTHER}", f"{SLOT}{OTHER}"),
        (f"[a](mailto:{SLOT})", f'href="mailto:{SLOT}"', f"a <{SLOT}>"),
        (f"日本{SLOT}様", f"日本{SLOT}様", f"日本{SLOT}様"),
    ],
)
def test_slots_survive_in_both_parts(body: str, markup: str, text: str) -> None:
    document = made(body)
    assert markup in document.html
    assert text in document.text
    assert document.findings == ()


def test_slots_are_never_broken_by_wrapping() -> None:
    body = " ".join(f"tok3f9ac01b22s{number}" for number in range(50))
    assert made(body).text.split()[2:] == body.split()


def test_a_slot_in_the_title_reaches_heading_and_text() -> None:
    document = made("Text", title=f"News for {SLOT}")
    assert f"<h1>News for {SLOT}</h1>" in document.html
    assert document.text.startswith(f"News for {SLOT}\n===")


# --- odd input (cases 8 to 10) -------------------------------------------------------------------


def test_odd_lines_are_kept(capsys: pytest.CaptureFixture[str]) -> None:
    """Case 8: dots, `From `, trailing spaces and a line of 5,000 characters."""
    body = "```\n.\n..\n.leading\nFrom me\ntrailing  \n\ttab\n" + "x" * 5000 + "\n```\n"
    document = made(body)
    lines = document.text.splitlines()
    for line in ("    .", "    ..", "    .leading", "    From me", "    trailing", "        tab"):
        assert line in lines
    assert "    " + "x" * 5000 in lines
    assert "x" * 5000 in document.html
    assert capsys.readouterr().err == ""


def test_odd_characters_are_kept_and_controls_removed() -> None:
    """Case 10: U+FFFE, RTL override and a flood of combining marks stay; W152 for the rest."""
    odd = "a\ufffeb\uffffc \u202ed e" + "\u0301" * 200
    document = made(f"{odd} \x01\x02\n\n`{odd}`\n\n- [x] {odd}\n\nx\x0by")
    assert odd in document.html
    assert odd in document.text
    assert f"☑</span><bdi> {odd}" in document.html
    assert not re.search(r"[\x00-\x08\x0b-\x1f]", document.html + document.text)
    assert [(finding.id, finding.line) for finding in document.findings] == [
        *[("W152", 10)] * 4,  # two controls, the override, the flood
        *[("W152", 12)] * 2,
        *[("W152", 14)] * 2,
    ]


@pytest.mark.parametrize(
    "body",
    [
        "> " * 60 + "deep",
        "<div>" * 120 + "deep",
        "<b>" * 300 + "deep",
        "\n".join("    " * level + "- x" for level in range(60)),
        "> " * 2000 + "deep",
        "<div>" * 5000,
    ],
)
def test_what_is_nested_too_deeply_is_refused(body: str) -> None:
    """libxml2 would drop the rest of the mail without a word (rendering §0.10)."""
    with pytest.raises(CheckError) as caught:
        made(body)
    assert caught.value.code == "E205"
    assert caught.value.where.startswith("issues/x.md:1" if "\n" not in body else "issues/x.md:69")


def test_what_is_nested_deeply_but_not_too_deeply_is_whole() -> None:
    document = made("> " * 20 + "deep\n\nafter")
    assert "deep" in document.html
    assert "after" in document.text


def test_an_empty_body_is_only_its_title() -> None:
    document = made("")
    assert document.html.strip() == "<h1>Title</h1>"
    assert document.text == "Title\n=====\n"
    assert made("", title="").text == "\n"


def test_the_same_input_gives_the_same_output_also_from_threads() -> None:
    body = "# A\n\nText[^1] [x](/y)\n\n```python\nx = 1\n```\n\n[^1]: Note\n"
    first = made(body)
    results: list[Document] = []
    threads = [threading.Thread(target=lambda: results.append(made(body))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [first] * 8


@pytest.mark.parametrize(
    ("snippet", "words"),
    [
        ("# The *big* `x_y` [link](https://e.example) ", "The big x_y link"),
        ("Two\nlines and  &amp; spaces", "Two lines and & spaces"),
        ("![image](/b.png) rest", "rest"),
        ("[a][r] b\n\n[r]: https://e.example", "a b"),
    ],
)
def test_plain_is_the_words_alone(snippet: str, words: str) -> None:
    assert plain(snippet) == words
