"""The text part, made from the same tree as the HTML (M-26, rendering §4)."""

from __future__ import annotations

import pytest

from mailer.content.markdown import convert
from mailer.content.plaintext.lines import columns, wrap
from mailer.content.web import Web


def text(body: str) -> str:
    document = convert(
        body, title="", web=Web(site="https://example.org"), file="issues/x.md", body_line=1
    )
    assert document.text.endswith("\n")
    assert not document.text.endswith("\n\n") or not document.text.strip()
    return document.text.removesuffix("\n")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            "# One\n\n## Two\n\n### Three\n\n#### Four",
            "One\n===\n\nTwo\n---\n\n### Three\n\n#### Four",
        ),
        ("# 日本", "日本\n===="),
        ("# ⚛️ x", "⚛️ x\n===="),
        ("a\n\n\n\nb", "a\n\nb"),
        ("a  \nb", "a\nb"),
        ("a&nbsp;b", "a b"),
        ("*a* **b** `c` ~~d~~", "a b `c` ~~d~~"),
        (
            "[![A](/a.png)![B](/b.png)](https://e.example)",
            "[Image: A] [Image: B] <https://e.example>",
        ),
        ("[words](https://e.example/x)", "words <https://e.example/x>"),
        ("[Boat](https://e.example/x)s sail", "Boats <https://e.example/x> sail"),
        ("[Ann](https://e.example/x)'s boat", "Ann's <https://e.example/x> boat"),
        ("[a](https://e.example/x)2 b", "a <https://e.example/x>2 b"),
        ("[船](https://e.example/x)は海へ", "船 <https://e.example/x>は海へ"),
        ("[Boat](#x)s sail", "Boats sail"),
        ("<https://e.example/x>", "https://e.example/x"),
        ("[https://e.example/x/](https://e.example/x)", "https://e.example/x"),
        ("[e.example](https://e.example)", "e.example <https://e.example>"),
        ("[write](mailto:a@b.example)", "write <a@b.example>"),
        ("<a@b.example>", "a@b.example"),
        ("![A boat](/b.png)", "[Image: A boat] <https://example.org/b.png>"),
        ("![](/b.png)", "[Image] <https://example.org/b.png>"),
        (
            "[![A boat](/b.png)](https://e.example)",
            "[Image: A boat] <https://e.example>",
        ),
        ("- a\n- b\n    - c\n        - d\n- e", "- a\n- b\n  - c\n    - d\n- e"),
        ("- a\n\n- b", "- a\n\n- b"),
        ("9. a\n10. b", "9. a\n10. b"),
        ('<ol><li value="5">a</li><li>b</li></ol>', "5. a\n6. b"),
        ("1. a\n\n    b\n\n2. c", "1. a\n\n   b\n\n2. c"),
        ("<ol reversed><li>a</li><li>b</li></ol>", "2. a\n1. b"),
        ("- a\n- b\n    - c\n\n    - d\n- e", "- a\n- b\n  - c\n\n  - d\n- e"),
        (
            "[a ![A boat](/b.png)](https://e.example)",
            "a [Image: A boat] <https://example.org/b.png> <https://e.example>",
        ),
        ("|a|b|\n|-|-:|\n|1|2|\n|10|20|", "a    b\n--  --\n1    2\n10  20"),
        ("| | |\n|-|-|\n|1|2|\n|10|20|", "1   2\n10  20"),
        ("> a\n>\n> b\n>\n> > c", "> a\n>\n> b\n>\n> > c"),
        ("```\na\n\n  b\n```", "    a\n\n      b"),
        ("> a\n>\n> ```\n> b\n> ```", "> a\n>\n    b"),
        ("- a\n\n    ```\n    b\n    ```", "- a\n\n      b"),
        ("2<sup>nd</sup> CO<sub>2</sub>", "2^nd CO_2"),
        ("a\n\n***\n\nb", "a\n\n" + "-" * 40 + "\n\nb"),
        (
            "Term\n:   Meaning\n\nOther\n:   Thing\n:   More",
            "Term\n    Meaning\n\nOther\n    Thing\n    More",
        ),
        ("x<sup>2</sup> H<sub>2</sub>O <q>yes</q>", "x^2 H_{2}O “yes”"),
        ("a<wbr>b <kbd>Ctrl</kbd>", "ab Ctrl"),
        ("<p>a</p><p>b</p>", "a\n\nb"),
        ("<ul>stray<li>a</li></ul>", "stray\n- a"),
        ("<div><a href='https://e.example'><p>a</p><p>b</p></a></div>", "a b <https://e.example>"),
    ],
)
def test_each_element_has_its_form(body: str, expected: str) -> None:
    assert text(body) == expected


def test_a_table_that_fits_stands_in_columns() -> None:
    body = "|Boat|Length|\n|:--|--:|\n|日本丸|110|\n|Kon-Tiki|14|"
    assert text(body) == ("Boat      Length\n--------  ------\n日本丸       110\nKon-Tiki      14")


def test_a_table_that_is_too_wide_has_one_cell_per_line() -> None:
    address = "https://e.example/" + "a" * 60
    body = f"|Boat|Page|\n|--|--|\n|Ark|[Ark]({address})|\n|Raft||"
    assert text(body) == f"Boat: Ark\nPage: Ark\n  <{address}>\n\nBoat: Raft"


def test_a_cell_with_paragraphs_keeps_its_words_apart() -> None:
    body = "<table><tr><th>a</th></tr><tr><td><p>one</p><p>two</p></td></tr></table>"
    assert "one two" in text(body)


def test_links_in_code_are_said_below_it() -> None:
    code = '<pre>make <a href="https://e.example/x">all</a>\nend</pre>'
    assert text(code) == "    make all\n    end\n\n<https://e.example/x>"


def test_the_caption_of_a_layout_table_stands_below_its_cells() -> None:
    table = "<table><caption>A <b>harbour</b></caption><tr><td>Boats</td></tr></table>"
    assert text(table) == "Boats\n\nA harbour"


def test_a_layout_table_is_read_cell_by_cell() -> None:
    assert text("<table><tr><td>a</td><td>b</td></tr></table>") == "a\n\nb"


def test_lines_have_at_most_76_columns() -> None:
    body = "\n\n".join(
        [
            "word " * 100,
            "- " + "word " * 60 + "\n    - " + "word " * 60,
            "> " + "word " * 60,
            "日本語の文章" * 40,
            "# " + "word " * 30,
        ]
    )
    assert max(columns(line) for line in text(body).splitlines()) <= 76


def test_addresses_are_never_broken() -> None:
    address = "https://e.example/" + "/".join(["segment"] * 30)
    assert f"<{address}>" in text(f"Some words before [the link]({address}) and after.").split()


@pytest.mark.parametrize(
    ("words", "width", "lines"),
    [
        ("a b c", 3, ["a b", "c"]),
        ("abcdef g", 3, ["abcdef", "g"]),
        ("一二三四", 4, ["一二", "三四"]),
        ("一二、三", 4, ["一", "二、", "三"]),
        ("一「二", 4, ["一", "「二"]),
        ("a\u00a0b c", 3, ["a\u00a0b", "c"]),
        ("a\nb", 3, ["a", "b"]),
        ("ab - cd", 4, ["ab -", "cd"]),
        ("ab cd > e", 5, ["ab", "cd >", "e"]),
        ("e\u0301e\u0301 f g", 3, ["e\u0301e\u0301", "f g"]),
        ("", 3, []),
    ],
)
def test_wrapping_counts_columns(words: str, width: int, lines: list[str]) -> None:
    assert wrap(words, width) == lines
