"""The subject: encoded once, or for each recipient if it has slots."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mailer.compose import headers
from mailer.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Sequence

_WIRE = re.compile(r"[!-~][ -~]*(?:\r\n [ -~]*[!-~])*").fullmatch


class Subject:
    """The subject of one rendering.

    Attributes:
        sample: its text, with an x for each value.
        wire: the sample as the header has it.

    Raises:
        CheckError: E102, it is empty or holds what no header may.
    """

    def __init__(self, texts: list[str], numbers: list[int], *, mark: str) -> None:
        self._texts = [mark + texts[0], *texts[1:]]
        self._numbers = numbers
        self.sample = "x".join(self._texts)
        self.wire = _encode(self.sample)

    def encode(self, filled: Sequence[str]) -> str:
        """The field's value for one recipient's escaped values."""
        if not self._numbers:
            return self.wire
        pairs = zip(self._numbers, self._texts[1:], strict=True)
        return _encode(self._texts[0] + "".join(filled[at] + text for at, text in pairs))


def _encode(text: str) -> str:
    headers.refuse_forbidden("Subject", text)
    if not text.strip():
        raise CheckError(
            "E102",
            "The subject is empty",
            detail="A mail without a subject is refused by several providers.",
            next_step='subject: "…", or a default in its expression',
        )
    wire = headers.unstructured("Subject", text)
    assert _WIRE(wire), wire
    return wire
