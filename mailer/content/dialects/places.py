"""Where a file of a site becomes a page: guesses by each generator's defaults."""

from __future__ import annotations

import re
from typing import Final

_POST: Final = re.compile(r"(?:.*/)?(\d{4})-(\d\d)-(\d\d)-(.+?)(?:\.\w+)?\Z")
_MARKDOWN: Final = re.compile(r"\.(?:md|mdx|markdown|rst|adoc)\Z", re.IGNORECASE)
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d[-_]")


def page_of_post(name: str) -> str:
    """Jekyll: the post `2026-11-24-winter` is `/2026/11/24/winter.html`."""
    post = _POST.match(name)
    if post is None:
        return f"/{name.lstrip('/')}.html"
    return f"/{post[1]}/{post[2]}/{post[3]}/{post[4]}.html"


def page_of_path(path: str) -> str:
    """Jekyll: a post is where posts are; any other file keeps its path, as HTML."""
    if _POST.match(path) and ("_posts/" in path or "_drafts/" in path):
        return page_of_post(path)
    path = path.lstrip("/")
    path = path.removeprefix("_")
    return "/" + _MARKDOWN.sub(".html", path)


def page_of_section(path: str) -> str:
    """Zola and Hugo: `blog/2026-11-24-winter.md#top` is `/blog/winter/#top`."""
    path, mark, anchor = path.partition("#")
    if not _MARKDOWN.search(path):
        return f"{path}{mark}{anchor}"
    folder, _, name = _MARKDOWN.sub("", path).rpartition("/")
    name = _DATE.sub("", name, count=1)
    parts = [folder.strip("/"), "" if name in {"index", "_index"} else name]
    whole = "/".join(part for part in parts if part)
    return f"/{whole}/{mark}{anchor}" if whole else f"/{mark}{anchor}"
