"""A file becomes an Issue; and which files of a newsletter are issues."""

from __future__ import annotations

import difflib
import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mailer.content import dialects, excerpt
from mailer.content.frontmatter import split
from mailer.content.frontmatter.audience import read_audience, read_page
from mailer.content.frontmatter.dates import read_date
from mailer.content.frontmatter.fields import Fields, check_spelling
from mailer.content.frontmatter.meanings import (
    read_byline,
    read_ignore,
    read_release,
    read_send_at,
)
from mailer.content.identity import (
    for_everybody,
    name_and_language,
    read_id,
    read_language,
    slug_of,
)
from mailer.errors import CheckError, NotFoundError, UsageError
from mailer.model import Finding, Issue

if TYPE_CHECKING:
    from collections.abc import Iterator

_SUFFIXES: Final = (".md", ".markdown", ".mdx")
_TEMPLATE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(?:\.mjml)?")
_LIST = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_TITLES: Final = ("og:title", "twitter:title")
_DESCRIPTIONS: Final = ("description", "og:description", "twitter:description")


def read_issue(path: Path, *, root: Path, dialect: str = "auto") -> Issue:
    """Understand one file. What makes it unfit to be mailed but not to be read is a finding.

    Args:
        path: the file.
        root: the newsletter's folder.
        dialect: whose Markdown it is written in; "auto" recognises it.

    Raises:
        CheckError: E101 the front matter cannot be read, E109 not UTF-8 or NUL in it.
        NotFoundError: E115 there is no such file.
    """
    file = _shown(path, root)
    raw = _read(path, file)
    matter = split(_decode(raw, file), file=file)
    fields = Fields(matter=matter, file=file)
    check_spelling(fields)
    stem, suffix = name_and_language(path)
    text = dialects.translate(
        matter.body,
        dialect=dialect,
        file=file,
        body_line=matter.body_line,
        form=matter.form,
        fields=matter.fields,
    )
    heading = excerpt.first_heading(text.body)
    if excerpt.says_nothing(text.body):
        step = "write something below the front matter"
        fields.report("E114", "The issue says nothing: no text, or an image alone", next_step=step)
    return Issue(
        id=read_id(fields, stem),
        file=file,
        digest=hashlib.sha256(raw).hexdigest(),
        body=text.body,
        body_line=matter.body_line,
        dialect=text.dialect,
        subject=_read_subject(fields, body=text.body, stem=stem),
        preheader=_read_preheader(fields, body=text.body),
        heading=heading,
        date=read_date(fields, stem=stem, dialect=text.dialect),
        byline=read_byline(fields),
        language=read_language(fields) or suffix,
        list=fields.word("list", shape=_LIST, example="list: weekly"),
        audience=read_audience(fields),
        page_path=read_page(fields),
        template=_read_template(fields),
        reply_to=fields.text("reply_to"),
        release=read_release(fields),
        send_at=read_send_at(fields),
        feed=fields.flag("feed") is not False,
        cut_after=fields.text("cut_after"),
        meta=matter.fields,
        lines=matter.lines,
        ignore=read_ignore(fields),
        findings=tuple(sorted((*fields.findings, *text.findings), key=lambda each: each.line)),
    )


def issue_files(root: Path) -> list[Path]:
    """The files in `issues/` that are issues, by name; `x/index.md` is one, too."""
    folder = root / "issues"
    if not folder.is_dir():
        return []
    found = [path for path in folder.iterdir() if _is_issue(path)]
    for inner in folder.iterdir():
        if inner.is_dir() and not inner.name.startswith(("_", ".")):
            found += [
                path
                for path in inner.iterdir()
                if _is_issue(path) and path.name.startswith("index.")
            ]
    return sorted(found, key=lambda path: path.relative_to(folder).as_posix())


def find_issue(name: str, *, root: Path, language: str = "") -> Path:
    """The file of an issue that is named by id, by file, or by any part of one id.

    Of several variants of the issue that is the one for everybody, which depends on the language of
    the list that it goes to.

    Raises:
        NotFoundError: E115, with the nearest ids.
        UsageError: E116, the part fits several issues.
        CheckError: E106, two files share this id.
    """
    known = [_identify(each, root) for each in issue_files(root)]
    path = _as_path(name, root)
    mine = _among(known, path) if path else _choose(name, known, language)
    if mine is None:
        assert path is not None
        return path
    twin = next((each for each in known if each.is_twin_of(mine)), None)
    if twin:
        raise CheckError(
            "E106",
            f"Two issues have the id {mine.id}",
            where=f"{mine.file}\n{twin.file}",
            next_step="give one of them another id: …",
        )
    return mine.path


def sibling_files(path: Path, *, root: Path) -> list[Path]:
    """The other variants of an issue: the files in `issues/` that have its id, too."""
    known = [_identify(each, root) for each in issue_files(root)]
    mine = _among(known, path)
    if mine is None:
        return []
    return [each.path for each in known if each.id == mine.id and each is not mine]


def duplicate_ids(root: Path) -> list[Finding]:
    """E106 for every issue whose id another file in `issues/` has already, in one language."""
    findings: list[Finding] = []
    seen: list[_Identity] = []
    for path in issue_files(root):
        mine = _identify(path, root)
        twin = next((each for each in seen if each.is_twin_of(mine)), None)
        if twin:
            message = f"The id {mine.id} is that of {twin.file}, too"
            step = "give one of them another id: …"
            findings.append(Finding(id="E106", message=message, file=mine.file, next_step=step))
        seen.append(mine)
    return findings


# --- files and ids -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Identity:
    """What tells one file from another: variants of an issue share their id."""

    path: Path
    file: str
    id: str
    language: str
    audience: tuple[tuple[str, str], ...] = ()

    def is_twin_of(self, other: _Identity) -> bool:
        mine = self.id, self.language, self.audience
        return mine == (other.id, other.language, other.audience) and self.path != other.path


def _identify(path: Path, root: Path) -> _Identity:
    try:
        status = path.stat()
    except OSError:  # it went since the folder was read; reading it says so
        return _identified(path, root, (0, 0))
    return _identified(path, root, (status.st_mtime_ns, status.st_size))


@lru_cache(maxsize=4096)
def _identified(path: Path, root: Path, stamp: tuple[int, int]) -> _Identity:
    """Read a file once as long as it is as `stamp` says: a command asks three times."""
    del stamp
    file = _shown(path, root)
    stem, language = name_and_language(path)
    audience: dict[str, str] = {}
    try:
        fields = Fields(matter=split(_decode(_read(path, file), file), file=file), file=file)
        identity, language = read_id(fields, stem), read_language(fields) or language
        audience = read_audience(fields)
    except CheckError:  # a file that cannot be read has the id of its name: others stay findable
        identity = slug_of(stem)
    chosen = tuple(sorted(audience.items()))
    return _Identity(path=path, file=file, id=identity, language=language, audience=chosen)


def _is_issue(path: Path) -> bool:
    return (
        path.suffix.lower() in _SUFFIXES
        and not path.name.startswith(("_", "."))
        and path.stem.lower() != "readme"
        and path.is_file()
    )


def _shown(path: Path, root: Path) -> str:
    path, root = path.absolute(), root.absolute()
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def _as_path(name: str, root: Path) -> Path | None:
    if "/" not in name and not name.lower().endswith(_SUFFIXES):
        return None
    for place in (root / name, Path(name)):
        for path in (place, *(place / f"index{suffix}" for suffix in _SUFFIXES)):
            if path.is_file():
                return path
    return None


def _among(known: list[_Identity], path: Path) -> _Identity | None:
    return next((each for each in known if each.path.samefile(path)), None)


def _choose(name: str, known: list[_Identity], language: str) -> _Identity:
    wanted = name.lower()
    found = [each for each in known if wanted in (each.id, each.path.stem.lower())]
    found = found or [each for each in known if wanted in each.id]
    if len({each.id for each in found}) == 1:
        base = found[0] if len(found) == 1 else for_everybody(found, language) or _twin(found)
        if base is not None:
            return base
    if found:
        raise UsageError(
            "E116",
            f"{name} fits {len(found)} files",
            detail="\n".join(each.file for each in found),
            next_step="name one by its file",
        )
    near = difflib.get_close_matches(wanted, [each.id for each in known], n=3, cutoff=0.5)
    step = f"did you mean {' or '.join(near)}?" if near else "issues stand in issues/"
    raise NotFoundError("E115", f"There is no issue {name}", next_step=step)


def _twin(found: list[_Identity]) -> _Identity | None:
    """One that another cannot be told from."""
    return next((one for one in found if any(map(one.is_twin_of, found))), None)


# --- reading -------------------------------------------------------------------------------------


def _read(path: Path, file: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise NotFoundError("E115", f"{file} cannot be read", detail=str(error.strerror)) from error


def _decode(raw: bytes, file: str) -> str:
    """UTF-8 text with LF line ends and no byte order mark (case 17)."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _undecodable(raw, error.start, file) from error
    if "\0" in text:
        offset = raw.index(0)
        raise CheckError(
            "E109",
            "The file holds a NUL byte",
            where=_place(raw, offset, file),
            detail=f"at byte {offset}",
            next_step="remove it: is this a text file?",
        )
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _undecodable(raw: bytes, offset: int, file: str) -> CheckError:
    utf16 = raw.startswith((b"\xff\xfe", b"\xfe\xff"))
    guess = "UTF-16" if utf16 else "windows-1252"
    return CheckError(
        "E109",
        "The file is not UTF-8",
        where=_place(raw, offset, file),
        detail=f"byte 0x{raw[offset]:02X} at offset {offset} begins no character",
        next_step=f"save it as UTF-8, perhaps: iconv -f {guess} -t utf-8 {file}",
    )


def _place(raw: bytes, offset: int, file: str) -> str:
    line = raw.count(b"\n", 0, offset) + 1
    return f"{file}:{line}"


def _read_subject(fields: Fields, *, body: str, stem: str) -> str:
    explicit = next(iter(fields.places("subject")), None)
    subject = fields.text("subject")
    if explicit and not subject:
        step = 'subject: "…"'
        fields.report("E102", "Subject is empty", key=explicit[0], next_step=step)
        return ""
    title = subject or fields.text("title", fold=True) or _fold(excerpt.title_of(body))
    return title or _in_head(fields, _TITLES) or stem


def _read_preheader(fields: Fields, *, body: str) -> str:
    explicit = fields.text("preheader")
    if explicit:
        return explicit
    described = excerpt.words_of(fields.text("description", "summary", "excerpt", fold=True))
    return described or _in_head(fields, _DESCRIPTIONS) or _fold(excerpt.first_sentence(body))


def _in_head(fields: Fields, names: tuple[str, ...]) -> str:
    """The content of the first of these metas that has one."""
    contents = {name: text for name, text in _metas(fields.matter.fields.get("head")) if text}
    found = next((contents[name] for name in names if name in contents), "")
    return fields.harmless(_fold(found), key="head")


def _metas(head: object) -> Iterator[tuple[str, str]]:
    """Name and content of the metas in a VuePress `head:` list: `[meta, {name: …, content: …}]`."""
    for entry in head if isinstance(head, list) else ():
        parts = entry if isinstance(entry, list) else [entry]
        for part in parts:
            if isinstance(part, dict):
                name = part.get("name") or part.get("property")
                yield str(name).strip().lower(), str(part.get("content") or "").strip()


def _fold(text: str) -> str:
    return " ".join(text.split())


def _read_template(fields: Fields) -> str:
    if fields.text("template").lower().endswith((".html", ".htm")):
        return ""  # Zola's and Pelican's templates, for their pages
    name = fields.word("template", shape=_TEMPLATE, example="template: default")
    return name.removesuffix(".mjml")
