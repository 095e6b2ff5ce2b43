"""Text is read as CommonMark says, and bare addresses, marks and emoji as beside it."""

from __future__ import annotations

import pytest

from mailer.content.engine import to_html


def text(body: str) -> str:
    return to_html(body).removeprefix("<p>").removesuffix("</p>")


# --- links ---------------------------------------------------------------------------------------

DEFINED = (
    "\n\n[`x`]: /x\n[Two  words]: </two words>\n    'A title'\n[a*b*]:\n/ab\n[e]: <>\n[dup]: /1\n"
    '[Dup]: /2\n[bad]: /bad "t" t\n'
)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("[`x`]", '<a href="/x"><code>x</code></a>'),
        ("[`x`][]", '<a href="/x"><code>x</code></a>'),
        ("[see][`x`]", '<a href="/x">see</a>'),
        ("[TWO\nwords]", '<a href="/two%20words" title="A title">TWO\nwords</a>'),
        ("[a*b*]", '<a href="/ab">a<em>b</em></a>'),
        ("![two words]", '<img alt="two words" src="/two%20words" title="A title">'),
        ("[e]", '<a href="">e</a>'),
        ("[dup]", '<a href="/1">dup</a>'),
        ("[dup](/3)", '<a href="/3">dup</a>'),
        ("[dup] (/3)", '<a href="/1">dup</a> (/3)'),
        ("[none] [none][none] [dup][none]", "[none] [none][none] [dup][none]"),
        ("[bad]", "[bad]"),
        (r"\[dup] [dup\]", "[dup] [dup]"),
        ("[[dup]]", '[<a href="/1">dup</a>]'),
        ("[ ] [] [dup][ ]", '[ ] [] <a href="/1">dup</a>[ ]'),
    ],
)
def test_references(body: str, expected: str) -> None:
    assert text(body + DEFINED).partition("</p>")[0] == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("[a]: /u\ntext [a]", '<p>text <a href="/u">a</a></p>'),
        ("text\n[a]: /u\n\n[a]", "<p>text\n[a]: /u</p>\n<p>[a]</p>"),
        ("> [a]: /u\n\n[a]", '<blockquote></blockquote>\n<p><a href="/u">a</a></p>'),
        ("- [a]: /u\n\n[a]", '<ul>\n<li></li>\n</ul>\n<p><a href="/u">a</a></p>'),
        ("[a]: /u\n===\n[a]", '<p>===\n<a href="/u">a</a></p>'),
        ("[a]:\n\n[a]", "<p>[a]:</p>\n<p>[a]</p>"),
        ("[a]: /u 'open\n\nend' [a]", "<p>[a]: /u 'open</p>\n<p>end' [a]</p>"),
        ("[a]: /u\n'title' more\n\n[a]", "<p>'title' more</p>\n<p><a href=\"/u\">a</a></p>"),
        ("```\n[a]: /u\n```\n[a]", "<pre><code>[a]: /u</code></pre>\n<p>[a]</p>"),
    ],
)
def test_where_a_definition_is_one(body: str, expected: str) -> None:
    assert to_html(body) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("[a](/b(c)d)", '<a href="/b(c)d">a</a>'),
        ("[a](/b\\(c)", '<a href="/b(c">a</a>'),
        ("[a](/b(c)", "[a](/b(c)"),
        ("[a](</b c>)", '<a href="/b%20c">a</a>'),
        ("[a](/b c)", "[a](/b c)"),
        ("[a]( /b\n'c' )", '<a href="/b" title="c">a</a>'),
        ('[a](/b "c \\"d\\" &copy;")', '<a href="/b" title="c &quot;d&quot; ©">a</a>'),
        ("[a](/b (c))", '<a href="/b" title="c">a</a>'),
        ("[a]()", '<a href="">a</a>'),
        ("[a](#)", '<a href="#">a</a>'),
        ("[a](/b?c=d&e=f&amp;g)", '<a href="/b?c=d&amp;e=f&amp;g">a</a>'),
        ("[*a* `]` b](/c)", '<a href="/c"><em>a</em> <code>]</code> b</a>'),
        ("[a [b] c](/d)", '<a href="/d">a [b] c</a>'),
        ("[a [b](/c) d](/e)", '[a <a href="/c">b</a> d](/e)'),
        ("[![a](/i)](/c)", '<a href="/c"><img alt="a" src="/i"></a>'),
        ("![a *b* ![c](/d)](/e)", '<img alt="a b c" src="/e">'),
        ("*[a*](/b)", '*<a href="/b">a*</a>'),
        ("[a](/b)(/c)", '<a href="/b">a</a>(/c)'),
        ("[`a](/b)`", "[<code>a](/b)</code>"),
        ("[a <b c='](/d)'>](/e)", "<a href=\"/e\">a <b c='](/d)'></a>"),
        ("[tok0a1b2c3d4es0e](tok0a1b2c3d4es1e)", '<a href="tok0a1b2c3d4es1e">tok0a1b2c3d4es0e</a>'),
    ],
)
def test_links_and_images(body: str, expected: str) -> None:
    assert text(body) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<https://a.example/b_c?d>", '<a href="https://a.example/b_c?d">https://a.example/b_c?d</a>'),
        ("<me@a.example>", '<a href="mailto:me@a.example">me@a.example</a>'),
        ("<mailto:me@a.example>", '<a href="mailto:me@a.example">mailto:me@a.example</a>'),
        ("<a:b> <ab:>", '&lt;a:b&gt; <a href="ab:">ab:</a>'),
        ("<https://a b>", '&lt;<a href="https://a">https://a</a> b&gt;'),
    ],
)  # fmt: skip
def test_addresses_in_angle_brackets(body: str, expected: str) -> None:
    """Mail addresses come out as they are, not as Python-Markdown's entities."""
    assert text(body) == expected


@pytest.mark.parametrize(
    ("body", "linked"),
    [
        ("https://a.example", "https://a.example"),
        ("(https://a.example/b).", "https://a.example/b"),
        ("https://a.example/b_(c)", "https://a.example/b_(c)"),
        ("(see https://a.example/b_(c))", "https://a.example/b_(c)"),
        ("https://a.example/b_c_d, then", "https://a.example/b_c_d"),
        ("**https://a.example/**", "https://a.example/"),
        ("_https://a.example_", "https://a.example"),
        ("HTTP://A.example?b[]=c!", "HTTP://A.example?b[]=c"),
        ("https://a.example/?b=c&amp;d=e&copy;", "https://a.example/?b=c&amp;d=e"),
        (r"https://a.example/b\_c", "https://a.example/b_c"),
        ("请看https://a.example/b。好", "https://a.example/b"),
        ('"https://a.example"', "https://a.example"),
        ("- https://a.example/b`c`", "https://a.example/b"),
        ("https://a.example[^1]\n\n[^1]: b", "https://a.example"),
        ("ftp://a.example/b", "ftp://a.example/b"),
        ("http://localhost:8000/a", "http://localhost:8000/a"),
    ],
)
def test_bare_addresses_are_links(body: str, linked: str) -> None:
    assert f'<a href="{linked}">{linked}</a>' in to_html(body)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("www.a.example/b.", '<a href="http://www.a.example/b">www.a.example/b</a>.'),
        ("me.u+x@a-b.example.", '<a href="mailto:me.u+x@a-b.example">me.u+x@a-b.example</a>.'),
        ("_me@a.example_", '<em><a href="mailto:me@a.example">me@a.example</a></em>'),
        ("git+https://a.example xhttps://a https://", "git+https://a.example xhttps://a https://"),
        ("a@b me@a.example@c @me /a@b.example", "a@b me@a.example@c @me /a@b.example"),
        ("vue@3.4.0 x@1.2.3-rc.1 git@a.example:b/c", "vue@3.4.0 x@1.2.3-rc.1 git@a.example:b/c"),
        ("`https://a.example`", "<code>https://a.example</code>"),
        ("[https://a.example](/b)", '<a href="/b">https://a.example</a>'),
        ("[b https://a.example/c](/d)", '<a href="/d">b https://a.example/c</a>'),
        ("<a href='/b'>https://a.example</a>", "<a href='/b'>https://a.example</a>"),
        ("![https://a.example](/b)", '<img alt="https://a.example" src="/b">'),
        ("[b <https://a.example>](/c)", '<a href="/c">b https://a.example</a>'),
    ],
)  # fmt: skip
def test_no_link_stands_in_a_link(body: str, expected: str) -> None:
    assert text(body) == expected


# --- emphasis and characters ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("*a* _b_ **c** __d__", "<em>a</em> <em>b</em> <strong>c</strong> <strong>d</strong>"),
        ("***a** b*", "<em><strong>a</strong> b</em>"),
        ("***a***", "<em><strong>a</strong></em>"),
        ("a*b*c a_b_c __a_b__", "a<em>b</em>c a_b_c <strong>a_b</strong>"),
        ("* a * ** b", None),
        ("2 * 3 * 4, *a", "2 * 3 * 4, *a"),
        ("**a*", "*<em>a</em>"),
        ("*a **b c*", "*a *<em>b c</em>"),
        ("**a:**b", "**a:**b"),
        ("**“a”**b", "**“a”**b"),
        ("は**「強調」**です", "は<strong>「強調」</strong>です"),
        ("**注意：**不要", "<strong>注意：</strong>不要"),
        ("*a\nb*", "<em>a\nb</em>"),
        ("~~a~~ ~b~ ~5 min", "<del>a</del> ~b~ ~5 min"),
        ("==a== b == c, x==y==z", "<mark>a</mark> b == c, x==y==z"),
        ("**`a`** *[b](/c)*", '<strong><code>a</code></strong> <em><a href="/c">b</a></em>'),
        ("*a `*` b*", "<em>a <code>*</code> b</em>"),
    ],
)  # fmt: skip
def test_emphasis(body: str, expected: str | None) -> None:
    assert text(body) == (expected or "<ul>\n<li>a * ** b</li>\n</ul>")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("a  \nb", "a<br>\nb"),
        ("a\\\nb", "a<br>\nb"),
        ("a \n  b", "a\nb"),
        ("*a  \nb*", "<em>a<br>\nb</em>"),
        ("a\\", "a\\"),
        ("`` a`b `` ` c ` `  `", "<code>a`b</code> <code>c</code> <code>  </code>"),
        ("`a\nb` ``c`", "<code>a b</code> ``c`"),
        (r"\*a\* \`b\` \a \\ \&amp;", r"*a* `b` \a \ &amp;amp;"),
        ("&amp; &copy; &#169; &#xa9; &amp;copy;", "&amp; © © © &amp;copy;"),
        ("&nosuch; AT&T a&b;", "&amp;nosuch; AT&amp;T a&amp;b;"),
        ("a &lt;b&gt; < c > d", "a &lt;b&gt; &lt; c &gt; d"),
        ("<b>a</b><br/><!-- c --><?d?>", "<b>a</b><br/><!-- c --><?d?>"),
        ("<a b='*c*' d>*e*</a>", "<a b='*c*' d><em>e</em></a>"),
        ("<3 <-- a<b <a b='c> <!-- d", "&lt;3 &lt;-- a&lt;b &lt;a b='c&gt; &lt;!-- d"),
        (":boat: (:tada:) :nosuch: `:boat:`", "⛵ (🎉) :nosuch: <code>:boat:</code>"),
        ("10:100:20 a:boat:b std::v::w :+1:", "10:100:20 a:boat:b std::v::w 👍"),
    ],
)  # fmt: skip
def test_breaks_code_escapes_entities_html_and_emoji(body: str, expected: str) -> None:
    assert text(body) == expected
