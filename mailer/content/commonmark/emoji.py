"""Emoji by the names that GitHub gives them."""

from __future__ import annotations

from functools import cache

import pymdownx.emoji


def emoji(name: str) -> str:
    """What ``:name:`` stands for; itself if GitHub has none of that name."""
    return _index().get(name, name)


@cache
def _index() -> dict[str, str]:
    index = pymdownx.emoji.gemoji({}, None)
    signs = {
        name: "".join(chr(int(code, 16)) for code in entry["unicode"].split("-"))
        for name, entry in index["emoji"].items()
        if "unicode" in entry
    }
    return signs | {alias: signs[name] for alias, name in index["aliases"].items() if name in signs}
