"""A wrong link, noticed after some: pause, mend, resume with a revision (case 46, decisions 8)."""

from __future__ import annotations

import re
import shutil
import subprocess
from itertools import chain, repeat

import pytest
from sqlalchemy import update

from mailer.ledger.schema import mailing
from mailer.model import MailingState
from tests.samples.newsletter import ISSUE, News
from tests.wire.fault_server import FaultServer, say
from tests.wire.sink import Sink

WRONG = ISSUE.replace("example.org/winter", "example.org/wrong")


@pytest.fixture
def halfway(peopled: News) -> News:
    """m1 with a wrong link, accepted by three of eight and paused."""
    peopled.issue(WRONG)
    script = {"MAIL": chain(repeat(None, 3), repeat(say(b"550 5.1.8 no")))}
    with FaultServer(script) as server:
        peopled.relay(server.port, connections="1")
        assert 6 == peopled.run("send", "winter", "--yes").code
    (one,) = peopled.mailings()
    assert ("paused", 3, 5) == (one.state, one.counts["accepted"], one.counts["queued"])
    return peopled


def changed_links(diff: str) -> list[tuple[str, str]]:
    """Which links went and came."""
    return re.findall(r"^([-+]).*example\.org/(\w+)", diff, re.MULTILINE)


def commit(news: News, message: str) -> None:
    """Everything in the folder as it is now."""
    author = ["-c", "user.name=Ann", "-c", "user.email=ann@example.org"]
    for command in (["add", "-A"], ["commit", "-qm", message]):
        subprocess.run(["git", *author, *command], cwd=news.folder, check=True)


def test_those_who_are_left_get_the_corrected_issue_and_nobody_gets_two(halfway: News) -> None:
    """Case 46: 3 have r1, 5 get r2; shown as a diff first; the counts say how many got which."""
    halfway.issue(ISSUE)
    with Sink() as sink:
        halfway.relay(sink.port)
        done = halfway.run("resume", "m1", "--revision", ".", "--yes")
        assert 0 == done.code, done
        assert "r1 → r2" in done.err
        assert [("-", "wrong"), ("+", "winter")] == changed_links(done.err)
        assert " 5 left\n" in done.err
        assert 0 == halfway.run("send", "--due").code
        assert 5 == sink.total == len(sink.taken)
    (one,) = halfway.mailings()
    assert ("sent", 8, {1: 3, 2: 5}) == (one.state, one.counts["accepted"], one.revisions)
    assert "revisions r1 3 · r2 5" in halfway.run("status").out
    data = halfway.run("status", "m1", "--json").data["mailings"][0]
    assert {"r1": 3, "r2": 5} == data["revisions"]


def test_trace_says_which_revision_somebody_got(halfway: News) -> None:
    halfway.issue(ISSUE)
    with Sink() as sink:
        halfway.relay(sink.port)
        halfway.run("resume", "m1", "--revision", ".", "--yes")
        halfway.run("send", "--due")
        (late, *_) = sink.taken
    assert "· attempt 1 · r2" in halfway.run("trace", late).out


def test_a_revision_from_a_commit_has_its_files_and_no_others(halfway: News) -> None:
    """What is in the folder but not in the commit is not sent."""
    halfway.issue(ISSUE)
    commit(halfway, "fix link")
    halfway.issue(ISSUE.replace("/winter", "/later"))
    done = halfway.run("resume", "m1", "--revision", "HEAD", "--yes")
    assert 0 == done.code, done
    head = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        cwd=halfway.folder,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    assert f"r1 → r2 @ {head}\n" in done.err
    assert [("-", "wrong"), ("+", "winter")] == changed_links(done.err)


def test_a_revision_from_a_commit_has_what_its_archive_lacks(halfway: News) -> None:
    """`export-ignore` is about releases: the issue is no less in the commit."""
    halfway.issue(ISSUE)
    (halfway.folder / ".gitattributes").write_text("issues export-ignore\n")
    commit(halfway, "fix link")
    done = halfway.run("resume", "m1", "--revision", "HEAD", "--yes")
    assert 0 == done.code, done
    assert [("-", "wrong"), ("+", "winter")] == changed_links(done.err)


def test_a_newsletter_below_its_repositorys_root_has_revisions(halfway: News) -> None:
    """And links among its own files count as files."""
    halfway.issue(ISSUE)
    (issue,) = (halfway.folder / "issues").glob("*winter*")
    text = issue.rename(halfway.folder / "text.md")
    issue.symlink_to(f"../{text.name}")
    shutil.rmtree(halfway.folder / ".git", ignore_errors=True)
    subprocess.run(["git", "init", "-q"], cwd=halfway.folder.parent, check=True)
    commit(halfway, "fix link")
    done = halfway.run("resume", "m1", "--revision", "HEAD", "--yes")
    assert 0 == done.code, done
    assert [("-", "wrong"), ("+", "winter")] == changed_links(done.err)


def test_a_link_that_leads_out_of_the_newsletter_is_not_followed(halfway: News) -> None:
    """E011: what it leads to is in no commit."""
    elsewhere = halfway.folder.parent / "elsewhere.md"
    elsewhere.write_text(ISSUE)
    (issue,) = (halfway.folder / "issues").glob("*winter*")
    issue.unlink()
    issue.symlink_to(elsewhere)
    commit(halfway, "link")
    done = halfway.run("resume", "m1", "--revision", "HEAD", "--yes")
    assert (2, True) == (done.code, "✖ E011 " in done.err), done
    assert "is a link that leads out of the newsletter" in done.err


def test_a_name_that_git_does_not_know_is_a_usage_error(halfway: News) -> None:
    commit(halfway, "first")
    for ref in ("no-such-branch", "--output=evil", "HEAD:issues"):
        done = halfway.run("resume", "m1", f"--revision={ref}", "--yes")
        assert (2, True) == (done.code, "✖ E011 " in done.err), ref
    assert "paused" == halfway.mailings()[0].state


def test_an_issue_that_did_not_change_is_no_revision(halfway: News) -> None:
    """E718, and the mailing stays paused: perhaps the file was not saved."""
    done = halfway.run("resume", "m1", "--revision", ".", "--yes")
    assert (7, True) == (done.code, "✖ E718 " in done.err)
    (one,) = halfway.mailings()
    assert ("paused", 1) == (one.state, one.revision)


def test_a_revision_asks_first(halfway: News) -> None:
    """Interface §2.3."""
    halfway.issue(ISSUE)
    done = halfway.run("resume", "m1", "--revision", ".")
    assert (7, True) == (done.code, "Send r2 of m1 to the 5 who are left?" in done.err)
    assert 1 == halfway.mailings()[0].revision


def test_only_a_paused_mailing_gets_a_revision(peopled: News) -> None:
    assert 0 == peopled.run("send", "winter", "--yes", "--at", "in 2h").code
    done = peopled.run("resume", "m1", "--revision", ".", "--yes")
    assert (7, True) == (done.code, "✖ E711 m1 is scheduled" in done.err)


@pytest.mark.parametrize("state", [MailingState.SENDING, MailingState.WAITING])
def test_a_running_mailing_is_paused_before_it_gets_a_revision(
    halfway: News, state: MailingState
) -> None:
    """E711 names the step that leads there."""
    with halfway.ledger() as ledger, ledger.write() as connection:
        connection.execute(update(mailing).values(state=state))
    done = halfway.run("resume", "m1", "--revision", ".", "--yes")
    assert (7, True) == (done.code, f"✖ E711 m1 is {state}" in done.err)
    assert "→ mailer pause m1, then the same command again" in done.err


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (ISSUE.replace("date:", "draft: true\ndate:"), "E703"),
        (ISSUE.replace('subscriber.name or "reader"', "subscriber.plan"), "E140"),
        (ISSUE.replace("Dear", "TODO: Dear"), "E110"),
    ],
)
def test_what_stops_a_mailing_stops_a_revision(halfway: News, text: str, code: str) -> None:
    """The same checks; E140 for those who are left."""
    halfway.issue(text)
    done = halfway.run("resume", "m1", "--revision", ".", "--yes")
    assert f"✖ {code} " in done.err, done
    (one,) = halfway.mailings()
    assert ("paused", 1) == (one.state, one.revision)
