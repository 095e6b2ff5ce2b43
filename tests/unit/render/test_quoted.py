"""What Markdown quotes stays as it is: code, comments, verbatim HTML (architecture §6)."""

from __future__ import annotations

import re

import pytest

from mailer.render.quoted import outside, quoted

HERE = re.compile("HERE")


@pytest.mark.parametrize(
    "text",
    [
        "`HERE`",
        "a `` ` HERE `` b",
        "`over\ntwo lines HERE`",
        "```\nHERE\n```",
        "```jinja title=x\nHERE\n```",
        "~~~\n```\nHERE\n~~~",
        "````\n```\nHERE\n````",
        "> ```\n> HERE\n> ```",
        "- ```\n  HERE\n  ```",
        "1. text\n\n   ```\n   HERE\n   ```",
        "```\nnever closed\n\nHERE",
        "```\nHERE\n``` not the end\n```",
        "<pre>\nHERE\n</pre>",
        "<code class='x'>HERE</code>",
        "<CODE>HERE</CODE>",
        "<script>HERE</script>",
        "<!-- HERE -->",
        "{% raw %}HERE{% endraw %}",
        "{%- raw -%}HERE{%- endraw -%}",
        "{% highlight liquid %}\nHERE\n{% endhighlight %}",
    ],
)
def test_a_quotation_is_skipped(text: str) -> None:
    assert list(outside(quoted(text), HERE.finditer(text))) == []


@pytest.mark.parametrize(
    "text",
    [
        "HERE",
        "`code` HERE `code`",
        "a ` lone tick HERE",
        "`tick\n\nHERE` in another paragraph",
        r"\`HERE\`",
        "```\ncode\n```\nHERE",
        "```one-line``` HERE",
        "~~~\ncode\n~~~\n\nHERE",
        "<prefix>HERE</prefix>",
        "<pre>x</pre>HERE<pre>x</pre>",
        "<!-- x --> HERE",
        "    HERE",
    ],
)
def test_what_only_looks_like_a_quotation_is_not_skipped(text: str) -> None:
    """Code that is only indented counts as text: it could be the text of a list."""
    assert [match[0] for match in outside(quoted(text), HERE.finditer(text))] == ["HERE"]
