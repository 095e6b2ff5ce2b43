"""Whose Markdown an issue is written in: a sum of evidence, of which none decides alone.

Wrong guesses are harmless: every dialect leaves code and prose alone, and refuses what is left of
any template language.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_LEAST: Final = 2
"""Less evidence than this is none: a date in the file's name, one component."""

_FORMATS: Final[Mapping[str, tuple[str, int]]] = {
    "toml": ("hugo", 5),
    "json": ("hugo", 3),
    "meta": ("pelican", 5),
}
_NAMES: Final = (
    ("docusaurus", 5, re.compile(r"\.mdx\Z", re.IGNORECASE)),
    ("jekyll", 5, re.compile(r"(?:\A|/)_(?:posts|drafts)/")),
    ("jekyll", 1, re.compile(r"\d{4}-\d\d-\d\d-[^/]+\Z")),
)
_KEYS: Final[Mapping[str, Mapping[int, str]]] = {
    "vuepress": {
        3: "head editlink edit_link pageclass outline sidebardepth",
        2: "sidebar lastupdated",
        1: "prev next gravatar home hero",
    },
    "docusaurus": {
        4: "hide_table_of_contents",
        3: "sidebar_label sidebar_position toc_max_heading_level",
        2: "unlisted pagination_next pagination_prev",
        1: "authors keywords",
    },
    "jekyll": {3: "excerpt_separator", 2: "layout", 1: "permalink categories comments"},
    "hugo": {
        4: "taxonomies",
        3: "params resources",
        2: "lastmod publishdate expirydate featured_image markup",
        1: "weight aliases series draft cover slug",
    },
    "eleventy": {
        5: "eleventynavigation eleventycomputed eleventyexcludefromcollections",
        4: "templateengineoverride",
        2: "pagination",
        1: "layout",
    },
}
_FOREIGN: Final = frozenset(
    name for weights in _KEYS.values() for names in weights.values() for name in names.split()
).difference({"draft", "authors", "weight", "home", "head", "next", "prev"}) | {"tags", "category"}
_TEXTS: Final = (
    ("vuepress", 2, r"^[ \t]*:{3,}[ \t]+(?:tip|warning|danger|info|details|code-group|v-pre)\b"),
    ("vuepress", 2, r"^\[\[toc\]\]"),
    ("vuepress", 3, r"<script[ \t]+setup"),
    ("vuepress", 5, r"\{\{[ \t]*\$(?:frontmatter|page|site|themeConfig)"),
    ("vuepress", 3, r"^<<<[ \t]|withBase\(|[ \t]:(?:src|href)="),
    ("vuepress", 1, r"<Badge\b|<[A-Z]\w+[^<>\n]*/>"),
    ("vuepress", 1, r"^<[A-Z]\w+[^<>\n]*/>[ \t]*$"),
    ("docusaurus", 2, r"^[ \t]*:{3,}[a-z]"),
    ("docusaurus", 4, r"<!--[ \t]*truncate|\{/\*[ \t]*truncate"),
    ("docusaurus", 3, r"^import[ \t].+[ \t]from[ \t]+[\"']"),
    ("docusaurus", 2, r"\bclassName=|\{/\*"),
    ("docusaurus", 3, r"\bstyle=\{\{"),
    ("docusaurus", 4, r"@(?:site|theme)/"),
    ("jekyll", 3, r"\{%-?[ \t]*(?:highlight|include|include_relative|post_url|link|assign|raw)\b"),
    ("jekyll", 3, r"\{:[ \t.#]|\{:toc|\{::"),
    ("jekyll", 3, r"\{\{[ \t-]*(?:site|page)\."),
    ("jekyll", 2, r"\{%"),
    ("hugo", 6, r"\{\{[<%]"),
    ("hugo", 5, r"\{\{[ \t]*\w+\(|\{%[ \t]*\w+\(|\]\(@/"),
    ("hugo", 4, r"\{%[ \t]*end[ \t]*%\}"),
    ("hugo", 1, r"<!--[ \t]*more[ \t]*-->"),
    ("pelican", 6, r"\{(?:static|filename|attach)\}|\|(?:filename|static)\|"),
    ("eleventy", 6, r"\{\{~?[#>^/]"),
    ("eleventy", 4, r"\{\{\{"),
    ("eleventy", 6, r"\{%-?[ \t]*(?:set|from|import|macro|call|block|extends|renderTemplate)\b"),
    ("eleventy", 2, r"\{#[ \t]|\{\{[ \t]*\w+[ \t]*(?:\||\}\})"),
)
_PATTERNS: Final = tuple(
    (dialect, weight, re.compile(pattern, re.MULTILINE)) for dialect, weight, pattern in _TEXTS
)


def recognise(file: str, *, form: str, keys: Collection[str], text: str) -> str:
    """The name of the dialect that most speaks for; "plain" if hardly anything speaks for one.

    Args:
        file: path of the issue.
        form: format of the front matter, "yaml", "toml", "json", "meta" or "".
        keys: of the front matter, lower-case.
        text: the body without its code.
    """
    scores: dict[str, int] = {}
    evidence = [*_of_head(file, form, keys), *_of_text(text)]
    for dialect, weight in evidence:
        scores[dialect] = scores.get(dialect, 0) + weight
    best = max(scores, key=lambda dialect: scores[dialect], default="plain")
    return best if scores.get(best, 0) >= _LEAST else "plain"


def has_foreign_keys(keys: Collection[str]) -> bool:
    """Whether a front matter has a key that only a site generator reads."""
    return any(key.lower() in _FOREIGN for key in keys)


def _of_head(file: str, form: str, keys: Collection[str]) -> list[tuple[str, int]]:
    found = [_FORMATS[form]] if form in _FORMATS else []
    found += [(dialect, weight) for dialect, weight, name in _NAMES if name.search(file)]
    for dialect, weights in _KEYS.items():
        for weight, names in weights.items():
            found += [(dialect, weight)] * len(set(names.split()).intersection(keys))
    return found


def _of_text(text: str) -> list[tuple[str, int]]:
    return [(dialect, weight) for dialect, weight, pattern in _PATTERNS if pattern.search(text)]
