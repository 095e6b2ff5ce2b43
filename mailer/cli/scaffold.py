"""A newsletter folder from nothing: the sample with the answers in it; nothing is overwritten."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mailer.config import Config, build_config
from mailer.config.settings import read_settings
from mailer.config.sources import Outside
from mailer.config.toml import Document, line_numbers, parse_document
from mailer.errors import MailerError
from mailer.render.library import shipped

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# Each answer and the keys of the sample that it stands for.
ANSWERS: dict[str, tuple[str, ...]] = {
    "name": ("newsletter.name", "lists.weekly.title"),
    "sender": ("newsletter.from",),
    "relay": ("relay.url",),
    "url": ("newsletter.url",),
    "address": ("newsletter.address",),
}
GITIGNORE = """\
.env
out/
subscribers/*.db
subscribers/*.db-*
subscribers/*.lock
subscribers/*.journal
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What became of a folder: paths relative to it."""

    folder: Path
    wrote: tuple[str, ...]
    kept: tuple[str, ...]
    git: bool


def sample() -> Document:
    """The configuration that new newsletters begin with."""
    document = parse_document(_sample_text(), name="mailer.toml")
    assert document is not None
    return document


def _sample_text() -> str:
    return shipped("mailer.toml").read_text(encoding="utf-8")


def filled(answers: Mapping[str, str], bounces: str) -> str:
    """The sample's text with the answers in place of its values, comments and all."""
    rows = _sample_text().splitlines()
    lines = line_numbers(_sample_text())
    values = {key: answers[answer] for answer, keys in ANSWERS.items() for key in keys}
    for key, value in {**values, "bounces.address": bounces}.items():
        index = lines[tuple(key.split("."))] - 1
        # JSON's string is a TOML basic string once DEL is escaped, and parsers refuse DEL.
        literal = json.dumps(value, ensure_ascii=False)
        before, _, rest = rows[index].partition('"')
        after = rest.partition('"')[2]
        rows[index] = f"{before}{literal}{after}"
    return "\n".join(rows) + "\n"


def understood(text: str, folder: Path) -> Config:
    """The configuration that a filled sample gives, before anything is written.

    Raises:
        ConfigError: an answer cannot be used.
    """
    document = parse_document(text, name="mailer.toml")
    assert document is not None
    return build_config(folder, read_settings(document, Outside(environ={}, dotenv={})))


def make(folder: Path, toml: str) -> Made:
    """Write what is not there yet.

    Raises:
        MailerError: E002 if the folder cannot be written.
    """
    wrote: list[str] = []
    kept: list[str] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content, mode in _files(folder, toml):
            (wrote if _write_new(folder / name, content, mode) else kept).append(name)
        (folder / "templates").mkdir(exist_ok=True)
    except OSError as error:
        raise MailerError(
            "E002",
            "The folder cannot be written",
            where=str(error.filename or folder),
            detail=error.strerror or "",
        ) from error
    return Made(folder=folder, wrote=tuple(wrote), kept=tuple(kept), git=_git_init(folder))


def _files(folder: Path, toml: str) -> Iterator[tuple[str, bytes, int]]:
    """Name, content and mode of each file; a folder that holds something gets no sample."""
    yield "mailer.toml", toml.encode(), 0o644
    yield ".env", f"MAILER_SECRET_KEY={secrets.token_urlsafe(32)}\n".encode(), 0o600
    yield ".gitignore", GITIGNORE.encode(), 0o644
    issues = shipped("issues")
    if not any((folder / "issues").glob("*")):
        for path in sorted(issues.rglob("*")):
            name = path.relative_to(issues)
            if path.is_file() and not any(part.startswith(".") for part in name.parts):
                yield f"issues/{name.as_posix()}", path.read_bytes(), 0o644
    if not any((folder / "subscribers").glob("*.csv")):
        sheet = shipped("subscribers/weekly.csv")
        yield "subscribers/weekly.csv", sheet.read_bytes(), 0o644


def _write_new(path: Path, content: bytes, mode: int) -> bool:
    """Write a file that is not there, never through a link; False if it is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        return False
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    return True


def _git_init(folder: Path) -> bool:
    """Make the folder a git repository, if there is git and it is in none yet."""
    git = shutil.which("git")
    if git is None:
        return False

    def run(*arguments: str) -> bool:
        command = [git, "-C", str(folder), *arguments]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0  # noqa: S603  a fixed command

    return not run("rev-parse", "--git-dir") and run("init", "--quiet")
