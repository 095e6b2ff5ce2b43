"""The rule for system programs: skip and name the package, or with `CI` install and never skip."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from tests.wire import programs

pytest_plugins = ["pytester"]

CONFTEST = """
from tests.conftest import pytest_make_collect_report, pytest_runtest_makereport
"""
APT = """#!/bin/sh
echo "$DEBIAN_FRONTEND $*" >> "{folder}/said"
case "$*" in
*update*) {update} ;;
*install*) /bin/cat "{folder}/policy" >> "{folder}/said"
           printf '#!/bin/sh\\n' > "{folder}/smtp-sink"; /bin/chmod +x "{folder}/smtp-sink" ;;
esac
"""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine that has nothing, seen by root outside CI."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(programs, "SBIN", ())
    monkeypatch.setattr(programs, "POLICY", tmp_path / "policy")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.delenv("CI", raising=False)
    programs.install.cache_clear()
    programs._update.cache_clear()
    return tmp_path


def put(folder: Path, name: str, text: str = "#!/bin/sh\n") -> Path:
    path = folder / name
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def apt_get(folder: Path, *, update: str = ":") -> None:
    put(folder, "apt-get", APT.format(folder=folder, update=update))


def skipped(name: str) -> str:
    with pytest.raises(pytest.skip.Exception) as caught:
        programs.program(name)
    return str(caught.value)


def test_a_program_is_found_also_beyond_the_path(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """smtp-sink stands in /usr/sbin, which people do not have in their PATH."""
    (machine / "sbin").mkdir()
    sink = put(machine / "sbin", "smtp-sink")
    monkeypatch.setattr(programs, "SBIN", (str(sink.parent),))
    assert str(sink) == programs.program("smtp-sink")


def test_a_program_may_have_another_name(machine: Path) -> None:
    browser = put(machine, "google-chrome")
    assert str(browser) == programs.program("chromium")


def test_a_missing_program_skips_the_test_and_names_the_package(machine: Path) -> None:
    """Decisions 22; without CI nothing is installed."""
    apt_get(machine)
    assert "needs smtp-sink (Debian package postfix)" == skipped("smtp-sink")
    assert not (machine / "said").exists()


@pytest.mark.parametrize("value", ["1", "true"])
def test_in_ci_a_missing_program_is_installed_quietly_and_starts_no_service(
    machine: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    """Decisions 22: the list of packages is fetched once, and policy-rc.d says 101 meanwhile."""
    monkeypatch.setenv("CI", value)
    apt_get(machine)
    assert str(machine / "smtp-sink") == programs.program("smtp-sink")
    quietly = "noninteractive --quiet --quiet --option=DPkg::Lock::Timeout=120"
    expected = [
        f"{quietly} update",
        f"{quietly} install --yes --no-install-recommends postfix",
        "#!/bin/sh",
        "exit 101",
    ]
    assert expected == (machine / "said").read_text().splitlines()
    assert not (machine / "policy").exists()
    skipped("git")
    assert 1 == (machine / "said").read_text().count("update")


def test_a_containers_own_policy_stays(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "1")
    policy = put(machine, "policy", "#!/bin/sh\nexit 101 # ours\n")
    apt_get(machine)
    programs.program("smtp-sink")
    assert "#!/bin/sh\nexit 101 # ours\n" == policy.read_text()


def test_what_cannot_be_installed_says_why_and_is_not_tried_again(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "1")
    apt_get(machine, update="echo No route to mirror >&2; exit 100")
    why = "needs smtp-sink (Debian package postfix), which could not be installed: No route"
    assert skipped("smtp-sink").startswith(why)
    assert skipped("postfix").startswith(why.replace("smtp-sink", "postfix"))
    assert 1 == len((machine / "said").read_text().splitlines())


def test_a_missing_font_skips_the_test_and_names_the_package(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = put(machine, "Here.ttf")
    monkeypatch.setattr(programs, "FONTS", {"fonts-here": here})
    programs.fonts()
    monkeypatch.setattr(programs, "FONTS", {"fonts-here": here, "fonts-away": machine / "Away.ttf"})
    with pytest.raises(pytest.skip.Exception, match=r"needs Away \(Debian package fonts-away\)"):
        programs.fonts()


def test_only_root_installs(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "1")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    apt_get(machine)
    assert skipped("git").endswith("(Debian package git), which only root can install")
    with pytest.raises(pytest.skip.Exception, match="needs root: a daemon of its own"):
        programs.require_root("a daemon of its own")
    assert not (machine / "said").exists()


SKIPS = """
import pytest

def test_passes():
    assert True

def test_skips_itself():
    pytest.skip("no moon")

@pytest.mark.skip(reason="no sun")
def test_is_marked():
    assert False

@pytest.fixture
def star():
    pytest.skip("no star")

def test_has_a_fixture_that_skips(star):
    assert False

@pytest.mark.xfail(reason="known", strict=True)
def test_is_expected_to_fail():
    assert False
"""
WHOLE_FILE = """
import pytest

pytest.skip("no sky", allow_module_level=True)
"""


def test_without_ci_a_skip_is_a_skip(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI", raising=False)
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(SKIPS)
    pytester.runpytest_inprocess().assert_outcomes(passed=1, skipped=3, xfailed=1)


def test_with_ci_every_skip_is_a_failure_that_gives_its_reason(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Decisions 22: within a test, by a mark, in a fixture; a known failure is none of these."""
    monkeypatch.setenv("CI", "true")
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(SKIPS)
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(passed=1, failed=1, errors=2, xfailed=1)
    for missing in ("moon", "sun", "star"):
        result.stdout.fnmatch_lines([f"*CI is set, so nothing may be left out: *no {missing}*"])
    assert pytest.ExitCode.TESTS_FAILED == result.ret


def test_with_ci_a_file_that_skips_itself_is_a_failure(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "1")
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(WHOLE_FILE)
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(errors=1)
    assert pytest.ExitCode.INTERRUPTED == result.ret
