"""What every dialect has in common: containers, admonitions, code left alone, leftovers refused."""

from __future__ import annotations

import pytest

from mailer.content.dialects import Translation, translate


def plain(body: str) -> Translation:
    return translate(body, dialect="plain", file="issues/x.md", body_line=5)


def said(result: Translation) -> list[tuple[str, int]]:
    return [(finding.id, finding.line) for finding in result.findings]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("::: tip\nx\n:::", "/// tip\nx\n///"),
        ("::: tip Read *this*\nx\n:::", "/// tip | Read *this*\nx\n///"),
        (":::note[Mind the `gap`]\nx\n:::", "/// note | Mind the `gap`\nx\n///"),
        ('::: {.callout-warning title="Hot"}\nx\n:::', "/// warning | Hot\nx\n///"),
        (":::{note}\nx\n:::", "/// note\nx\n///"),
        ("::: important\nx\n:::", "/// info | Important\nx\n///"),
        ("::: caution Hot\nx\n:::", "/// warning | Hot\nx\n///"),
        ("::: details More\nx\n:::", "/// details | More\nx\n///"),
        ("  ::: tip\n  x\n  :::", "  /// tip\n  x\n  ///"),
        ("> ::: tip\n> x\n> :::", "> /// tip\n> x\n> ///"),
        ("- ::: tip\n  x\n  :::", "- /// tip\n  x\n  ///"),
        (":::: tip\n::: danger\nx\n:::\n::::", "//// tip\n/// danger\nx\n///\n////"),
        ("::: tip\n::: danger\nx\n:::\n:::", "//// tip\n/// danger\nx\n///\n////"),
        (
            ":::: tip\n::: tip\n:::\n::: note\n:::\n::::",
            "//// tip\n/// tip\n///\n/// note\n///\n////",
        ),
        ("::: quote Ann\nx\n\ny\n:::", ">\n> x\n>\n> y  \n> — Ann"),
        ("::: tip\n```\n:::\n```\n:::", "/// tip\n```\n:::\n```\n///"),
        ("::: v-pre\n{{ x }}\n:::", "\n&#123;&#123; x }}\n"),
        (":::: v-pre\n{ a\n::: v-pre\n{ b\n:::\n{ c\n::::", "\n&#123; a\n\n&#123; b\n\n&#123; c\n"),
        (
            "::::: tip\n:::: note\n::: danger\nx\n:::\n::::\n:::::",
            "///// tip\n//// note\n/// danger\nx\n///\n////\n/////",
        ),
        ("a ::: b", "a ::: b"),
    ],
)
def test_containers_are_blocks_of_the_engine(written: str, expected: str) -> None:
    result = plain(written)
    assert expected == result.body
    assert [] == said(result)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ('!!! note "T"\n    x\n\n    y\n\nz', "/// note | T\nx\n\ny\n///\nz"),
        ("!!! note\n    x\n", "/// note\nx\n///"),
        ("a\n\n!!! note\n    x\nb", "a\n/// note\nx\n///\nb"),
        ("!!! note\n    x\nb", "\nx\nb"),
        ('!!! note "Only this"\n', "**Only this**\n"),
        ("??? tip\n    x\n\n", "/// details\nx\n///\n"),
        ('=== "Tab"\n    x\n', "**Tab**\nx\n"),
        ("!!! note\n    !!! tip\n        x\n\n\n", "//// note\n/// tip\nx\n///\n////\n"),
        ("!!! note\n    ```\n    x = 1\n    ```\n\n", "/// note\n```\nx = 1\n```\n///\n"),
        ("!!! this is great", "!!! this is great"),
        ("Title\n===", "Title\n==="),
    ],
)
def test_admonitions_are_the_same_blocks(written: str, expected: str) -> None:
    result = plain(written)
    assert expected == result.body
    assert written.count("\n") == result.body.count("\n")


def test_the_parts_of_a_code_group_stand_below_their_names() -> None:
    written = "::: code-group\n```sh{1} [npm]\na\n```\n\n```sh [yarn]\nb\n```\n:::"
    assert "**npm**\n```sh\na\n```\n**yarn**\n```sh\nb\n```\n" == plain(written).body
    written = "::: code-tabs#shell\n@tab pnpm\n```sh\na\n```\n@tab:active npm\n```sh\nb\n```\n:::"
    assert "\n**pnpm**\n```sh\na\n```\n**npm**\n```sh\nb\n```\n" == plain(written).body


def test_a_container_that_nobody_knows_keeps_its_words() -> None:
    result = plain("::: theorem Of *Thales*\nx\n:::")
    assert "**Of *Thales***\nx\n" == result.body
    assert [("W112", 5)] == said(result)


@pytest.mark.parametrize(
    ("written", "line"),
    [("a\n\n::: tip\nx", 7), ("::: tip\n:::: note\nx\n:::", 6), (":::", 5), ("x\n:::\ny", 6)],
)
def test_a_container_that_is_half_open_is_e118_with_its_line(written: str, line: int) -> None:
    result = plain(written)
    assert ("E118", line) in said(result)
    assert ":::" not in result.body


@pytest.mark.parametrize(
    ("info", "language"),
    [
        ("js", "js"),
        ("js{1,3} [a.js]", "js"),
        ('jsx title="a.jsx" showLineNumbers', "jsx"),
        ("rust,ignore", "rust"),
        ("c++", "c++"),
        ("{.python .numberLines}", "python"),
        ("{r, echo=FALSE}", "r"),
        ('{title="x"}', ""),
        ("php:no-line-numbers", "php"),
        ("", ""),
    ],
)
def test_the_info_of_a_fence_is_its_language(info: str, language: str) -> None:
    assert f"- ~~~~{language}\n  x\n  ~~~~" == plain(f"- ~~~~{info}\n  x\n  ~~~~").body


CODE = [
    "`{{ x }} {% y %}`",
    "``{{< x >}} ` ``",
    "```\n{{ x }}\n::: tip\n<!-- y -->\n```",
    "~~~\n{% if x %}\n\n{{#> y}}\n~~~",
    "- a\n\n  ```\n  {{ x }}\n  ```",
    "> ```\n> {{ x }}\n> ```",
    "a\n\n    {{ x }}\n\n    {% y %}",
    "<pre>\n{{ x }}\n\n{% y %}</pre>",
    "<code>{{ x }}</code>",
    r"\{\{ x }}",
    r"a \::: b",
]


@pytest.mark.parametrize(
    "dialect", ["plain", "vuepress", "docusaurus", "jekyll", "hugo", "eleventy"]
)
@pytest.mark.parametrize("code", CODE)
def test_no_dialect_looks_into_code(code: str, dialect: str) -> None:
    result = translate(f"{code}\n\nend", dialect=dialect)
    assert f"{code}\n\nend" == result.body
    assert () == result.findings


@pytest.mark.parametrize(
    "written",
    [
        "Hello {{ first_name }}",
        "a {% if x %} b",
        "{{< x y >}}",
        "*|FNAME|*",
        "<%= name %>",
        "{{ a\nb }}",
        "{% unclosed",
        "[x](/a/{{ b }})",
        "text\n\n<!-- never closed",
    ],
)
def test_what_is_left_of_a_template_language_is_e118(written: str) -> None:
    result = plain(written)
    assert ["E118"] == [finding.id for finding in result.findings]
    assert result.findings[0].next_step


@pytest.mark.parametrize(
    "written",
    [
        'Hello {{ subscriber.name or "reader" }}',
        "{{ list.title }} {{ unsubscribe_url }}",
        "{{ 7*7 }}",
        "a {{ b",
        "}} {{",
        "100{% off",
        "x{{}}y",
    ],
)
def test_personal_places_and_mere_braces_are_none_of_it(written: str) -> None:
    result = plain(written)
    assert written == result.body
    assert () == result.findings


def test_the_same_leftover_is_said_once() -> None:
    assert [("E118", 5), ("E118", 7)] == said(plain("{{ a }}\n{{ a }}\n{{ b }}"))


def test_comments_and_tables_of_contents_go_without_a_word() -> None:
    written = "a\n<!-- more\n\n```\n-->\nb\n\n[TOC]\n\n[[toc]]\n\n{# x #}{/* y */}{{!-- z --}} c"
    result = plain(written)
    assert "a\n\n\n\n\nb\n\n\n\n\n\n c" == result.body
    assert () == result.findings


def test_a_comment_among_words_holds_them_apart() -> None:
    written = "- **<!--anchor-->****Words:** more\n\n> <!-- alone -->\n> a"
    assert "- **<!--anchor-->****Words:** more\n\n> \n> a" == plain(written).body


def test_an_included_file_is_said() -> None:
    result = plain("a\n<!--@include: ./part.md-->\nb")
    assert [("W112", 6)] == said(result)
