"""Python-Markdown behind one function: which extensions are on, and one engine for all issues."""

from __future__ import annotations

import threading
from functools import cache
from typing import Any, Final

import markdown
import pymdownx.emoji

_EXTENSIONS: Final[dict[str, dict[str, Any]]] = {
    "abbr": {},
    "attr_list": {},
    "def_list": {},
    "footnotes": {},
    "md_in_html": {},
    "sane_lists": {},
    "tables": {"use_align_attribute": True},
    "pymdownx.betterem": {},
    "pymdownx.emoji": {
        "emoji_index": pymdownx.emoji.gemoji,
        "emoji_generator": pymdownx.emoji.to_alt,
    },
    "pymdownx.highlight": {"use_pygments": False},  # `shape.highlight` colours by roles
    "pymdownx.magiclink": {},
    "pymdownx.mark": {},
    "pymdownx.superfences": {},
    "pymdownx.tasklist": {},
    "pymdownx.tilde": {"subscript": False},  # "~5 min" means about
}

_LOCK: Final = threading.Lock()
"""A Markdown instance keeps state while it converts; the GIL lets nobody lose by waiting."""


def to_html(body: str) -> str:
    """The HTML of a Markdown document, raw HTML in it as its author wrote it.

    Raises:
        RecursionError: it is nested too deeply.
    """
    with _LOCK:
        engine = _engine()
        engine.reset()
        return engine.convert(body)


@cache
def _engine() -> markdown.Markdown:
    return markdown.Markdown(
        extensions=list(_EXTENSIONS), extension_configs=_EXTENSIONS, output_format="html"
    )
