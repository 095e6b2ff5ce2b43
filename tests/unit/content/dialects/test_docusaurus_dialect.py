"""MDX as in Docusaurus, Next and Astro."""

from __future__ import annotations

import pytest

from mailer.content.dialects import translate

PLAYER = '<iframe src="https://www.youtube.com/embed/abcdefghijk" title="T"></iframe>'


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ('import A from "./a.mdx";\n\nb', "\n\nb"),
        ("import {\n  A,\n  B,\n} from 'c';\n\nb", "\n\n\n\n\nb"),
        ("export const x = 'y';\n\n{x}!", "\n\ny!"),
        ("export default ({children}) => (\n  <div>{children}</div>\n)\n\nb", "\n\n\n\nb"),
        ("import tariffs are high", "import tariffs are high"),
        ("{/* truncate */}\na{' '}b {\"c\"}", "\na b c"),
        ("{`a b`} c", "a b c"),
        ("<p>\n\t\t{' '}\n\t\ta <em>b</em>\n</p>", "<p>\n\t\t&#32;\n\t\ta <em>b</em>\n</p>"),
        ("a\n{' '}", "a\n&#32;"),
        ('<b className="x" style={{a: 1}} onClick={() => go()}>b</b>', '<b class="x">b</b>'),
        ("<YouTube id='abcdefghijk' title='T' />", PLAYER),
        ('<ReactPlayer url="https://youtu.be/abcdefghijk" title="T"/>', PLAYER),
        ("import p from '@site/static/img/p.png';\n\n<Image src={p} alt='P' />",
         "\n\n![P](/img/p.png)"),
        ("<img src={useBaseUrl('/img/p.png')} alt=\"P\" />", '<img src="/img/p.png" alt="P" />'),
        ("<img src={require('@site/static/img/p.png').default} />", '<img src="/img/p.png" />'),
        ("<Figure src='/a.png' caption='B' alt='A' />",
         '<figure><img src="/a.png" alt="A"><figcaption>B</figcaption></figure>'),
        ("<Admonition type='tip' title='T'>\n\na\n\n</Admonition>", "/// tip | T\n\na\n\n///"),
        ("<Callout>\na\n</Callout>", "/// note\na\n///"),
        ("<Tabs>\n  <TabItem value='b' label='B'>\n\n    text\n\n  </TabItem>\n</Tabs>",
         "\n**B**  \n\ntext\n\n\n"),
        ("<Tabs values={[{label: 'Mac', value: 'm'}]}>\n<TabItem value='m'>\na\n</TabItem></Tabs>",
         "\n**Mac**  \na\n"),
        ("<Link to='/x'>y</Link>", '<a href="/x">y</a>'),
        ("[a](pathname:///b.pdf) [c](@site/docs/d.md)", "[a](/b.pdf) [c](/docs/d.md)"),
        ("## H {#h}\n\n`{x}` \\{y}", "## H {#h}\n\n`{x}` \\{y}"),
        ("{frontMatter.title}", r"A \*title\*"),
        ("<>\na\n</>", "\na\n"),
        ("<Button href='https://e.example/{{ subscriber.id }}' label='Go' />",
         "[Go](https://e.example/{{ subscriber.id }})"),
        (":::info\n\na\n\n:::", "/// info\n\na\n\n///"),
        ("<details>\n<summary>S</summary>\n\na\n\n</details>",
         "<details>\n<summary>S</summary>\n\na\n\n</details>"),
    ],
)  # fmt: skip
def test_mdx_becomes_plain(written: str, expected: str) -> None:
    result = translate(written, dialect="docusaurus", file="x.mdx", fields={"title": "A *title*"})
    assert expected == result.body
    assert () == result.findings


def test_children_keep_their_words_and_components_their_warning() -> None:
    result = translate("<A>\n  one <B c={d}>*two*</B>\n</A>\n\n<E/>", file="x.mdx")
    assert "\none *two*\n\n\n" == result.body
    assert ["<A>", "<B>", "<E>"] == [each.message.split()[0] for each in result.findings]
    assert [1, 2, 5] == [each.line for each in result.findings]


@pytest.mark.parametrize(
    "written", ["{year()}", "a {props.name} b", "{items.map(x => <li>{x}</li>)}"]
)
def test_an_expression_that_nobody_can_work_out_is_refused(written: str) -> None:
    result = translate(written, file="x.mdx")
    assert ["E118"] == [each.id for each in result.findings]
    assert "{" not in result.body


def test_braces_are_text_where_there_is_no_script() -> None:
    result = translate(":::note\na {b}\n:::", file="x.md", dialect="docusaurus")
    assert "/// note\na {b}\n///" == result.body


def test_a_picture_of_the_sites_source_is_said() -> None:
    result = translate("import a from '/src/a.png'\n\n<Image src={a} alt='A'/>", file="x.mdx")
    assert [("W112", 1)] == [(each.id, each.line) for each in result.findings]
