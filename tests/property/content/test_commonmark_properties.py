"""Whatever a document looks like, it is read as a reference implementation of CommonMark does."""

from __future__ import annotations

import re
from collections import Counter

from hypothesis import example, given, settings
from hypothesis import strategies as st

from mailer.content.engine import to_html
from tests.samples.reference import expected, links, outline, words

Lines = list[str]

# --- a grammar of documents ----------------------------------------------------------------------

WORDS = st.lists(
    st.sampled_from(["a", "Bb", "word", "naïve", "12", "it's", "x_y_z", "1.5", "a*b", "C#", "(d)"]),
    min_size=1,
    max_size=4,
).map(" ".join)
LABELS = ["one", "Two words", "`code`", "x*y*"]
DEFINITIONS = (
    '[ONE]: /one "Title"\n[two\nwords]: <https://t.example/a b>\n[`code`]: https://c.example/(x)\n'
    "[X*Y*]:\n  /x_y_\n  'on two\n  lines'\n"
)
SPANS = st.recursive(
    st.one_of(
        WORDS,
        WORDS.map("`{}`".format),
        st.sampled_from(
            ["``a ` b``",   "&amp;", "&copy;", "\\*", "\\[",
             "![alt *text*](/i.png)", "![Two  Words]", "a  \nb", "a\\\nb", "<b>raw</b>",
             "5 < 6 > 4",
             "&nosuch;", "[no link]", "]", "![", "*", "__", "`", "[^]", "<br/>", "\\\\", "~", "&"]
        ),
    ),
    lambda inner: st.one_of(
        inner.map("*{}*".format),
        inner.map("**{}**".format),
        inner.map("_{}_".format),
        inner.map("~~{}~~".format),
        inner.map("***{}***".format),
        st.tuples(inner, st.sampled_from(["/u", "<1 b>", "/u(v)w 'T'", '# "t"', "", "/\\)"])).map(
            lambda pair: f"[{pair[0]}]({pair[1]})"
        ),
        st.tuples(inner, st.sampled_from(LABELS)).map(lambda pair: f"[{pair[0]}][{pair[1]}]"),
        st.sampled_from(LABELS).map("[{}]".format),
        st.sampled_from(LABELS).map("[{}][]".format),
        st.lists(inner, min_size=2, max_size=3).map(" ".join),
        st.lists(inner, min_size=2, max_size=3).map("".join),
    ),
    max_leaves=5,
)  # fmt: skip
# A link in a link is the one thing here that is read otherwise: no HTML can hold it.
OUTER = st.one_of(SPANS, st.sampled_from(["<https://a.example/x_y>", "<me@a.example>"]))
TEXTS = st.lists(OUTER, min_size=1, max_size=3).map("\n".join)
CODE = st.lists(
    st.sampled_from(["x = 1", "  y", "", "-no item", "# no heading", "< no", "    z", "| | |"]),
    min_size=1,
    max_size=4,
)


def lines_of(text: str) -> Lines:
    return text.split("\n")


def fenced(code: Lines, fence: str) -> Lines:
    return [f"{fence}python", *code, fence]


def indented(code: Lines) -> Lines:
    return [f"    {line}" for line in ["first", *code, "last"]]


def quoted(blocks: list[Lines], lazy: bool) -> Lines:  # noqa: FBT001  drawn by hypothesis
    lines = joined(blocks)
    marked = [f"> {line}" if line else ">" for line in lines]
    if lazy and re.fullmatch(r"\w+", lines[-1]) and len(lines) > 1 and lines[-2][:1].isalpha():
        marked[-1] = lines[-1]
    return marked


def joined(blocks: list[Lines]) -> Lines:
    return [line for block in blocks for line in [*block, ""]][:-1]


def listed(items: list[list[Lines]], mark: str, space: int, *, loose: bool) -> Lines:
    lines: Lines = []
    for number, blocks in enumerate(items, start=7):
        marker = (mark if mark in "-+*" else f"{number}{mark}") + " " * space
        for at, line in enumerate(joined(blocks)):
            lines.append((marker if at == 0 else " " * len(marker) * bool(line)) + line)
        lines += [""] if loose else []
    return lines


def tabled(rows: list[list[str]], rule: str) -> Lines:
    head, *body = [f"| {' | '.join(row)} |" for row in rows]
    return [head, rule, *body]


LEAVES = st.one_of(
    TEXTS.map(lines_of),
    st.tuples(st.integers(1, 6), WORDS).map(lambda pair: ["#" * pair[0] + " " + pair[1] + " ##"]),
    st.tuples(WORDS, st.sampled_from(["=", "----"])).map(list),
    st.tuples(CODE, st.sampled_from(["```", "~~~", "`````"])).map(lambda pair: fenced(*pair)),
    CODE.map(indented),
    st.sampled_from([["***"], ["- - -"], ["#1234 no heading"], ["<div>", "*raw*", "</div>"]]),
    st.tuples(
        st.lists(st.lists(WORDS, min_size=2, max_size=2), min_size=1, max_size=3),
        st.sampled_from(["|---|:-:|", "| --- | ---: |", ":-- | --"]),
    ).map(lambda pair: tabled(*pair)),
)
BLOCKS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(st.lists(inner, min_size=1, max_size=3), st.booleans()).map(
            lambda pair: quoted(*pair)
        ),
        st.builds(
            listed,
            st.lists(st.lists(inner, min_size=1, max_size=3), min_size=1, max_size=3),
            st.sampled_from(["-", "*", "+", ".", ")"]),
            st.integers(1, 4),
            loose=st.booleans(),
        ),
        # A block directly below another: nothing between them says where the first one ends.
        st.tuples(LEAVES, inner).map(lambda pair: [*pair[0], *pair[1]]),
    ),
    max_leaves=6,
)
INDENTED = st.tuples(BLOCKS, st.integers(0, 3)).map(
    lambda pair: [" " * pair[1] + line if line else "" for line in pair[0]]
)
DOCUMENTS = st.lists(INDENTED, min_size=1, max_size=3).map(
    lambda blocks: "\n".join(joined([*blocks, lines_of(DEFINITIONS)]))
)

# --- lines in any order --------------------------------------------------------------------------

ANY_LINES = st.lists(
    st.sampled_from(
        ["- a", "  - b", "   - c", "1. one", "2. two", "3) x", " 10. ten", "+ x", "* y", "-   far",
         "-     code", "- \ttab", "   para", "    code", "      deep", "\ttab", "text", "Two words",
         "> q", "> - ql", "> ```", ">     code", "  > q", "", "", "", "```", "~~~", "  ```", "# h",
         "## h2 ##", "###", "===", "---", "* * *", "| a | b |", "|---|---|", "| 1 | 2 |",
         "<div>", "</div>",
         "<!-- c -->", "`x", "y`", "*a", "b*", "line  ", "line\\", "<p>x", "[a](/b", "c)", " - s"]
    ),
    max_size=14,
).map("\n".join)  # fmt: skip


@given(DOCUMENTS)
@example("text\n- item\n  - nested\n\n    para\n1) one\n+ other\n")
@settings(max_examples=250, deadline=None)
def test_documents_of_the_grammar_are_read_as_by_the_reference(body: str) -> None:
    """Lists, quotes, code, headings, tables, breaks, links and emphasis, each in each other."""
    assert expected(body) == outline(to_html(body))


@given(ANY_LINES)
@settings(max_examples=300, deadline=None)
def test_lines_in_any_order_are_read_as_by_the_reference(body: str) -> None:
    assert expected(body + "\n") == outline(to_html(body + "\n"))


@given(st.lists(OUTER, min_size=1, max_size=4).map(" ".join))
@settings(max_examples=300, deadline=None)
def test_text_is_read_as_by_the_reference(text: str) -> None:
    body = f"{text}\n\n{DEFINITIONS}"
    assert expected(body) == outline(to_html(body))


# --- whatever stands in it -----------------------------------------------------------------------

MARKS = st.sampled_from(
    ["\n", "\n\n", "  ", "    ", "\t", "- ", "1. ", "> ", "# ", "```\n", "~~~\n", "`", "*", "**",
     "_",
     "~~", "==", "[", "](", "](/u)", ")", "]", "![", "][", "\n\n[r]: /x\n\n", "[^1]", "[^1]: ",
     "| a | b |\n",
     "|-|-|\n", "///", "/// tip\n", "///\n", "//// details\n", "////\n", "<div>\n", "</div>\n",
     "<b>",
     "https://u.example/", "www.u.example", "m@u.example", ": ", "\\", "\\\n", "&amp;",
     "{", "}", "===\n", "---\n", "<https://a.example>", "<p>\n", "\u2028"]
)  # fmt: skip
SAID = ("aa", "bb", "cc", "Dd", "é", "日本")
SOUP = st.lists(st.one_of(MARKS, st.sampled_from(SAID)), max_size=40).map("".join)


@given(SOUP)
@settings(max_examples=300, deadline=None)
def test_no_word_is_lost_that_the_reference_shows(body: str) -> None:
    """Not even where the two read a document differently: call-outs, notes, bare addresses.

    A tag's own name is no word: whether it is a tag depends on what stands around it.
    """
    shown, ours = (
        Counter(re.findall("|".join(SAID), "".join(words(tree))))
        for tree in (expected(body), outline(to_html(body)))
    )
    assert not shown - ours


@given(SOUP)
@settings(max_examples=150, deadline=None)
def test_a_document_is_read_alike_whatever_was_read_before(body: str) -> None:
    first = to_html(body)
    to_html("[r]: /leak\n\n*[aa]: leak\n\n[^1] [r]\n\n[^1]: leak <b>")
    assert first == to_html(body)


@given(
    st.lists(
        st.sampled_from(["[one](/1)", "<https://two.example>", "[three]", "https://four.example/x"])
    )
)
@settings(max_examples=50, deadline=None)
def test_every_link_arrives_in_its_order(written: list[str]) -> None:
    body = " and ".join(written) + "\n\n[three]: /3"
    targets = {"[one](/1)": "/1", "[three]": "/3"}
    found = [href for href, _ in links(outline(to_html(body)))]
    assert [targets.get(link, link.strip("<>")) for link in written] == found
