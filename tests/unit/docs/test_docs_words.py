"""The repository speaks of itself alone: no outside folder, no registry's address, no byline."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from tests.samples import pages

if TYPE_CHECKING:
    from collections.abc import Iterator

# Put together here, so that this file does not hold what it looks for.
_WORDS = (
    *("/work/" + "shared", "shared/" + "design", "shared/" + "corpus"),
    *(f"{name}." + "md" for name in ("decisions", "architecture", "interface", "rendering")),
    *("pypi" + ".org", "python" + "hosted", "npmjs" + ".", "deb.debian" + ".org"),
    *("proxy.golang" + ".org", "crates" + ".io", "docker" + ".io"),
    *("claude", "anthropic", "chat" + "gpt", "open" + "ai", "co" + "pilot", "gemini-" + "pro"),
    *("language " + "model", "ai-" + "generated", "generated " + "by ai", "co-authored" + "-by"),
    *("sub" + "agent", "the " + "assistant", "as an " + "ai", "system " + "prompt"),
)
FORBIDDEN = re.compile("|".join(map(re.escape, _WORDS)), re.IGNORECASE)
_TOP = ("*.md", "*.toml", "Makefile", "LICENSE", ".env.example", ".gitignore")
_FOLDERS_NAMES = ".ci benchmarks docs issues mailer scripts subscribers templates tests"
_FOLDERS = tuple(_FOLDERS_NAMES.split())
_NOT_OURS = {"__pycache__", "node_modules"}
_TEXT = {"", ".css", ".html", ".jinja", ".json", ".md", ".mjml", ".mjs", ".py", ".toml", ".tsv"}


def files() -> Iterator[Path]:
    """The repository's own text files."""
    for pattern in _TOP:
        yield from pages.ROOT.glob(pattern)
    for folder in _FOLDERS:
        for path in (pages.ROOT / folder).rglob("*"):
            ours = not _NOT_OURS.intersection(path.parts) and path.name != Path(__file__).name
            if ours and path.is_file() and path.suffix in _TEXT:
                yield path


def test_no_file_holds_a_word_that_does_not_belong_here() -> None:
    found = [
        f"{path.relative_to(pages.ROOT)}: {match[0]}"
        for path in files()
        if (match := FORBIDDEN.search(path.read_text(encoding="utf-8", errors="replace")))
    ]
    assert [] == found
