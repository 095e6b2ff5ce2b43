"""VuePress and VitePress."""

from __future__ import annotations

import pytest

from mailer.content.dialects import translate

FIELDS = {"title": "Tide *tables*", "number": 7}


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("{{ $frontmatter.title }}", r"Tide \*tables\*"),
        ("{{ $page.frontmatter.number }} {{ 'x' }}", "7 x"),
        ("<script setup>\nx\n</script>\na\n<style>b</style>", "\n\n\na\n"),
        ('# T <Badge type="tip" text="beta"/>', "# T **beta**"),
        ("<Badge>new</Badge>", "new"),
        ("<ClientOnly>\n\na\n\n</ClientOnly>", "\n\na\n\n"),
        ('<img :src="$withBase(\'/a.png\')" v-if="x" alt="A">', '<img src="/a.png" alt="A">'),
        ('<a :href="\'/b\'" @click="x">b</a>', '<a href="/b">b</a>'),
        ("![a](/public/b.png) ![c](@assets/d.png) ![e](./f.png)",
         "![a](/b.png) ![c](/d.png) ![e](./f.png)"),
        ("@[youtube](abcdefghijk)",
         '<iframe src="https://www.youtube.com/embed/abcdefghijk"></iframe>'),
        ('<router-link to="/x">All *issues*</router-link>', '<a href="/x">All *issues*</a>'),
        ('<CodeGroup>\n<CodeGroupItem title="A">\n\n```js\nx\n```\n</CodeGroupItem>\n</CodeGroup>',
         "\n**A**  \n\n```js\nx\n```\n\n"),
        ("[next](./other.md#top)", "[next](./other.md#top)"),
        ("Vec<T> stays", "Vec<T> stays"),
    ],
)  # fmt: skip
def test_vuepress_becomes_plain(written: str, expected: str) -> None:
    result = translate(written, dialect="vuepress", fields=FIELDS)
    assert expected == result.body
    assert () == result.findings


@pytest.mark.parametrize(
    ("written", "expected", "message"),
    [
        ("a\n\n<Counter :start='1' />\n", "a\n\n\n", "<Counter> removed, it needs the site"),
        ("<<< @/a.ts{1}", "", "the code of @/a.ts{1} removed: the file is not here"),
        ("<Fancy>x</Fancy>", "x", "<Fancy> removed, its content stays"),
        ('<Hero title="Hello there" />', "Hello there", "<Hero> removed, but for its words"),
    ],
)
def test_what_needs_the_site_goes_with_a_warning(written: str, expected: str, message: str) -> None:
    result = translate(written, dialect="vuepress")
    assert expected == result.body
    assert [("W112", message)] == [(each.id, each.message) for each in result.findings]


@pytest.mark.parametrize("written", ["{{ $site.title }}", "{{ 1 + 1 }}", "It is <Version/> now."])
def test_what_only_the_site_knows_is_refused(written: str) -> None:
    result = translate(written, dialect="vuepress")
    assert ["E118"] == [each.id for each in result.findings]
