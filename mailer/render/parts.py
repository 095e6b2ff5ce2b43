"""What a template is made of: the files that it draws in, and the blocks that it changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from jinja2 import Environment, meta, nodes
from jinja2.exceptions import TemplateSyntaxError

from mailer.errors import CheckError
from mailer.render.library import BUILTIN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailer.render.library import Library, Template

KINDS: Final = ("mjml", "css", "head.css", "txt")
"""The files of one template; the default's stand in for all but the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One file of a template.

    Attributes:
        file: the file.
        extends: the template that it extends; empty if none.
        blocks: the blocks that it defines.
    """

    file: Template
    extends: str = ""
    blocks: tuple[str, ...] = ()


def parts(library: Library, template: str) -> list[Part]:
    """Every file that a template draws in, its own files first; what cannot be read draws in none.

    Args:
        library: where to look.
        template: as an issue names it.
    """
    found: dict[str, Part] = {}
    waiting = [_first(library, template, kind) for kind in KINDS]
    while waiting:
        name = waiting.pop(0)
        file = library.find(name) if name else None
        if file is None or file.shown in found:
            continue
        tree = _parsed(library, file)
        found[file.shown] = _part(file, tree)
        waiting += _drawn_in(file.name if file.own else f"{BUILTIN}{file.name}", tree)
    return list(found.values())


def _first(library: Library, template: str, kind: str) -> str:
    own = f"{template}.{kind}"
    return own if kind == "mjml" or library.find(own) else f"default.{kind}"


def _parsed(library: Library, file: Template) -> nodes.Template:
    try:
        return Environment(autoescape=True).parse(library.read(file))
    except (CheckError, TemplateSyntaxError):
        return nodes.Template([])


def _part(file: Template, tree: nodes.Template) -> Part:
    parent = next((one.template for one in tree.find_all(nodes.Extends)), None)
    extends = str(parent.value) if isinstance(parent, nodes.Const) else ""
    blocks = tuple(block.name for block in tree.find_all(nodes.Block))
    return Part(file=file, extends=extends, blocks=blocks)


def _drawn_in(name: str, tree: nodes.Template) -> Iterator[str]:
    """The names that a file extends, includes and imports; its own name is the built-in one's."""
    for drawn in meta.find_referenced_templates(tree):
        if drawn:
            yield f"{BUILTIN}{drawn}" if drawn == name else drawn
