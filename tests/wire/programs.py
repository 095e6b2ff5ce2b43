"""System programs that tests need: the one place that finds them, and that says what is missing.

A developer's machine may lack some: the tests that need them are skipped and name the package. With
`CI` set nothing may be left out (decisions 22): what is missing is installed if we are root, and a
skip for whatever reason is a failure.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PACKAGES: Final = {
    "chromium": "chromium",
    "git": "git",
    "openssl": "openssl",
    "postfix": "postfix",
    "postsuper": "postfix",
    "smtp-sink": "postfix",
    "smtp-source": "postfix",
    "spamassassin": "spamassassin",
}
"""Program -> the Debian package that has it."""

OTHER_NAMES: Final = {"chromium": ("chromium-browser", "google-chrome")}
SBIN: Final = ("/usr/sbin", "/usr/local/sbin", "/sbin")
"""Where daemons live, which is not in everybody's PATH."""

FONTS: Final = {
    "fonts-dejavu-core": Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"),
    "fonts-liberation": Path("/usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf"),
}
"""Debian package -> a file of it: what golden pictures are written in."""

POLICY = Path("/usr/sbin/policy-rc.d")
SECONDS = 600  # for the download of a browser
APT = ("apt-get", "--quiet", "--quiet", "--option=DPkg::Lock::Timeout=120")


def program(name: str) -> str:
    """The path of a program in `PACKAGES`; if it is missing, the test that asks is skipped."""
    return _needed(name, PACKAGES[name], lambda: find(name))


def fonts() -> None:
    """Have the fonts of `FONTS`; if one is missing, the test that asks is skipped."""
    for package, file in FONTS.items():
        _needed(file.stem, package, partial(_file, file))


def perl_module(name: str, package: str) -> str:
    """The path of a perl that has a module; if it has not, the test that asks is skipped."""
    return _needed(f"Perl's {name}", package, partial(_perl_with, name))


def _perl_with(name: str) -> str | None:
    perl = find("perl")
    if perl is None:
        return None
    loads = subprocess.run([perl, f"-M{name}", "-e", "1"], check=False, capture_output=True)
    return perl if loads.returncode == 0 else None


def _file(path: Path) -> str | None:
    return str(path) if path.exists() else None


def _needed(what: str, package: str, find: Callable[[], str | None]) -> str:
    found, why = find(), ""
    if found is None and in_ci():
        why = install(package)
        found = find()
    if found is None:
        pytest.skip(f"needs {what} (Debian package {package}){why}")
    return found


def require_root(what: str) -> None:
    """Skip the test that asks unless it runs as root."""
    if os.geteuid() != 0:
        pytest.skip(f"needs root: {what}")


def in_ci() -> bool:
    """Whether nothing may be left out: CI services set `CI=true`, `.ci/run` sets `CI=1`."""
    return bool(os.environ.get("CI"))


def find(name: str) -> str | None:
    """Where a program is, under whatever name; None if it is nowhere."""
    places = os.pathsep.join((os.environ.get("PATH", os.defpath), *SBIN))
    names = (name, *OTHER_NAMES.get(name, ()))
    return next((found for each in names if (found := shutil.which(each, path=places))), None)


def refuse_to_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """With `CI` set, turn the report of a skip into that of a failure."""
    if not (in_ci() and report.skipped) or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[-1] if isinstance(report.longrepr, tuple) else report.longrepr
    report.outcome = "failed"
    report.longrepr = f"CI is set, so nothing may be left out: {reason}"


@cache
def install(package: str) -> str:
    """Install a Debian package without a question and without starting its service; try once.

    Returns:
        Empty, or why it could not be done.
    """
    if os.geteuid() != 0:
        return ", which only root can install"
    try:
        with _one_at_a_time(), no_service_starts():
            _update()
            _run(*APT, "install", "--yes", "--no-install-recommends", package)
    except (OSError, subprocess.SubprocessError) as error:
        return f", which could not be installed: {getattr(error, 'stderr', None) or error}"
    return ""


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Tests run in several processes, and the package manager lets nobody in beside another."""
    with (Path(tempfile.gettempdir()) / "mailer-test-install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@cache
def _update() -> None:
    _run(*APT, "update")


def _run(*command: str) -> None:
    subprocess.run(
        command,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        check=True,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        stdin=subprocess.DEVNULL,
    )


@contextmanager
def no_service_starts() -> Iterator[None]:
    """What a package installs is not started: its scripts ask policy-rc.d first."""
    if POLICY.exists():  # a container's own, which says the same
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n", encoding="ascii")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()
