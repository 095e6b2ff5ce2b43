"""Tags as they are written: what patterns can read of HTML. What is safe, a parser decides."""

from __future__ import annotations

import re
from typing import Final

TAG: Final = re.compile(
    r"<!--.*?-->|<(?P<end>/?)(?P<name>[a-zA-Z][^\s/>]*)"
    r"(?P<rest>(?:[^>\"']+|\"[^\"]*\"|'[^']*')*+)>",
    re.DOTALL,
)
