"""What holds for every test: no skip where CI is set, and a newsletter folder for who wants one."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.samples.mailings import SERVER
from tests.samples.newsletter import News
from tests.wire.postgres import Postgres
from tests.wire.programs import in_ci, refuse_to_skip

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path


# How long an example takes says how busy the machine is. In CI the examples are the same each time:
# it judges a change, and the search for what nobody thought of goes on at every other run.
settings.register_profile("patient", deadline=None, derandomize=in_ci())
settings.load_profile("patient")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--golden`: take the golden pictures anew instead of comparing with them."""
    parser.addoption("--golden", action="store_true", help="take the golden pictures anew")


ONE_AT_A_TIME = {
    "browser": ("tests/browser/",),
    "processes": (
        "tests/integration/delivery/",
        "tests/integration/postfix/",
        "tests/integration/cli/test_send_",
    ),
}
"""Group -> where its tests are: they use the machine to the full, so none beside another."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With `--dist loadgroup`, run the tests of a group one after the other in one process."""
    for item in items:
        for group, places in ONE_AT_A_TIME.items():
            if item.nodeid.startswith(places):
                item.add_marker(pytest.mark.xdist_group(group))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Decisions 22: with `CI` set a test that is skipped has failed."""
    report = yield
    refuse_to_skip(report)
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Decisions 22: and so has a file that skips itself."""
    report = yield
    refuse_to_skip(report)
    return report


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL that runs from its first use on."""
    with Postgres() as server:
        yield server


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The ledger's contract holds on both databases, and so does what a test is marked for."""
    marked = metafunc.definition.get_closest_marker("both_databases") is not None
    contract = metafunc.definition.nodeid.startswith("tests/integration/ledger/")
    if "database" in metafunc.fixturenames and (marked or contract):
        metafunc.parametrize("database", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A folder of whose ledger `mailings.new_ledger` knows where it is: here, or on a server."""
    if getattr(request, "param", "sqlite") == "sqlite":
        yield tmp_path
        return
    server: Postgres = request.getfixturevalue("postgres")
    url = server.lend()
    (tmp_path / SERVER).write_text(url)
    yield tmp_path
    server.take_back(url)


@pytest.fixture(scope="session")
def fresh_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as `mailer init` leaves it, made once."""
    folder = tmp_path_factory.mktemp("init") / "news"
    done = News(folder.parent).run("init", "news", "--no-input")
    assert done.code == 0, done
    return folder


@pytest.fixture
def news(fresh_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[News]:
    """A newsletter without a database, with the issue "winter"."""
    for name in os.environ:
        if name.startswith("MAILER_"):
            monkeypatch.delenv(name)
    made = News(tmp_path / "news")
    shutil.copytree(fresh_folder, made.folder)
    made.issue()
    yield made
    made.stop()


@pytest.fixture(scope="session")
def peopled_folder(fresh_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with the eight people of the sample list imported, made once."""
    folder = tmp_path_factory.mktemp("people") / "news"
    shutil.copytree(fresh_folder, folder)
    done = News(folder).run("subscribers", "import")
    assert done.code == 0, done
    return folder


@pytest.fixture
def peopled(news: News, peopled_folder: Path) -> News:
    """A newsletter with eight subscribers, and the issue "winter"."""
    shutil.copytree(peopled_folder / "subscribers", news.folder / "subscribers", dirs_exist_ok=True)
    return news
