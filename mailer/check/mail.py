"""What is wrong with a rendered mail: its size, and its way out."""

from __future__ import annotations

import re
from email.parser import BytesHeaderParser
from email.policy import compat32
from html import unescape
from typing import TYPE_CHECKING, Final

from mailer.model import Finding, Slot
from mailer.render.blocks import largest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mailer.compose.mime import Sizes
    from mailer.config import CheckConfig
    from mailer.model import Issue, Rendering, Template
    from mailer.render.blocks import Block

_LIST_HEADERS: Final = {
    "List-Id": re.compile(r"(?s:.*)<[\w.-]+>"),
    "List-Unsubscribe": re.compile(r"<https?://[!-=?-~]+>"),
    "List-Unsubscribe-Post": re.compile(r"List-Unsubscribe=One-Click"),
}


def check_size(
    sizes: Sizes,
    issue: Issue,
    *,
    limits: CheckConfig,
    blocks: Sequence[Block] = (),
    cut: str = "",
) -> tuple[Finding, ...]:
    """E150 and W151: the larger of the decoded and the encoded HTML part (M-28).

    Args:
        sizes: of both parts.
        issue: what was rendered.
        limits: how large it may be; above, Gmail clips the footer off.
        blocks: what it is made of, so that the largest can be named.
        cut: the heading after which it may end so that it fits.
    """
    size = max(sizes.html_decoded, sizes.html_encoded)
    if size <= min(limits.size_warn, limits.size_max):
        return ()
    fatal = size > limits.size_max
    limit = limits.size_max if fatal else limits.size_warn
    most = largest(blocks)
    message = (
        f"The HTML part has {size:,} bytes, over {limit:,}: Gmail cuts mail off at "
        "about 102,000, and the unsubscribe link with it"
    )
    if most:
        message += f"; most take {', '.join(map(_named, most))}"
    step = f'cut_after: "{cut}" in the front matter, which links to the rest'
    return (
        Finding(
            id="E150" if fatal else "W151",
            message=message,
            file=issue.file,
            line=most[0].line if most else 0,
            next_step=step if cut else "shorten the issue and link to the rest",
        ),
    )


def _named(block: Block) -> str:
    place = f"line {block.line}, " if block.line else ""
    return f'"{block.name}" ({place}{block.octets:,} bytes)'


def check_ways_out(rendering: Rendering, issue: Issue, address: str) -> tuple[Finding, ...]:
    """E190: both parts hold the unsubscribe link and the postal address (L-2, L-15)."""
    findings = []
    for part, template in (("HTML", rendering.html), ("text", rendering.text)):
        if not any(slot.expression == "unsubscribe_url" for slot in slots_of(template)):
            findings.append(f"The {part} part has no unsubscribe link")
        if not _has_words(template, address):
            findings.append(f"The {part} part has no postal address")
    return tuple(
        Finding(
            id="E190",
            message=message,
            file=issue.file,
            next_step="let the template's footer show unsubscribe_url and newsletter.address",
        )
        for message in findings
    )


def check_headers(message: bytes, issue: Issue) -> tuple[Finding, ...]:
    """E190: the list headers of a message are as providers read them (L-1, L-2, L-3)."""
    headers = BytesHeaderParser(policy=compat32).parsebytes(message)
    wrong = [
        name for name, shape in _LIST_HEADERS.items() if not shape.fullmatch(headers.get(name, ""))
    ]
    return tuple(
        Finding(
            id="E190",
            message=f"The header {name} is not formed as providers read it",
            file=issue.file,
            next_step="[newsletter] url and the list's title in mailer.toml",
        )
        for name in wrong
    )


def slots_of(template: Template) -> Iterator[Slot]:
    """The personal places of a part."""
    return (piece for piece in template if isinstance(piece, Slot))


def _has_words(template: Template, words: str) -> bool:
    """Whether the words stand there in order, however wrapped, marked up or escaped."""
    fixed = unescape("".join(piece for piece in template if isinstance(piece, str)))
    position = 0
    for word in words.split():
        position = fixed.find(word, position)
        if position < 0:
            return False
        position += len(word)
    return True
