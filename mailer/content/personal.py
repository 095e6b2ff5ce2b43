"""Which braces of an issue are filled per recipient (interface §1.0): all others are not ours."""

from __future__ import annotations

import re
from typing import Final

STRINGS: Final = re.compile(r"\"[^\"\n]*\"|'[^'\n]*'")
BRACES: Final = re.compile(r"\{\{((?:[^{}\"'\n]|\"[^\"\n]*\"|'[^'\n]*'|\{(?!\{)|\}(?!\}))*+)\}\}")
NAMES: Final = r"(?:subscriber|unsubscribe_url|preferences_url|view_url)\b"
OURS: Final = re.compile(rf"(?<![\w.$@-])(?:{NAMES}|list\s*[.\[])|^[-\s]*list\s*(?:\||-?$)")


def is_personal(expression: str) -> bool:
    """Whether what stands between braces names the recipient, the list or one of the links."""
    return bool(OURS.search(STRINGS.sub('""', expression)))
