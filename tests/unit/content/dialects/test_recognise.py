"""Whose Markdown an issue is, by name, front matter and syntax; a wrong guess harms nobody."""

from __future__ import annotations

import pytest

from mailer.content.dialects import translate
from mailer.content.dialects.recognise import has_foreign_keys


@pytest.mark.parametrize(
    ("dialect", "file", "form", "keys", "body"),
    [
        ("plain", "letter.md", "", "", "Just *text*.\n"),
        ("plain", "2026-11-24-letter.md", "yaml", "title date tags", "Text"),
        ("plain", "x.md", "", "", "`{{ x }}` and `{% y %}`, and\n\n```\n{{< z >}}\n```\n"),
        ("docusaurus", "42/index.mdx", "yaml", "title", "Text"),
        ("docusaurus", "x.md", "yaml", "slug authors sidebar_label", "Text"),
        ("docusaurus", "x.md", "yaml", "title", "a\n\n<!-- truncate -->\n\nb"),
        ("docusaurus", "x.md", "", "", "import X from './x'\n\n<X />"),
        ("jekyll", "_posts/2026-11-24-x.md", "yaml", "layout title", "Text"),
        ("jekyll", "x.md", "yaml", "layout", "Text"),
        ("eleventy", "x.md", "yaml", "layout",
         "{% from 'm.njk' import x %}{# c #}\n{% raw %}a{% endraw %}"),
        ("jekyll", "x.md", "", "",
         "{% highlight ruby %}\nx\n{% endhighlight %} {% include a.html %}"),
        ("jekyll", "x.md", "", "", "text\n{: .lead}"),
        ("jekyll", "x.md", "yaml", "title", "See {{ site.baseurl }}/x"),
        ("hugo", "x.md", "toml", "title date", "Text"),
        ("hugo", "x.md", "json", "title", "Text"),
        ("hugo", "x.md", "yaml", "title lastmod", "Text"),
        ("hugo", "x.md", "yaml", "title", "{{< x >}}"),
        ("hugo", "x.md", "yaml", "title", '{{ youtube(id="x") }}'),
        ("hugo", "x.md", "yaml", "title", "[a](@/b.md)"),
        ("pelican", "x.md", "meta", "title date", "Text"),
        ("pelican", "x.md", "yaml", "title", "![a]({static}/b.png)"),
        ("vuepress", "x.md", "yaml", "head sidebar", "Text"),
        ("vuepress", "x.md", "", "", "::: tip\nx\n:::"),
        ("vuepress", "x.md", "", "", "{{ $frontmatter.title }}"),
        ("vuepress", "x.md", "", "", "<script setup>\nx\n</script>"),
        ("eleventy", "x.md", "yaml", "eleventynavigation", "Text"),
        ("eleventy", "x.md", "", "", "{{#> x}}\ny\n{{/x}}"),
        ("eleventy", "x.md", "yaml", "layout", "{% set a = 1 %} {{{ b }}}"),
    ],
)  # fmt: skip
def test_a_dialect_is_recognised(dialect: str, file: str, form: str, keys: str, body: str) -> None:
    result = translate(body, file=file, form=form, fields=dict.fromkeys(keys.split(), ""))
    assert dialect == result.dialect


def test_configuration_wins() -> None:
    assert "plain" == translate("::: tip\nx\n:::", dialect="plain").dialect


@pytest.mark.parametrize(
    ("expected", "keys"),
    [
        (True, ["title", "Layout"]),
        (True, ["date", "tags"]),
        (True, ["slug"]),
        (False, ["title", "date", "author", "draft", "list"]),
        (False, []),
    ],
)
def test_some_keys_only_a_site_generator_reads(expected: bool, keys: list[str]) -> None:  # noqa: FBT001  a table's column
    assert expected is has_foreign_keys(keys)
