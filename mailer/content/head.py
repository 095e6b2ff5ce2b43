"""What a file says to the schedule: its front matter alone is understood, which is quick."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailer.content.frontmatter import split
from mailer.content.frontmatter.audience import read_audience
from mailer.content.frontmatter.fields import Fields
from mailer.content.frontmatter.meanings import read_release, read_send_at
from mailer.content.identity import name_and_language, read_id, read_language
from mailer.content.limits import refuse_length
from mailer.content.reading import decode, read, shown

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mailer.model import Release

_LIST = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """When, to whom and as which issue a file is mailed; each as in `Issue`."""

    id: str
    file: str
    language: str
    list: str
    audience: Mapping[str, str]
    release: Release
    send_at: str


def read_head(path: Path, *, root: Path) -> Head:
    """The head of one file.

    Raises:
        CheckError, NotFoundError: as `open_file`.
    """
    return head_of(open_file(path, root=root)[1], path)


def open_file(path: Path, *, root: Path) -> tuple[bytes, Fields]:
    """The octets of a file, and its front matter.

    Raises:
        CheckError: E101 the front matter cannot be read, E109 not UTF-8 or NUL in it, E150 it is
            far too long for a mail.
        NotFoundError: E115 there is no such file.
    """
    file = shown(path, root)
    raw = read(path, file)
    matter = split(decode(raw, file), file=file)
    refuse_length(matter.body, file=file)
    return raw, Fields(matter=matter, file=file)


def head_of(fields: Fields, path: Path) -> Head:
    """What the front matter of a file says; what is unfit in it is a finding."""
    stem, suffix = name_and_language(path)
    return Head(
        id=read_id(fields, stem),
        file=fields.file,
        language=read_language(fields) or suffix,
        list=fields.word("list", shape=_LIST, example="list: weekly"),
        audience=read_audience(fields),
        release=read_release(fields),
        send_at=read_send_at(fields),
    )
