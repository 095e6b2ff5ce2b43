"""Where configuration comes from: the file found upwards, the environment, credentials, .env."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dotenv.parser import parse_stream

from mailer.config.keys import KEYS, TABLES
from mailer.config.toml import Document, read_document
from mailer.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

_UNDERSCORES = str.maketrans(".-", "__")
_NAMES = ("mailer.toml", "pyproject.toml")


def find_document(folder: Path | None, file: Path | None) -> tuple[Path, Document]:
    """The newsletter's folder and its configuration: `file`, or in `folder`, or upwards from here.

    Raises:
        ConfigError: E400 if there is none, E403 if it cannot be read.
    """
    if file is not None:
        candidates = [file]
    elif folder is not None:
        candidates = [folder / name for name in _NAMES]
    else:
        here = Path.cwd()
        candidates = [place / name for place in (here, *here.parents) for name in _NAMES]
    for path in candidates:
        document = read_document(path) if path.is_file() else None
        if document is not None:
            return path.resolve().parent, document
    raise ConfigError(
        "E400",
        "There is no newsletter here: neither mailer.toml nor [tool.mailer] in pyproject.toml",
        where=str(file or folder or Path.cwd()),
        next_step="mailer init",
    )


def variable(name: str) -> str:
    """The environment variable of a key: `relay.url` is MAILER_RELAY_URL."""
    return f"MAILER_{name.translate(_UNDERSCORES).upper()}"


_VARIABLES = {variable(key.name): key for key in KEYS if "*" not in key.name}
_PREFIXES = tuple(f"{variable(table)}_" for table in TABLES if table and "*" not in table)


def known_variables(relays: Collection[str] = ()) -> list[str]:
    """Every environment variable that sets a key, without its `_FILE` twin.

    Args:
        relays: the names of several relays: only their secrets come from outside the file, each
            by its relay's name (decisions 19).
    """
    if not relays:
        return sorted(_VARIABLES)
    secrets = [key.leaf for key in KEYS if key.table == "relay" and key.secret]
    theirs = [variable(f"relay.{name}.{leaf}") for name in relays for leaf in secrets]
    others = [name for name, key in _VARIABLES.items() if key.table != "relay"]
    return sorted([*others, *theirs])


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What is configured outside the file: environment, credentials and `.env`.

    Attributes:
        environ: the process's environment.
        dotenv: variable -> (value, line) of the `.env` beside the file.
    """

    environ: Mapping[str, str]
    dotenv: Mapping[str, tuple[str, int]]

    def find(self, name: str) -> tuple[str, str] | None:
        """The value of a dotted key and its origin; an empty value counts as absent.

        Raises:
            ConfigError: E408 if a file that should hold the value cannot be read.
        """
        if not name:
            return None
        wanted = variable(name)
        for value, origin in self._candidates(wanted, name.translate(_UNDERSCORES)):
            if value:
                return value, origin
        return None

    def _candidates(self, wanted: str, credential: str) -> Iterator[tuple[str, str]]:
        yield self.environ.get(wanted, ""), "environment"
        if path := self.environ.get(f"{wanted}_FILE"):
            yield _content(Path(path), f"{wanted}_FILE"), f"{wanted}_FILE"
        if directory := self.environ.get("CREDENTIALS_DIRECTORY"):
            path_ = Path(directory) / credential
            if path_.exists():
                yield _content(path_, f"credential {credential}"), f"credential {credential}"
        value, line = self.dotenv.get(wanted, ("", 0))
        yield value, f".env:{line}"

    def unknown(self, known: Collection[str]) -> Iterator[tuple[str, str]]:
        """Variables of our tables that set no key, each with where it stands."""
        for name in sorted(self.environ):
            if name.startswith(_PREFIXES) and name.removesuffix("_FILE") not in known:
                yield name, "environment"
        for name, (_, line) in self.dotenv.items():
            if name.startswith(_PREFIXES) and name not in known:
                yield name, f".env:{line}"


def _content(path: Path, origin: str) -> str:
    try:
        return path.read_bytes().decode().rstrip("\r\n")
    except (OSError, ValueError) as error:
        raise ConfigError(
            "E408",
            f"{origin} names a file that cannot be read",
            where=str(path),
            detail=error.strerror or "" if isinstance(error, OSError) else "It is not UTF-8.",
        ) from error


def read_dotenv(path: Path) -> dict[str, tuple[str, int]]:
    """Variable -> (value, line); nothing is exported to the environment of this process.

    Raises:
        ConfigError: E408 if the file cannot be read or understood.
    """
    if not path.exists():
        return {}
    found: dict[str, tuple[str, int]] = {}
    for binding in parse_stream(io.StringIO(_content(path, ".env"))):
        if binding.error:
            raise ConfigError(
                "E408",
                f".env:{binding.original.line}  not understood",
                where=f".env:{binding.original.line}",
                next_step="one NAME=value on each line",
            )
        if binding.key and binding.value is not None:
            found[binding.key] = binding.value, binding.original.line
    return found
