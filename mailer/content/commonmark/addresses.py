"""Bare addresses in text, which become links as on GitHub."""

from __future__ import annotations

import re
from typing import Final

from mailer.content.commonmark.pieces import Address
from mailer.content.commonmark.references import unescaped

URL: Final = r"(?<![A-Za-z0-9/.:@&=?#%+-])(?:(?i:https?|ftp)://(?=[^\W_]|\[)|(?i:www)\.(?=[^\W_]))"
"""How a web address begins."""

MAIL: Final = (
    r"(?<![A-Za-z0-9/.:@&=?#%+-])[A-Za-z0-9][\w.+-]{0,63}+@"
    r"(?:[A-Za-z0-9][A-Za-z0-9-]{0,62}+\.){1,9}[A-Za-z]{2,63}+(?!-?[@A-Za-z0-9]|:\S)"
)
"""A mail address; neither ``vue@3.4.0`` nor ``git@git.example:boats`` is one."""

_STOP: Final = r"\s<>\"`\[\]\u3000-\u303f\uff00-\uffef"
_REST = re.compile(rf"(?:[^{_STOP}]|\[(?!\^)[^{_STOP}]*+\])*+")
_TRAILING: Final = "?!.,:;*_~^'\\|"
_LONGEST_ENTITY: Final = 34
_ENTITY = re.compile(r"&[a-zA-Z0-9]+;\Z")


def web_address(text: str, place: int) -> tuple[Address, int]:
    """The web address that begins at a place, and where it ends."""
    match = _REST.match(text, place)
    assert match is not None
    written = match[0][: _end(match[0])]
    shown = unescaped(written)
    url = f"http://{shown}" if shown[:4].lower() == "www." else shown
    return Address(shown, url), place + len(written)


def _end(written: str) -> int:
    """Where an address ends that is followed by the punctuation of the sentence around it."""
    end = len(written)
    unopened = written.count(")") - written.count("(")
    while end:
        entity = _ENTITY.search(written, max(end - _LONGEST_ENTITY, 0), end)
        if entity:
            end = entity.start()
        elif written[end - 1] in _TRAILING:
            end -= 1
        elif written[end - 1] == ")" and unopened > 0:
            end -= 1
            unopened -= 1
        else:
            break
    return end
