"""The template files of a newsletter and of the program: which one a name means.

A file in the newsletter's `templates/` wins over the built-in one of the same name, one by one; the
built-in one is then `builtin/NAME`. Nothing outside of these two folders is ever read, also not
through a symbolic link.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mailer.errors import CheckError, MailerError

BUILTIN: Final = "builtin/"
"""Before the name of a file: the program's own, whatever the newsletter has."""

SUFFIXES: Final = (".mjml", ".css", ".txt", ".jinja")
LARGEST_FILE: Final = 1_000_000
"""Bytes of one template file; the built-in ones have some thousand."""


def shipped(name: str) -> Path:
    """A folder or file that ships with the program: templates, issues, subscribers/weekly.csv.

    An installed package has it inside itself, a checkout beside the package.

    Raises:
        MailerError: E206, the installation lacks it.
    """
    package = Path(__file__).resolve().parent.parent
    for path in (package / "_shipped" / name, package.parent / name):
        if path.exists():
            return path
    raise MailerError(
        "E206",
        f"{name} is missing from this installation",
        where=str(package),
        next_step="install the package again",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """One template file.

    Attributes:
        name: how templates name it, such as "partials/footer.mjml".
        path: where it is.
        own: whether the newsletter has it.
        instead: whether the program has one of this name, too.
    """

    name: str
    path: Path
    own: bool
    instead: bool = False

    @property
    def shown(self) -> str:
        """How messages name it."""
        return f"templates/{self.name}" if self.own else f"built-in templates/{self.name}"


class Library:
    """The templates that a newsletter can use.

    Args:
        root: the newsletter's folder.
    """

    def __init__(self, root: Path) -> None:
        self._own = root / "templates"
        self._real = self._own.resolve()
        self._builtin = shipped("templates")

    def find(self, name: str) -> Template | None:
        """What a name means; None if there is no such file.

        Raises:
            CheckError: E204, the file lies elsewhere: a symbolic link leads out of the folder; or
                nobody can look there.
        """
        if not name.startswith(BUILTIN) and (path := _inside(self._own, name)):
            self._refuse_outside(path, name)
            instead = _inside(self._builtin, name) is not None
            return Template(name=name, path=path, own=True, instead=instead)
        name = name.removeprefix(BUILTIN)
        path = _inside(self._builtin, name)
        return Template(name=name, path=path, own=False) if path else None

    def _refuse_outside(self, path: Path, name: str) -> None:
        target = path.resolve()
        if not target.is_relative_to(self._real):
            raise CheckError(
                "E204",
                "A template lies outside of the folder of templates",
                where=f"templates/{name}",
                detail=f"It is a link to {target}.",
                next_step="copy the file into templates/",
            )

    def read(self, template: Template) -> str:
        """The text of a file.

        Raises:
            CheckError: E204, it cannot be read or is no text.
        """
        try:
            with template.path.open("rb") as file:
                raw = file.read(LARGEST_FILE + 1)
            if len(raw) > LARGEST_FILE:
                raise _unreadable(template.shown, f"it has more than {LARGEST_FILE:,} bytes")
            return raw.decode()
        except UnicodeDecodeError as error:
            raise _unreadable(template.shown, f"byte {error.start} is not UTF-8") from error
        except OSError as error:
            raise _unreadable(template.shown, str(error.strerror)) from error

    def all(self) -> list[Template]:
        """Every template, by name; of two with one name the newsletter's."""
        names = {*_names(self._own), *_names(self._builtin)}
        return [found for name in sorted(names) if (found := self.find(name)) is not None]

    def templates(self) -> list[str]:
        """What an issue can name, such as default and letter."""
        return sorted(
            one.name.removesuffix(".mjml")
            for one in self.all()
            if one.name.endswith(".mjml") and "/" not in one.name
        )


def _inside(folder: Path, name: str) -> Path | None:
    """The file of that name in a folder; no name leads upwards."""
    parts = name.split("/")
    if "\\" in name or "\0" in name or any(part in ("", ".", "..") for part in parts):
        return None
    path = folder.joinpath(*parts)
    try:
        return path if path.is_file() else None
    except OSError as error:  # a name that is too long, a folder that is closed
        raise _unreadable(f"templates/{name[:100]}", str(error.strerror)) from error


def _names(folder: Path) -> list[str]:
    return [
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.suffix in SUFFIXES and path.is_file()
    ]


def _unreadable(where: str, reason: str) -> CheckError:
    return CheckError(
        "E204",
        "A template cannot be read",
        where=where,
        detail=reason,
        next_step="a template is a small text file in UTF-8",
    )
