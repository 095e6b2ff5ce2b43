"""What is too much for any mail, refused before it takes minutes (M-28)."""

from __future__ import annotations

from typing import Final

from mailer.content.signs import without_data
from mailer.errors import CheckError

LARGEST_FILE: Final = 20_000_000
"""Octets of a file: images written into the text may be many, but this is none."""

LONGEST: Final = 500_000
"""Characters of Markdown, images written into it not counted: five times what a mail can hold."""

MOST: Final = 10_000
"""Elements of HTML: a mail of 100 KB has about 3,000."""


def refuse_size(octets: int, *, file: str) -> None:
    """Refuse a file that is no text that anybody wrote.

    Raises:
        CheckError: E150.
    """
    if octets > LARGEST_FILE:
        raise _too_much("The file is far too large", f"{LARGEST_FILE:,}", file)


def refuse_length(body: str, *, file: str) -> None:
    """Refuse a text that is far too long.

    Raises:
        CheckError: E150.
    """
    if len(body) > LONGEST and (length := len(without_data(body))) > LONGEST:
        raise _too_much(f"The issue has {length:,} characters", f"{LONGEST:,}", file)


def refuse_elements(markup: str, *, file: str) -> None:
    """Refuse well-formed HTML of far too many elements.

    Raises:
        CheckError: E150.
    """
    count = markup.count("<") - markup.count("</")
    if count > MOST:
        raise _too_much(f"The issue has {count:,} headings, links and so on", f"{MOST:,}", file)


def _too_much(message: str, most: str, file: str) -> CheckError:
    return CheckError(
        "E150",
        message,
        where=file,
        detail=f"Gmail cuts a mail off at about 100,000 bytes; more than {most} are not even read.",
        next_step="mail the beginning, and link the rest",
    )
