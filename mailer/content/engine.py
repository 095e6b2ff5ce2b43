"""Python-Markdown behind one function: reading as CommonMark, and one engine for all issues."""

from __future__ import annotations

import re
import threading
from functools import cache
from typing import Final

import markdown

from mailer.content.commonmark import CommonMark

_LOCK: Final = threading.Lock()
"""A Markdown instance keeps state while it converts; the GIL lets nobody lose by waiting."""

_LINE_END = re.compile(r"\r\n?")
_ENGINES_OWN = re.compile(r"[\x02\x03]")
"""Python-Markdown marks its own places in a text with these two."""


def to_html(body: str) -> str:
    """The HTML of a Markdown document, raw HTML in it as its author wrote it.

    Raises:
        RecursionError: it is nested too deeply.
    """
    with _LOCK:
        engine = _engine()
        engine.reset()
        return engine.convert(_LINE_END.sub("\n", _ENGINES_OWN.sub("", body)))


@cache
def _engine() -> markdown.Markdown:
    return markdown.Markdown(extensions=[CommonMark()], output_format="html")
