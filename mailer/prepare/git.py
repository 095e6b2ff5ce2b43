"""What git knows of a newsletter's files: at which commit they stand, and what was changed."""

from __future__ import annotations

import os
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mailer.content.shelf import issue_files
from mailer.errors import UsageError
from mailer.prepare.finding import newest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mailer.config import Config


def commit_of(path: Path) -> str:
    """The git commit that an issue stands at, with `*` if the file was changed since; or empty."""
    try:
        head = _git(path.parent, "rev-parse", "--short", "HEAD").strip()
        changed = _git(path.parent, "status", "--porcelain", "--", path.name)
    except (OSError, subprocess.SubprocessError):
        return ""
    return head + ("*" if changed else "")


@contextmanager
def checkout(root: Path, ref: str) -> Iterator[tuple[Path, str]]:
    """A newsletter's folder as it was at a commit, and that commit; nothing outside is touched.

    Raises:
        UsageError: E011, there is no git, no repository, or nothing of this name in it.
    """
    with tempfile.TemporaryDirectory(prefix="mailer-") as folder:
        try:
            # A name that git takes for a path or an option would be another question.
            named = _git(root, "rev-parse", "--verify", "--end-of-options", f"{ref}^{{commit}}")
            commit = named.strip()
            short = _git(root, "rev-parse", "--short", commit).strip()
            files = _check_out(root, commit, Path(folder))
        except (OSError, subprocess.SubprocessError) as error:
            said = getattr(error, "stderr", None) or str(error)
            raise UsageError(
                "E011",
                f"git does not say what the issue is at {ref}",
                where=str(root),
                detail=str(said).strip(),
                next_step="a branch, tag or commit that git log shows here, or . for the files",
            ) from error
        yield files, short


def _check_out(root: Path, commit: str, folder: Path) -> Path:
    """The newsletter's files of a commit in a folder that is empty.

    Raises:
        OSError: a link among them leads out of them.
    """
    # An archive would lack what .gitattributes exclude from one, such as issues not to be released.
    index = {"GIT_INDEX_FILE": str(folder / "index")}
    _git(root, "read-tree", commit, **index)
    _git(root, "checkout-index", "--all", "--quiet", f"--prefix={folder}/files/", **index)
    files = folder.resolve() / "files" / prefix_of(root)
    for path in files.rglob("*"):
        if path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(files):
            raise OSError(f"{path.relative_to(files)} is a link that leads out of the newsletter")
    return files


def prefix_of(root: Path) -> str:
    """Where the newsletter's folder is in its repository, with a slash at its end; or empty."""
    try:
        return _git(root, "rev-parse", "--show-prefix").removesuffix("\n")
    except (OSError, subprocess.SubprocessError):
        return ""


def changed_issues(config: Config, ref: str) -> list[Path]:
    """The issues that differ from where the work branched off `ref`, new ones among them.

    An issue counts as changed with a file in its folder; what is around all issues (templates,
    mailer.toml) is tried on the newest one, by its date.

    Raises:
        UsageError: E010, there is no git, no repository, or nothing of this name in it.
    """
    root = config.root
    changed = _changed(root, ref)
    issues = issue_files(root)
    folders = {path.with_suffix("") for path in issues} | {
        path.parent for path in issues if path.stem == "index"
    }
    touched = {folder for path in changed for folder in path.parents if folder in folders}
    found = [
        path
        for path in issues
        if path in changed or path.with_suffix("") in touched or path.parent in touched
    ]
    around = (root / "templates", root / "mailer.toml")
    if issues and not found and any(_is_in(path, around) for path in changed):
        return [newest(config, issues)]
    return found


def _changed(root: Path, ref: str) -> set[Path]:
    try:
        base = _git(root, "merge-base", "--end-of-options", "HEAD", f"{ref}^{{commit}}").strip()
        names = _git(root, "diff", "--name-only", "--relative", "-z", base)
        new = _git(root, "ls-files", "--others", "--exclude-standard", "-z")
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", None) or str(error)
        raise UsageError(
            "E010",
            f"git does not say what was changed since {ref}",
            where=str(root),
            detail=str(said).strip(),
            next_step="name a branch, tag or commit that git log shows here",
        ) from error
    return {root / name for name in (*names.split("\0"), *new.split("\0")) if name}


def _is_in(path: Path, places: Sequence[Path]) -> bool:
    return any(path.is_relative_to(place) for place in places)


def _git(folder: Path, *arguments: str, **environment: str) -> str:
    done = subprocess.run(  # noqa: S603  fixed arguments, no shell
        ["git", "-C", str(folder), *arguments],  # noqa: S607  whichever git the operator uses
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",  # names of files are any octets, as for pathlib
        check=True,
        timeout=10,
        env=os.environ | environment,
    )
    return done.stdout
