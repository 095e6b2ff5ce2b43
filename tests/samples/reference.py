"""What another engine, which is a reference for CommonMark, reads in a Markdown document."""

from __future__ import annotations

import re
from functools import cache
from typing import Any
from urllib.parse import unquote

import html5lib
from markdown_it import MarkdownIt

Outline = list[Any]
"""A document's elements and texts: ``[tag, {attributes}, *children]`` and strings in a list."""

_BLOCKS_NAMES = (
    "blockquote br dd div dl dt h1 h2 h3 h4 h5 h6 hr li ol p pre table tbody td th thead tr ul"
)
_BLOCKS = frozenset(_BLOCKS_NAMES.split())
_ALIASES = {"s": "del"}
_ADDRESSES = ("href", "src")


def expected(markdown: str) -> Outline:
    """The outline of a document by CommonMark, with GitHub's tables and deleted text."""
    return outline(_reference().render(markdown))


def outline(html: str) -> Outline:
    """The outline of HTML; white space outside code does not count, nor escapes in addresses."""
    root = html5lib.parseFragment(html, namespaceHTMLElements=False)
    return _children(root, verbatim=False)


def links(tree: Outline) -> list[tuple[str, str]]:
    """Address and words of each link."""
    found = []
    for node in tree:
        if not isinstance(node, str):
            if node[0] == "a":
                found.append((node[1].get("href", ""), " ".join(words(node[2:]))))
            found += links(node[2:])
    return found


def words(tree: Outline) -> list[str]:
    """The words that are read, and those of alt texts."""
    found = []
    for node in tree:
        if isinstance(node, str):
            found += re.findall(r"\w+", node)
        else:
            alt = re.sub(r"<[^>]*>", "", node[1].get("alt", ""))
            found += re.findall(r"\w+", alt) + words(node[2:])
    return found


@cache
def _reference() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def _children(element: Any, *, verbatim: bool) -> Outline:
    nodes: Outline = []
    _add(nodes, element.text, verbatim=verbatim)
    for child in element:
        if isinstance(child.tag, str):
            tag = _ALIASES.get(child.tag, child.tag)
            inner = _children(child, verbatim=verbatim or tag == "pre")
            nodes.append([tag, _attributes(child), *inner])
        _add(nodes, child.tail, verbatim=verbatim)
    return nodes if verbatim else _without_space_at_blocks(nodes)


def _add(nodes: Outline, text: str | None, *, verbatim: bool) -> None:
    if verbatim:
        text = "\n".join(line.rstrip() for line in (text or "").expandtabs(4).split("\n"))
        text = text.rstrip("\n")
    else:
        text = re.sub(r"[ \t\n]+", " ", text or "")
    if not text:
        return
    if nodes and isinstance(nodes[-1], str):
        nodes[-1] += text
    else:
        nodes.append(text)


def _attributes(element: Any) -> dict[str, str]:
    found = {name: value for name, value in element.attrib.items() if name != "class"}
    if "style" in found:
        found["align"] = found.pop("style").removeprefix("text-align:")
    return {name: unquote(found[name]) if name in _ADDRESSES else found[name] for name in found}


def _without_space_at_blocks(nodes: Outline) -> Outline:
    found: Outline = []
    for at, node in enumerate(nodes):
        text = node
        if isinstance(text, str) and (at == 0 or _is_block(nodes[at - 1])):
            text = text.lstrip(" ")
        if isinstance(text, str) and (at == len(nodes) - 1 or _is_block(nodes[at + 1])):
            text = text.rstrip(" ")
        if text:
            found.append(text)
    return found


def _is_block(node: Any) -> bool:
    return not isinstance(node, str) and node[0] in _BLOCKS
