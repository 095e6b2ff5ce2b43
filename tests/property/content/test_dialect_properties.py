"""Any text in any dialect: the lines stay, code stays, nothing raises, nothing of ours leaks."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from mailer.content.dialects import translate
from mailer.model import DIALECTS

BITS = [
    "\n", "\n\n", " ", "    ", "\t", "> ", "- ", "1. ", "```", "```js{1} [x]", "~~~", "`", "``",
    "{% raw %}", "{% endraw %}", "{% highlight x %}", "{% endhighlight %}", "{% if x %}",
    "{% endif %}", '{% include a.html title="A b" %}', "{{< note >}}", "{{< /note >}}",
    '{{< figure src="a.png" caption="x [y](z)" >}}', "{{% tabs %}}", "{{% /tabs %}}", "{{", "}}",
    "{", "}", "{{ page.title }}", '{{ f(x="y z") }}', "{% end %}", '{% quote(author="a") %}',
    ":::", " tip", "::: tip T", ":::: note", '!!! note "T"', "??? x", '=== "T"', "<Tabs>",
    "</Tabs>", '<Foo a={b} c="d e"/>', "<Note title='x y'>", "</Note>", "<!--", "-->",
    "<!-- x -->", "{/*", "*/}", "<pre>", "</pre>", "<script>", "</script>", "word", "Text here",
    "# H", "{:.x}", "{:toc}", "{::nomarkdown}", "[a](b.md)", "![a](@x/y.png)", "{static}/x",
    "import x from 'y'", "export const a = 1", "\\", "\\{", "{{#> x}}", "{{/x}}", "{{{ a b }}}",
    "<code>", "</code>", "|", "=", "\ue000", "é", "{{ subscriber.name }}", "[[toc]]", "* TOC",
    "<<< @/x", "@[youtube](dQw4w9WgXcQ)", "\u2028", "\x0b", "<center>", "*|X|*",
]  # fmt: skip
TEXTS = st.lists(st.sampled_from(BITS), max_size=30).map("".join) | st.text(max_size=80)
NAMES = st.sampled_from(("auto", *DIALECTS))
FILES = st.sampled_from(("a.md", "a.mdx"))
FIELDS = {"title": "A *b* c"}
_FENCE = re.compile(r"^ {0,3}`{3,}\n(?:.*\n)*?^ {0,3}`{3,}$", re.MULTILINE)


@given(TEXTS, NAMES, FILES)
def test_every_line_keeps_its_number_and_nothing_is_raised(
    body: str, dialect: str, file: str
) -> None:
    result = translate(body, dialect=dialect, file=file, fields=FIELDS)
    assert body.count("\n") == result.body.count("\n")
    assert result.dialect in DIALECTS
    assert all(0 < each.line <= body.count("\n") + 1 for each in result.findings)
    assert "\ue000" in body or "\ue000" not in result.body


@given(TEXTS)
def test_plain_text_is_translated_once(body: str) -> None:
    once = translate(body, dialect="plain").body
    assert once == translate(once, dialect="plain").body


@given(TEXTS, TEXTS, NAMES)
def test_fenced_code_is_never_touched(before: str, code: str, dialect: str) -> None:
    """Where nothing before it can swallow it, a fence comes out as it went in."""
    lines = "\n".join(f"x {line}" for line in code.replace("`", "'").split("\n"))
    fence = f"```\n{lines}\n```"
    for text in (f"{fence}\n\n{before}", f"Words.\n\n{fence}"):
        assert fence in translate(text, dialect=dialect, fields=FIELDS).body


@given(TEXTS, NAMES)
def test_what_is_left_of_a_template_language_stops_the_mailing(body: str, dialect: str) -> None:
    result = translate(body, dialect=dialect, fields=FIELDS)
    again = translate(result.body, dialect="plain")
    left = {each.id for each in again.findings} - {"W112"}
    assert not left or "E118" in {each.id for each in result.findings}
