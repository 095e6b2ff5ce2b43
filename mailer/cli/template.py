"""`mailer template`: which templates there are, where each part comes from, what is wrong."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

import click

from mailer.cli.context import App, Noun
from mailer.errors import CheckError, NotFoundError
from mailer.model import Level

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mailer.model import Finding
    from mailer.render.library import Template
    from mailer.render.parts import Part


@click.group(cls=Noun)
def template() -> None:
    """What mails look like: the built-in templates and your own."""


@template.command(name="list")
@click.pass_obj
def list_(app: App) -> None:
    """Every template, where it comes from, and which of its parts are yours.

    \b
    mailer template list
    """
    from mailer.render.library import Library
    from mailer.render.parts import parts

    library = Library(app.config.root)
    found = {name: parts(library, name) for name in library.templates()}
    data = {
        "default": app.config.theme.template,
        "templates": [{"name": name, "parts": _data(some)} for name, some in found.items()],
    }
    usual = app.config.theme.template
    lines = [line for name, some in found.items() for line in _lines(name, some, usual=usual)]
    app.emit("mailer.templates/1", data, "\n".join(lines))


def _data(some: list[Part]) -> list[dict[str, Any]]:
    return [
        {
            "file": part.file.shown,
            "own": part.file.own,
            "instead": part.file.instead,
            "extends": part.extends,
            "blocks": list(part.blocks),
        }
        for part in some
    ]


def _lines(name: str, some: list[Part], *, usual: str) -> Iterator[str]:
    mark = "  (for issues that name none)" if name == usual else ""
    yield f"{name:<12}{'yours' if some[0].file.own else 'built-in'}{mark}"
    for part in some:
        if part.file.own:
            yield "  " + "  ".join(filter(None, (part.file.shown, _change(part))))


def _change(part: Part) -> str:
    """What a file of the newsletter does to the built-in one."""
    if part.extends:
        blocks = ", ".join(part.blocks)
        return f"extends {part.extends}" + (f", changes {blocks}" if blocks else "")
    return "instead of the built-in one" if part.file.instead else ""


@template.command()
@click.argument("name")
@click.argument("parts", nargs=-1, metavar="[PART]...")
@click.pass_obj
def eject(app: App, name: str, parts: tuple[str, ...]) -> None:
    """Copy built-in files into templates/: those of a template, or only these parts of it.

    A file that is there already stays as it is. What you need to change is often less: see the
    page about templates for blocks.

    \b
    mailer template eject letter
    mailer template eject default footer words
    """
    from mailer.render.library import BUILTIN, Library

    library = Library(app.config.root)
    builtin = [one for one in library.all() if one.instead or not one.own]
    files = [library.find(BUILTIN + one.name) for one in builtin]
    chosen = _chosen([one for one in files if one is not None], name, parts)
    wrote, kept = [], []
    for one in chosen:
        path = app.config.root / "templates" / one.name
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(library.read(one))
        except FileExistsError:
            kept.append(f"templates/{one.name}")
        else:
            wrote.append(f"templates/{one.name}")
    lines = [f"wrote  {one}" for one in wrote]
    lines += [f"kept   {one}, which was there" for one in kept]
    app.emit("mailer.template-eject/1", {"wrote": wrote, "kept": kept}, "\n".join(lines))


def _chosen(files: list[Template], name: str, wanted: tuple[str, ...]) -> list[Template]:
    """The files of a template, or those that are wanted of what it may draw in."""
    mine = [one for one in files if one.name.partition(".")[0] == name]
    if not any(one.name == f"{name}.mjml" for one in mine):
        names = [one.name.removesuffix(".mjml") for one in files if "/" not in one.name]
        raise _unknown(name, [one for one in names if "." not in one], "built-in template")
    shared = [one for one in files if one in mine or "/" in one.name or one.name == "words.jinja"]
    chosen: list[Template] = []
    for part in wanted:
        fits = [one for one in shared if part in _names(one, name)]
        if not fits:
            known = [short for one in shared for short in _names(one, name)]
            raise _unknown(part, [one.name for one in shared], f"part of {name}", also=known)
        chosen += [one for one in fits if one not in chosen]
    return chosen if wanted else mine


def _names(file: Template, template: str) -> set[str]:
    """What people may call a file: partials/footer.mjml, footer.mjml, footer; css."""
    last = file.name.rpartition("/")[2]
    return {file.name, last, last.partition(".")[0], last.removeprefix(f"{template}.")}


def _unknown(name: str, known: list[str], what: str, *, also: Iterable[str] = ()) -> NotFoundError:
    near = difflib.get_close_matches(name, [*known, *also], n=1)
    return NotFoundError(
        "E207",
        f"There is no {what} {name}",
        detail=f"There are: {', '.join(sorted(known))}",
        next_step=f"did you mean {near[0]}?" if near else "mailer template list",
    )


@template.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.pass_obj
def check(app: App, names: tuple[str, ...]) -> int:
    """Render an issue with every block in each template, or in those that are named.

    Exits 3 if an error is left; warnings do not fail.

    \b
    mailer template check
    mailer template check letter
    """
    from mailer.check.templates import check_colours, check_template, usual_findings
    from mailer.render.library import Library

    library = Library(app.config.root)
    known = library.templates()
    for name in names:
        if name not in known:
            raise _unknown(name, known, "template")
    found = list(check_colours(app.config))
    usual = usual_findings(app.config)
    for name in names or known:
        file = library.find(f"{name}.mjml")
        assert file is not None
        found += check_template(name, app.config, file=file.shown, usual=usual)
    found = list(dict.fromkeys(found))
    _show(app, found, names or tuple(known))
    return CheckError.exit if any(one.level is Level.ERROR for one in found) else 0


def _show(app: App, found: list[Finding], names: tuple[str, ...]) -> None:
    from mailer.cli import findings as shown

    lines = list(shown.blocks(found))
    errors = sum(one.level is Level.ERROR for one in found)
    counted = (_count(errors, "error"), _count(len(found) - errors, "warning"))
    lines.append(f" {', '.join(names)}: {' · '.join(counted)}")
    data = {"templates": list(names), "findings": [shown.as_data(one) for one in found]}
    app.emit("mailer.template-check/1", data, "\n".join(lines))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
