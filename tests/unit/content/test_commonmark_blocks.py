"""Blocks are read as CommonMark says, and call-outs, definitions and notes as beside it."""

from __future__ import annotations

from contextlib import suppress

import pytest

from mailer.content.engine import to_html


def flat(body: str) -> str:
    """The HTML without line ends between elements."""
    return to_html(body).replace(">\n<", "><").replace("\n<", "<").replace(">\n", ">")


# --- where Python-Markdown reads otherwise --------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("text\n- a\n- b", "<p>text</p><ul><li>a</li><li>b</li></ul>"),
        ("text\n1. a", "<p>text</p><ol><li>a</li></ol>"),
        ("in\n2023. A year", "<p>in\n2023. A year</p>"),
        ("- a\n  - b\n    - c", "<ul><li>a<ul><li>b<ul><li>c</li></ul></li></ul></li></ul>"),
        ("1. a\n   - b", "<ol><li>a<ul><li>b</li></ul></li></ol>"),
        ("1) a\n2) b", "<ol><li>a</li><li>b</li></ol>"),
        ("3. a\n4. b", '<ol start="3"><li>a</li><li>b</li></ol>'),
        ("- a\n+ b", "<ul><li>a</li></ul><ul><li>b</li></ul>"),
        ("1. a\n1) b", "<ol><li>a</li></ol><ol><li>b</li></ol>"),
        ("- a\n\n- b", "<ul><li><p>a</p></li><li><p>b</p></li></ul>"),
        ("- a\n\n  b", "<ul><li><p>a</p><p>b</p></li></ul>"),
        ("- a\n  - b\n\n- c", "<ul><li><p>a</p><ul><li>b</li></ul></li><li><p>c</p></li></ul>"),
        ("- a\nlazy", "<ul><li>a\nlazy</li></ul>"),
        ("- a\n\nb", "<ul><li>a</li></ul><p>b</p>"),
        ("-\n- b", "<ul><li></li><li>b</li></ul>"),
        ("-\n  a", "<ul><li>a</li></ul>"),
        ("-     code", "<ul><li><pre><code>code</code></pre></li></ul>"),
        ("-\ta\n\n\tb", "<ul><li><p>a</p><p>b</p></li></ul>"),
        ("- # a\n- ***", "<ul><li><h1>a</h1></li><li><hr></li></ul>"),
        ("- > a", "<ul><li><blockquote><p>a</p></blockquote></li></ul>"),
        ("* a\n\n      code", "<ul><li><p>a</p><pre><code>code</code></pre></li></ul>"),
        ("#tag\n#1234", "<p>#tag\n#1234</p>"),
        ("text\n# a #\nmore", "<p>text</p><h1>a</h1><p>more</p>"),
        ("## a #b##", "<h2>a #b##</h2>"),
        ("a\nb\n===", "<h1>a\nb</h1>"),
        ("a\n---\nb", "<h2>a</h2><p>b</p>"),
        ("text\n\n* * *\ntext\n***", "<p>text</p><hr><p>text</p><hr>"),
        ("> a\n\n> b", "<blockquote><p>a</p></blockquote><blockquote><p>b</p></blockquote>"),
        ("> a\nlazy\n\nb", "<blockquote><p>a\nlazy</p></blockquote><p>b</p>"),
        ("text\n> a", "<p>text</p><blockquote><p>a</p></blockquote>"),
        ("> > a\n> b", "<blockquote><blockquote><p>a\nb</p></blockquote></blockquote>"),
        (
            "> - a\n>   - b\n> c",
            "<blockquote><ul><li>a<ul><li>b\nc</li></ul></li></ul></blockquote>",
        ),
    ],
)
def test_lists_headings_and_quotes(body: str, expected: str) -> None:
    assert expected == flat(body)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("```py\na\n\n  b\n```", '<pre><code class="language-py">a\n\n  b</code></pre>'),
        ("text\n~~~\na\n~~~\ntext", "<p>text</p><pre><code>a</code></pre><p>text</p>"),
        ("````\n```\n````", "<pre><code>```</code></pre>"),
        ("```\na", "<pre><code>a</code></pre>"),
        ("``` a`b ```", "<p><code>a`b</code></p>"),
        ("  ```\n    a\n  ```", "<pre><code>  a</code></pre>"),
        ("- a\n  ```\n  b\n  ```\n- c", "<ul><li>a<pre><code>b</code></pre></li><li>c</li></ul>"),
        ("- a\n```\nb\n```", "<ul><li>a</li></ul><pre><code>b</code></pre>"),
        ("> ```\n> a\n> ```", "<blockquote><pre><code>a</code></pre></blockquote>"),
        ("> ```\n> a\nb", "<blockquote><pre><code>a</code></pre></blockquote><p>b</p>"),
        ("    a\n\n      b\n\ntext", "<pre><code>a\n\n  b</code></pre><p>text</p>"),
        ("text\n    no code", "<p>text\nno code</p>"),
        ("```\n\ta\n```", "<pre><code>    a</code></pre>"),
        ("```{.rust .numbers}\n```", '<pre><code class="language-rust"></code></pre>'),
        ("```rust,ignore\n```", '<pre><code class="language-rust"></code></pre>'),
        ('``` js title="a"\n```', '<pre><code class="language-js"></code></pre>'),
        ("```\n&amp; <b> *c*\n```", "<pre><code>&amp;amp; &lt;b&gt; *c*</code></pre>"),
    ],
)
def test_code(body: str, expected: str) -> None:
    assert expected == flat(body)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            "text\n| a | b |\n|---|:-:|\n| 1 | 2 |\n\nend",
            ('<p>text</p><table><thead><tr><th>a</th><th align="center">b</th></tr></thead><tbody>'
            '<tr><td>1</td><td align="center">2</td></tr></tbody></table><p>end</p>'),
        ),
        ("a | b\n- | -", "<p>a | b</p><ul><li>| -</li></ul>"),
        ("a | b\n---", "<h2>a | b</h2>"),
        ("| a |\n|---|---|", "<p>| a |\n|---|---|</p>"),
        ("| a\\|b |\n|---|", "<table><thead><tr><th>a|b</th></tr></thead></table>"),
        (
            "|a|b|\n|-|-|\n|1|\n|1|2|3|\n- x",
            ("<table><thead><tr><th>a</th><th>b</th></tr></thead><tbody><tr><td>1</td><td></td></tr>"
            "<tr><td>1</td><td>2 | 3</td></tr></tbody></table><ul><li>x</li></ul>"),
        ),
        (
            "- |a|\n  |-:|\n  |1|",
            ('<ul><li><table><thead><tr><th align="right">a</th></tr></thead><tbody><tr>'
            '<td align="right">1</td></tr></tbody></table></li></ul>'),
        ),
    ],
)  # fmt: skip
def test_tables(body: str, expected: str) -> None:
    """What a row has too much is kept: GitHub would drop it without a word."""
    assert expected == flat(body)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<div>\n*a*\n\n*b*\n\n</div>", "<div>*a*<p><em>b</em></p></div>"),
        (
            "<details>\n<summary>s</summary>\n\n- a\n\n</details>",
            "<details><summary>s</summary><ul><li>a</li></ul></details>",
        ),
        ("<div markdown=1>\n*a*\n</div>", "<div markdown=1><p><em>a</em></p></div>"),
        ("text\n<div>a</div>", "<p>text</p><div>a</div>"),
        ("text\n<b>a</b>", "<p>text<b>a</b></p>"),
        ("<b>\na\n</b>\n\nc", "<b>a</b><p>c</p>"),
        ("<!-->\nc", "<!--><p>c</p>"),
        ("<!-- a\n\nb -->\nc", "<!-- a\n\nb --><p>c</p>"),
        ("<pre>\na\n\n*b*</pre>\nc", "<pre>a\n\n*b*</pre><p>c</p>"),
        ("- <div>\n  a\n\n  b", "<ul><li><div>a<p>b</p></li></ul>"),
        ("    <div>", "<pre><code>&lt;div&gt;</code></pre>"),
    ],
)
def test_raw_html(body: str, expected: str) -> None:
    """Markdown within elements is Markdown, from a blank line on."""
    assert expected == flat(body)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("> <!-- a\n\nb", "<blockquote><!-- a\n--></blockquote><p>b</p>"),
        ("> <script>\n\nb", "<blockquote><script></script></blockquote><p>b</p>"),
        ("<div>\n<!-- a\n\nb", "<div><!-- a--><p>b</p>"),
        ('<div title="a\n\nb', '&lt;div title="a<p>b</p>'),
        ("<div>\n<b\n\nb", "<div>&lt;b<p>b</p>"),
    ],
)
def test_html_that_does_not_end_takes_nothing_with_it(body: str, expected: str) -> None:
    assert expected == flat(body)


# --- beside the standard -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            "/// tip | Do *this*\na\n\n- b\n///\nc",
            ('<div class="admonition tip"><p class="admonition-title">Do <em>this</em></p><p>a</p>'
            "<ul><li>b</li></ul></div><p>c</p>"),
        ),
        (
            "/// warning\na\n///",
            '<div class="admonition warning"><p class="admonition-title">Warning</p><p>a</p></div>',
        ),
        (
            "/// details | More\na\n///",
            "<details><summary>More</summary><p>a</p></details>",
        ),
        (
            "//// note | A\n/// details | B\nc\n///\nd\n////\ne",
            ('<div class="admonition note"><p class="admonition-title">A</p><details><summary>B'
            "</summary><p>c</p></details><p>d</p></div><p>e</p>"),
        ),
        (
            "text\n/// info | A\n```\n///\n```\n///",
            ('<p>text</p><div class="admonition info"><p class="admonition-title">A</p>'
            "<pre><code>///</code></pre></div>"),
        ),
        (
            "- a\n\n  /// tip | T\n  b\n  ///\n- c",
            ('<ul><li><p>a</p><div class="admonition tip"><p class="admonition-title">T</p>'
            "<p>b</p></div></li><li><p>c</p></li></ul>"),
        ),
        (
            "> /// danger | D\n> a\n> ///",
            ('<blockquote><div class="admonition danger"><p class="admonition-title">D</p>'
            "<p>a</p></div></blockquote>"),
        ),
        (
            "/// tip | T\n<iframe src='x'></iframe>\n///\nc",
            ('<div class="admonition tip"><p class="admonition-title">T</p>'
            "<iframe src='x'></iframe></div><p>c</p>"),
        ),
        (
            "/// tip | T\na",
            '<div class="admonition tip"><p class="admonition-title">T</p><p>a</p></div>',
        ),
        ("/// other\na\n///", "<p>/// other\na\n///</p>"),
        ("a /// tip", "<p>a /// tip</p>"),
    ],
)  # fmt: skip
def test_call_outs_and_details(body: str, expected: str) -> None:
    assert expected == flat(body)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("A\n: b", "<dl><dt>A</dt><dd>b</dd></dl>"),
        ("A\nB\n:   c\n:   d", "<dl><dt>A</dt><dt>B</dt><dd>c</dd><dd>d</dd></dl>"),
        ("A\n\n: b\n\n    c", "<dl><dt>A</dt><dd><p>b</p><p>c</p></dd></dl>"),
        ("A\n: b\n\nC\n: d\n\ne", "<dl><dt>A</dt><dd>b</dd><dt>C</dt><dd>d</dd></dl><p>e</p>"),
        ("A\n:b\n: ", "<p>A\n:b\n:</p>"),
        (": a", "<p>: a</p>"),
    ],
)
def test_definition_lists(body: str, expected: str) -> None:
    assert expected == flat(body)


def test_footnotes_are_numbered_in_the_order_of_their_references() -> None:
    body = "A[^b] B[^Late] C[^b] [^none]\n\n[^late]: L\n[^b]: B\n\n    - more\n\n[^unused]: U"
    assert flat(body) == (
        '<p>A<sup><a class="footnote-ref" href="#fn:b">1</a></sup> '
        'B<sup><a class="footnote-ref" href="#fn:late">2</a></sup> '
        'C<sup><a class="footnote-ref" href="#fn:b">1</a></sup> [^none]</p>'
        '<div class="footnote"><hr><ol><li id="fn:b"><p>B</p><ul><li>more</li></ul></li>'
        '<li id="fn:late"><p>L</p></li><li id="fn:unused"><p>U</p></li></ol></div>'
    )


def test_notes_may_refer_to_notes() -> None:
    body = "[^a]\n\n[^a]: A[^b]\n[^b]: B"
    assert 'A<sup><a class="footnote-ref" href="#fn:b">2</a></sup>' in flat(body)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("- [ ] a", '<ul><li><input disabled type="checkbox"> a</li></ul>'),
        ("- [x] a", '<ul><li><input checked disabled type="checkbox"> a</li></ul>'),
        ("1. [X]\ta", '<ol><li><input checked disabled type="checkbox"> a</li></ol>'),
        ("- [ ] a\n\n  b", '<ul><li><p><input disabled type="checkbox"> a</p><p>b</p></li></ul>'),
        ("- [ ]", "<ul><li>[ ]</li></ul>"),
        ("- a\n\n  [x] b", "<ul><li><p>a</p><p>[x] b</p></li></ul>"),
        ("[x] a", "<p>[x] a</p>"),
    ],
)
def test_tasks(body: str, expected: str) -> None:
    assert expected == flat(body)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("*[AB]: Big\n\nAB `AB` ABC", '<p><abbr title="Big">AB</abbr> <code>AB</code> ABC</p>'),
        ("AB\n*[AB]: x", '<p><abbr title="x">AB</abbr></p>'),
        ("*[a b*", "<p><em>[a b</em></p>"),
    ],
)  # fmt: skip
def test_abbreviations(body: str, expected: str) -> None:
    assert expected == flat(body)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("# A {#id .c}", '<h1 class="c" id="id">A</h1>'),
        ("a\n{: .c}", '<p class="c">a</p>'),
        ("![b](/b.png){title='T t'}", '<p><img alt="b" src="/b.png" title="T t"></p>'),
        ("`a`{not an attribute}", "<p><code>a</code>{not an attribute}</p>"),
        ("*a*{{ b.c }}", "<p><em>a</em>{{ b.c }}</p>"),
        ("# A {of course}", "<h1>A {of course}</h1>"),
    ],
)  # fmt: skip
def test_attributes_are_only_what_cannot_be_words(body: str, expected: str) -> None:
    assert expected == flat(body)


# --- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        ">" * 10_000 + " a",
        "\n".join("  " * depth + "- a" for depth in range(200)),
        "".join("/" * length + " tip\n" for length in range(300, 3, -1)),
        "*a " * 500 + "b*" * 500,
        "[^a]: " * 300,
    ],
)
def test_what_is_nested_too_deeply_is_refused(body: str) -> None:
    with pytest.raises(RecursionError):
        to_html(body)


def test_what_is_nested_less_deeply_is_read() -> None:
    assert to_html(">" * 90 + " a").count("<blockquote>") == 90


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("", ""),
        ("\n \n\t\n", ""),
        ("a\r\nb\rc", "<p>a\nb\nc</p>"),
        ("\x02wzxhzdk:0\x03 <b>", "<p>wzxhzdk:0 <b></p>"),
        ("klzzwxh:0000", "<p>klzzwxh:0000</p>"),
        ("a\u2028b\u0085c", "<p>a\u2028b\u0085c</p>"),
        ("a\x00b", "<p>a\x00b</p>"),
    ],
)
def test_odd_characters(body: str, expected: str) -> None:
    assert expected == to_html(body)


@pytest.mark.parametrize(
    "flood",
    ["[a ", "![a", "<a ", "<http://x ", "[a](b(", '<b c="', "`" * 3 + "a", "*a **b ", "a_", "~~a",
     "<!-- ", "&a", "[^a]: ", "| a ", "> a\n", "- a\n", "a\n: b\n", "[a]: b\n", "/// tip\n", "m@a.",
     "https://x.example/.", "<div>\n<b ", "\\", ":a", "a@"]
)  # fmt: skip
def test_a_flood_of_marks_is_read_in_a_moment(flood: str) -> None:
    """Time is in proportion to the length of a body, whatever it holds."""
    with suppress(RecursionError):
        assert to_html(flood * (20_000 // len(flood))) is not None
