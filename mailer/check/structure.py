"""What screen readers go by: headings, header cells, the language; and the size of style sheets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mailer.check.reading import words_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.html import HtmlElement

    from mailer.check.proof import Proof
    from mailer.model import Finding

_HEADINGS: Final = ("h1", "h2", "h3", "h4", "h5", "h6")
_STYLE_MAX: Final = 8192
_ROWS: Final = 2
_COLUMNS: Final = 2


def check_headings(proof: Proof) -> Iterator[Finding]:
    """W161: a heading more than one level below the one before it."""
    before = 0
    for heading in proof.tree.iter(*_HEADINGS):
        level = int(heading.tag[1])
        if before and level > before + 1:
            words = words_of(heading)
            yield proof.found(
                "W161",
                f'the heading "{words}" skips a level',
                proof.words(words),
                next_step="one level below the heading before it, or a paragraph in bold",
            )
        before = level


def check_tables(proof: Proof) -> Iterator[Finding]:
    """W161: a table of data whose columns have no names."""
    for table in proof.tree.iter("table"):
        heads = [words_of(cell) for cell in table.iter("th")]
        if any(heads) or not (heads or _holds_data(table)):
            continue
        words = next((words_of(cell) for cell in table.iter("td") if words_of(cell)), "")
        yield proof.found(
            "W161",
            "this table has no header cells",
            proof.words(words),
            next_step="name the columns in its first row",
        )


def _holds_data(table: HtmlElement) -> bool:
    """Rows of equally many short cells, all with words; anything else is layout."""
    if table.get("class", "data") != "data":
        return False  # a box that the renderer made
    rows = [[cell for cell in row if cell.tag == "td"] for row in table.iter("tr")]
    columns = {len(row) for row in rows}
    cells = [cell for row in rows for cell in row]
    return (
        len(rows) >= _ROWS
        and len(columns) == 1
        and columns.pop() >= _COLUMNS
        and all(words_of(cell) and cell.find(".//img") is None for cell in cells)
        and all(cell.find(".//table") is None and cell.find(".//p") is None for cell in cells)
    )


def check_language(proof: Proof) -> Iterator[Finding]:
    """W161: a mail that does not say which language it speaks."""
    if proof.mail.get("lang", "").strip().lower() in ("", "und"):
        step = '<mjml lang="{{ issue.language }}"> in the template'
        yield proof.found("W161", "the mail names no language", next_step=step)


def check_styles(proof: Proof) -> Iterator[Finding]:
    """W153: a style sheet that Gmail drops for its length."""
    for style in proof.mail.iter("style"):
        size = len(style.text or "")
        if size > _STYLE_MAX:
            message = f"a <style> has {size:,} characters, over {_STYLE_MAX:,}: Gmail drops it"
            step = "shorten templates/*.head.css"
            yield proof.found("W153", message, next_step=step)
