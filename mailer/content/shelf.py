"""The issues of a newsletter: which files are issues, which belong together, which one is meant."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from mailer.content.frontmatter import split
from mailer.content.frontmatter.audience import read_audience
from mailer.content.frontmatter.fields import Fields
from mailer.content.identity import (
    for_everybody,
    name_and_language,
    read_id,
    read_language,
    slug_of,
)
from mailer.content.reading import decode, read, shown
from mailer.errors import CheckError, NotFoundError, UsageError
from mailer.model import Finding

_SUFFIXES: Final = (".md", ".markdown", ".mdx")


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


def sibling_files(root: Path) -> dict[Path, list[Path]]:
    """The other variants of each issue: the files in `issues/` that have its id, too.

    By the issue's resolved path. To be asked for once and looked up for many issues.
    """
    families: dict[str, list[_Identity]] = {}
    for path in issue_files(root):
        one = _identify(path, root)
        families.setdefault(one.id, []).append(one)
    return {
        one.resolved: [other.path for other in family if other is not one]
        for family in families.values()
        for one in family
    }


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
    resolved: Path
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
    file = shown(path, root)
    stem, language = name_and_language(path)
    audience: dict[str, str] = {}
    try:
        fields = Fields(matter=split(decode(read(path, file), file), file=file), file=file)
        identity, language = read_id(fields, stem), read_language(fields) or language
        audience = read_audience(fields)
    except CheckError:  # a file that cannot be read has the id of its name: others stay findable
        identity = slug_of(stem)
    chosen = tuple(sorted(audience.items()))
    return _Identity(
        path=path,
        resolved=path.resolve(),
        file=file,
        id=identity,
        language=language,
        audience=chosen,
    )


def _is_issue(path: Path) -> bool:
    return (
        path.suffix.lower() in _SUFFIXES
        and not path.name.startswith(("_", "."))
        and path.stem.lower() != "readme"
        and path.is_file()
    )


def _as_path(name: str, root: Path) -> Path | None:
    if "/" not in name and not name.lower().endswith(_SUFFIXES):
        return None
    for place in (root / name, Path(name)):
        for path in (place, *(place / f"index{suffix}" for suffix in _SUFFIXES)):
            if path.is_file():
                return path
    return None


def _among(known: list[_Identity], path: Path) -> _Identity | None:
    resolved = path.resolve()
    return next((each for each in known if each.resolved == resolved), None)


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
