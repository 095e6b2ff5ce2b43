"""The names that themes and plugins of site generators give to the same few things."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_BOXES: Final[Mapping[str, str]] = {
    "note": "note seealso abstract example question secondary remark aside",
    "info": "info information important primary todo",
    "tip": "tip hint success check done idea lightbulb",
    "warning": "warning caution attention warn",
    "danger": "danger error failure fail critical bug",
    "details": "details collapse collapsible spoiler expand expander accordion toggle dropdown",
    "quote": "quote blockquote pullquote epigraph",
}
BOXES: Final = {name: kind for kind, names in _BOXES.items() for name in names.split()}
"""Name of a box -> its kind: one of the engine's, or a quotation."""

_GENERIC = (
    "notice alert callout admonition message panel box infobox notification hintbox block boxed"
)
GENERIC: Final = frozenset(_GENERIC.split())
"""Boxes whose kind stands in an argument."""

_LINKS = (
    "link a button btn linkbutton linkcard card navlink nuxtlink routerlink gatsbylink cta "
    "buttonlink linkto"
)
LINKS: Final = frozenset(_LINKS.split())

_PARTS = "tab tabitem tabpanel codegroupitem step accordionitem"
PARTS: Final = frozenset(_PARTS.split())
"""Parts of something that shows one of them at a time; a mail shows all, below their names."""

_WRAPPERS = (
    "tabs codegroup steps cards columns column row center left right clientonly div section "
    "rawhtml details summary fragment p br badge"
)
WRAPPERS: Final = frozenset(_WRAPPERS.split())
"""What stands around something and says nothing itself."""

_SOURCES = (
    "src source url file image path image_path imgsrc image_url img filename href data-src thumb"
)
SOURCES: Final = tuple(_SOURCES.split())
_CAPTIONS = "caption figcaption description desc legend cap"
CAPTIONS: Final = tuple(_CAPTIONS.split())
_IDS = "id videoid video_id video-id youtubeid key yid v video tweetid"
IDS: Final = tuple(_IDS.split())
_WORDS = "title heading text content label caption description body message summary"
WORDS: Final = tuple(_WORDS.split())
"""Arguments that are for reading."""
_TARGETS = "href url link to relref ref"
TARGETS: Final = tuple(_TARGETS.split())
_KINDS = "type kind color style class variant alert level status icon theme"
KINDS: Final = tuple(_KINDS.split())
_TITLES = "title header heading summary label name caption"
TITLES: Final = tuple(_TITLES.split())
