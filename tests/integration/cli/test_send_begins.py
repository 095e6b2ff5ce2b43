"""`mailer send` from the command line to the relay: begin, refuse, go on, say so (interface §2)."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections import Counter
from email import message_from_bytes, policy
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update

from mailer.ledger import freezing
from mailer.ledger.schema import mailing
from mailer.model import MailingId, MailingState
from tests.samples.newsletter import ISSUE
from tests.wire.fault_server import FaultServer, say
from tests.wire.scripted_web import ScriptedWeb, answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.samples.newsletter import News

EIGHT = 8


@pytest.fixture
def relay(peopled: News) -> Iterator[FaultServer]:
    """A relay that takes everything."""
    with FaultServer() as server:
        peopled.relay(server.port)
        yield server
    assert server.violations == []


def received(server: FaultServer) -> Counter[bytes]:
    return Counter(
        message.rcpt.partition(b"<")[2].partition(b">")[0] for message in server.messages
    )


def subjects(server: FaultServer) -> set[str]:
    parsed = [message_from_bytes(one.content, policy=policy.default) for one in server.messages]
    return {str(one["Subject"]) for one in parsed}


# --- the whole path ------------------------------------------------------------------------------


def test_everybody_gets_it_once_and_a_second_command_says_so(
    peopled: News, relay: FaultServer
) -> None:
    """Principle 5; interface §2.2: "sent as m1 on …, nothing to do", exit 0."""
    first = peopled.run("send", "winter", "--yes")
    assert (0, "m1 sent: 8 accepted · 0 rejected · 0 cancelled · 0 in doubt\n") == (
        first.code,
        first.out,
    )
    assert [1] * EIGHT == list(received(relay).values())
    for arguments in (("send", "winter", "--yes"), ("send",), ("send", "--yes", "--expect", "9")):
        again = peopled.run(*arguments)
        assert (0, "") == (again.code, again.err)
        assert again.out.startswith("sent as m1 on 20")
        assert again.out.endswith(", nothing to do\n")
    assert EIGHT == len(relay.messages)


def test_the_panel_stands_on_stderr_and_the_result_on_stdout(
    peopled: News, relay: FaultServer
) -> None:
    done = peopled.run("send", "winter", "--yes")
    assert " Winter opening hours   (2026-11-20-winter" in done.err
    assert "           = will receive               8\n" in done.err
    assert f"127.0.0.1:{relay.port} (no encryption, 3 connections)" in done.err
    assert 1 == len(done.out.splitlines())
    assert "" == peopled.run("send", "winter", "--yes", "-q").err


def test_json_prints_only_json(peopled: News, relay: FaultServer) -> None:
    done = peopled.run("send", "winter", "--yes", "--json")
    (result,) = done.objects
    assert ("mailer.send/1", "result") == (result["schema"], result["type"])
    seen = result["mailing"]
    assert ("m1", "sent", EIGHT) == (seen["id"], seen["state"], seen["counts"]["accepted"])
    assert seen["recipients"] == sum(seen["counts"].values()) == len(relay.messages)
    again = peopled.run("send", "winter", "--json").data
    assert ("mailer.send/1", seen) == (again["schema"], again["mailing"])


def test_an_issue_is_named_by_id_part_or_file(peopled: News, relay: FaultServer) -> None:
    assert 0 == peopled.run("send", "2026-11-20-winter", "--yes").code
    for name in ("winter", "issues/2026-11-20-winter.md", "11-20"):
        assert "nothing to do" in peopled.run("send", name).out
    assert EIGHT == len(relay.messages)


def test_status_counts_add_up_and_have_the_documented_keys(
    peopled: News, relay: FaultServer
) -> None:
    """The schema of `mailer status --json` as the issue states it."""
    peopled.run("send", "winter", "--yes")
    data = peopled.run("status", "--json").data
    assert "mailer.status/1" == data["schema"]
    (seen,) = data["mailings"]
    wanted = {"id", "issue", "list", "state", "recipients", "counts", "resent", "ever_in_doubt"}
    assert wanted | {"started_at", "finished_at"} <= set(seen)
    assert [
        "queued",
        "claimed",
        "sending",
        "accepted",
        "rejected",
        "in_doubt",
        "cancelled",
    ] == list(seen["counts"])
    assert seen["recipients"] == sum(seen["counts"].values()) == len(relay.messages)
    for at in (seen["started_at"], seen["finished_at"]):
        assert at.endswith("Z")


# --- refused -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("issue", "arguments", "code", "error"),
    [
        ("---\ndraft: true\n---\n\nWords.\n", (), 7, "E703"),
        ("---\nstatus: draft\n---\n\nWords.\n", (), 7, "E703"),
        ("---\npublished: false\n---\n\nWords.\n", (), 7, "E703"),
        ("---\ndraft: true\nstatus: ready\n---\n\nWords.\n", (), 7, "E703"),
        ("---\nsubject: [\n---\n\nWords.\n", (), 3, "E101"),
        ("---\nsubject: ''\n---\n\nWords.\n", (), 3, "E102"),
        ('---\nsubject: "Hi\\r\\nBcc: v@x.test"\n---\n\nWords.\n', (), 3, "E102"),
        ("---\nsend_at: soon\n---\n\nWords.\n", (), 3, "E104"),
        ("---\nsend_at: 2027-03-28 02:30 Europe/Berlin\n---\n\nWords.\n", (), 3, "E104"),
        ("---\nlist: weakly\n---\n\nWords.\n", (), 3, "E105"),
        (ISSUE, ("--list", "nope"), 3, "E105"),
        ("---\nsubject: Hi\n---\n", (), 3, "E114"),
        ("---\nsubject: Hi\n---\n\n![only](https://example.org/a.png)\n", (), 3, "E114"),
        ("---\nsubject: Hi\nreply_to: nobody\n---\n\nWords.\n", (), 3, "E117"),
        ("---\nsubject: Hi\n---\n\nDear {{ subscriber.height }}\n", (), 3, "E140"),
        ("---\nsubject: Hi\n---\n\nSee {{ view_url }}\n", (), 3, "E204"),
        (ISSUE, ("--at", "soon"), 2, "E104"),
        (ISSUE, ("--at", "2020-01-01 09:00"), 2, "E104"),
        (ISSUE, ("--at", "9:00 Mars/Olympus"), 2, "E104"),
        (ISSUE, ("--expect", "9"), 7, "E705"),
        (ISSUE, ("--expect", "-8"), 7, "E705"),
    ],
)
def test_nothing_is_sent_and_nothing_frozen_where_something_is_wrong(
    peopled: News,
    relay: FaultServer,
    issue: str,
    arguments: tuple[str, ...],
    code: int,
    error: str,
) -> None:
    """Interface §2.6, §4: the exit code of each, whatever `--yes` says."""
    peopled.issue(issue)
    for dry in ((), ("--dry-run",)):
        done = peopled.run("send", "winter", "--yes", *arguments, *dry, "--json")
        assert code == done.code, done
        assert error in done.out
    assert [] == peopled.mailings()
    assert 0 == len(relay.connections)


def test_case_17_latin_1_is_refused_with_its_offset(peopled: News, relay: FaultServer) -> None:
    """E109."""
    path = peopled.issue()
    path.write_bytes(b"---\nsubject: Hi\n---\n\nGr\xfc\xdfe\n")
    done = peopled.run("send", "winter", "--yes")
    assert (3, True) == (done.code, "✖ E109 The file is not UTF-8" in done.err)
    assert "byte 0xFC at offset 23" in done.err
    assert [] == relay.connections


def test_case_14_one_of_a_thousand_lacks_a_value_and_nothing_is_sent(
    news: News, relay_for_news: FaultServer
) -> None:
    """M-31, E140: preflight names that one; with a default everybody gets it."""
    rows = [f"person{n}@d{n % 9}.test,Town" for n in range(999)]
    news.people(*rows, "lonely@d1.test,", header="email,city")
    news.issue("---\nsubject: Hi\n---\n\nHow is it in {{ subscriber.city }}?\n")
    flags = ("--yes", "--expect", "1000")
    done = news.run("send", "winter", *flags)
    assert 3 == done.code
    assert "✖ E140 {{ subscriber.city }} has no value for 1 of 1,000: lonely@d1.test" in done.err
    assert "issues/2026-11-20-winter.md:5" in done.err
    assert ([], []) == (news.mailings(), relay_for_news.connections)
    news.issue('---\nsubject: Hi\n---\n\nHow is it in {{ subscriber.city or "town" }}?\n')
    assert 0 == news.run("send", "winter", *flags).code
    assert 1000 == len(relay_for_news.messages)


@pytest.fixture
def relay_for_news(news: News) -> Iterator[FaultServer]:
    """A relay for a newsletter that has no people yet."""
    with FaultServer() as server:
        news.relay(server.port)
        yield server


def test_case_16_101_kb_of_html_is_refused_once(peopled: News, relay: FaultServer) -> None:
    """M-28, E150; a reason in the issue lets it through, a flag does not."""
    words = "Some words about the winter, one after the other. " * 2_000
    peopled.issue(f"---\nsubject: Long\n---\n\n{words}\n")
    done = peopled.run("send", "winter", "--yes")
    assert (3, True) == (done.code, "✖ E150 The HTML part has " in done.err)
    assert ([], []) == (peopled.mailings(), relay.connections)
    peopled.issue(f"---\nsubject: Long\nignore: {{E150: an annual report}}\n---\n\n{words}\n")
    assert 0 == peopled.run("send", "winter", "--yes").code
    assert EIGHT == len(relay.messages)


def test_e106_two_files_with_one_id(peopled: News, relay: FaultServer) -> None:
    peopled.issue(ISSUE.replace("date:", "id: 2026-11-20-winter\ndate:"), name="other")
    for arguments in (("winter",), ("other",), ()):
        done = peopled.run("send", *arguments, "--yes")
        assert (3, True) == (done.code, "E106" in done.err), done
    assert [] == relay.connections


def test_e190_a_theme_without_a_way_out_stops_the_mailing(
    peopled: News, relay: FaultServer
) -> None:
    """L-2, L-15."""
    theme = "<mjml><mj-body><mj-section><mj-column><mj-text>{{ content }}</mj-text>"
    theme += "</mj-column></mj-section></mj-body></mjml>"
    (peopled.folder / "templates" / "default.mjml").write_text(theme)
    done = peopled.run("send", "winter", "--yes")
    assert (3, True) == (done.code, "✖ E190" in done.err), done
    assert [] == relay.connections


def test_warnings_are_shown_and_asked_about(peopled: News, relay: FaultServer) -> None:
    """W103: a key that nearly spells one of ours."""
    peopled.issue(ISSUE.replace("preheader:", "preheder:"))
    done = peopled.run("send", "winter", "--dry-run")
    assert 0 == done.code
    assert "0 errors · 1 warning\n" in done.out
    assert "▲ W103" in done.out
    excused = ISSUE.replace("preheader:", "ignore: {W103: it is ours}\npreheder:")
    peopled.issue(excused)
    done = peopled.run("send", "winter", "--dry-run")
    assert "0 errors · 0 warnings" in done.out
    assert "(ignored: it is ours)" in done.out
    peopled.issue(ISSUE.replace("date:", "draft: true\nstatus: ready\ndate:"))
    done = peopled.run("send", "winter", "--dry-run")
    assert (7, True) == (done.code, "▲ W108" in done.out)
    assert "✖ E703 2026-11-20-winter is a draft" in done.out
    assert [] == relay.connections


def test_nobody_to_mail_to_is_refused_and_does_not_use_the_issue_up(
    news: News, relay_for_news: FaultServer
) -> None:
    """E704; without a database none is made."""
    done = news.run("send", "winter", "--yes")
    assert (7, True) == (done.code, "✖ E704 Nobody on weekly would get it" in done.err)
    assert "mailer subscribers import" in done.err
    assert not (news.folder / "subscribers" / "mailer.db").exists()
    news.people("ann@example.org")
    assert 0 == news.run("send", "winter", "--yes").code
    assert 1 == len(relay_for_news.messages)


def test_a_script_must_confirm_and_nothing_happens_until_it_does(
    peopled: News, relay: FaultServer
) -> None:
    """Interface §2.3."""
    done = peopled.run("send", "winter")
    assert (7, True) == (done.code, "✖ E701 Sending to 8 needs a confirmation" in done.err)
    assert "→ add --yes\n" in done.err
    assert ([], []) == (peopled.mailings(), relay.connections)


def test_a_list_that_was_not_imported_as_it_is_now_is_warned_about(
    peopled: News, relay: FaultServer
) -> None:
    """Decisions 11: `send` never reads CSV; it says when a file was never imported so."""
    with (peopled.folder / "subscribers" / "weekly.csv").open("a") as file:
        file.write("new@example.org,,,\n")
    done = peopled.run("send", "winter", "--yes")
    assert "▲ subscribers/weekly.csv was never imported as it is now" in done.err
    assert (0, EIGHT) == (done.code, len(relay.messages))


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        (("send", "wintr"), 9, "E115"),
        (("send", "nowhere/x.md"), 9, "E115"),
        (("send", "--due", "winter"), 2, "E005"),
        (("send", "--due", "--dry-run"), 2, "E005"),
        (("send", "--due", "--expect", "0"), 2, "E005"),
        (("send", "winter", "--to", "a@b.org", "--at", "9:00"), 2, "E005"),
        (("send", "winter", "--to", "a@b.org", "--dry-run"), 2, "E005"),
        (("send", "winter", "--out", "x"), 2, "E005"),
        (("send", "winter", "--expect", "many"), 2, "E001"),
        (("send", "winter", "--frce"), 2, "E001"),
        (("send", "a", "b"), 2, "E001"),
    ],
)
def test_a_command_line_that_means_nothing_is_an_error_of_our_shape(
    peopled: News, arguments: tuple[str, ...], code: int, error: str
) -> None:
    """Interface §2.7, as text and as JSON."""
    done = peopled.run(*arguments, "--yes")
    assert (code, "") == (done.code, done.out)
    assert done.err.startswith(f"✖ {error} ")
    assert "Traceback" not in done.err
    with_json = peopled.run(*arguments, "--yes", "--json")
    data = with_json.data
    assert ("mailer.error/1", error, code) == (data["schema"], data["code"], data["exit"])
    assert ["schema", "code", "message", "where", "detail", "next", "exit"] == list(data)


# --- what the relay says -------------------------------------------------------------------------


def test_a_refused_address_is_an_outcome_and_many_are_exit_5(peopled: News) -> None:
    """Interface §2.6: above `delivery.fail_ratio` the exit code is 5."""
    gone = itertools.repeat(say(b"550 5.1.1 no such user"), 1)
    with FaultServer({"RCPT": gone}) as server:
        peopled.relay(server.port, delivery_fail_ratio="0.5")
        done = peopled.run("send", "winter", "--yes")
    assert (0, True) == (done.code, "7 accepted · 1 rejected" in done.out), done
    peopled.issue(name="2026-11-21-spring")
    with FaultServer({"RCPT": itertools.repeat(say(b"550 5.2.2 full"))}) as server:
        peopled.relay(server.port, delivery_fail_ratio="0.05")
        done = peopled.run("send", "spring", "--yes")
    assert (5, True) == (done.code, "0 accepted · 7 rejected" in done.out), done


def test_deferred_ones_are_exit_6_and_the_next_try_is_named(peopled: News) -> None:
    """Interface §2.2: names the next try and who will do it, and exits 6."""
    with FaultServer({"RCPT": [say(b"451 4.7.1 greylisted")]}) as server:
        peopled.relay(server.port)
        done = peopled.run("send", "winter", "--yes")
        assert 6 == done.code
        assert "m1 sending: 7 accepted" in done.out
        assert "→ 1 deferred, next try " in done.out
        assert "by mailer run or mailer send --due" in done.out
        due = peopled.run("send", "--due")
        assert (0, "", "") == (due.code, due.out, due.err)  # nothing is due yet
        peopled.come_due()
        due = peopled.run("send", "--due")
        assert (0, True) == (due.code, "m1 sent: 8 accepted" in due.err)
        assert EIGHT == len(server.messages)


def test_a_refused_sender_pauses_the_mailing_and_resume_goes_on(peopled: News) -> None:
    """Case 27, E311; paused: exit 6 and says resume."""
    refusals = itertools.repeat(say(b"550 5.1.8 sender unknown"))
    with FaultServer({"MAIL": refusals}) as server:
        peopled.relay(server.port)
        done = peopled.run("send", "winter", "--yes")
    assert (6, True) == (done.code, "✖ E311 The relay refused the sender" in done.err)
    assert "550 5.1.8 sender unknown" in done.err
    assert "mailer resume m1" in done.err
    again = peopled.run("send", "winter", "--yes")
    assert (6, True) == (again.code, "✖ E712 m1 is paused" in again.err)
    assert "→ mailer resume m1\n" in again.err
    with FaultServer() as server:
        peopled.relay(server.port)
        assert 0 == peopled.run("resume", "m1").code
        done = peopled.run("send", "winter")
        assert (0, EIGHT) == (done.code, len(server.messages))


def test_a_refresh_token_that_is_over_is_exit_4_and_names_the_secret(peopled: News) -> None:
    """E306, S-12, X-10: the mailing is paused, nobody is marked, and the relay is not asked."""
    said = answer(400, b'{"error": "invalid_grant", "error_description": "r3fresh is over"}')
    with ScriptedWeb({"/token": [said]}) as web, FaultServer() as server:
        peopled.relay(
            server.port,
            relay_token_url=f"http://{web.authority}/token",
            relay_client_id="client",
            relay_refresh_token="r3fresh-token",
        )
        peopled.environ["MAILER_RELAY_URL"] = f"smtp://me@127.0.0.1:{server.port}"
        done = peopled.run("send", "winter", "--yes")
    assert (4, True) == (done.code, "✖ E306" in done.err), done
    assert "invalid_grant" in done.err
    assert "MAILER_RELAY_REFRESH_TOKEN" in done.err
    assert "r3fresh" not in done.out + done.err
    assert MailingState.PAUSED is peopled.mailings()[0].state
    assert [] == server.connections


def test_a_wrong_password_is_exit_4_and_the_password_is_not_shown(peopled: News) -> None:
    """E303, X-10; no network is waited for."""
    with FaultServer({"AUTH": itertools.repeat(say(b"535 5.7.8 no"))}) as server:
        peopled.relay(server.port, relay_password="hunter2-and-more")
        peopled.environ["MAILER_RELAY_URL"] = f"smtp://me@127.0.0.1:{server.port}"
        for arguments in (("send", "winter", "--yes"), ("send", "winter", "--to", "a@b.org")):
            done = peopled.run(*arguments)
            assert (4, True) == (done.code, "✖ E303" in done.err), done
            assert "535 5.7.8 no" in done.err
            assert "hunter2" not in done.out + done.err
    assert MailingState.PAUSED is peopled.mailings()[0].state


# --- a mailing with a time -----------------------------------------------------------------------


def test_at_freezes_now_and_starts_then(peopled: News, relay: FaultServer) -> None:
    done = peopled.run("send", "winter", "--yes", "--at", "in 2h")
    assert (0, []) == (done.code, relay.connections)
    assert "m1 is frozen for 8 and starts " in done.out
    assert "(in 1 h 59 min)" in done.out or "(in 2 h)" in done.out
    assert "mailer cancel m1 undoes it" in done.out
    for arguments in (("send", "winter"), ("send",), ("send", "--due")):
        again = peopled.run(*arguments)
        assert (0, []) == (again.code, relay.connections)
    assert "m1 is frozen for 8" in peopled.run("send", "winter").out
    peopled.start_now()
    assert 0 == peopled.run("send", "--due").code
    assert EIGHT == len(relay.messages)


def test_cron_that_finds_nothing_due_imports_nothing_that_renders_or_delivers(
    peopled: News,
) -> None:
    """It asks every minute; what is released for later is known by its front matter alone."""
    later = "status: ready\nsend_at: 2099-11-26 09:00\ndate:"
    peopled.issue(ISSUE.replace("date:", later))
    heavy = (
        "mailer.prepare",
        "mailer.render",
        "mailer.content.issue",
        "mailer.delivery",
    )
    script = (
        "import sys\nfrom mailer.cli import main\n"
        f"try:\n    main(['-C', {str(peopled.folder)!r}, 'send', '--due'])\n"
        "except SystemExit as ended:\n    print(ended.code)\n"
        f"print([name for name in {heavy!r} if name in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, **peopled.environ},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ["0", "[]"] == done.stdout.splitlines(), done


def test_another_time_for_a_scheduled_mailing_is_refused(peopled: News, relay: FaultServer) -> None:
    when = "2099-11-26 09:00"
    assert 0 == peopled.run("send", "winter", "--yes", "--at", when).code
    assert 0 == peopled.run("send", "winter", "--yes", "--at", when).code
    other = peopled.run("send", "winter", "--yes", "--at", "2099-11-26 10:00")
    assert (7, True) == (other.code, "✖ E713" in other.err)
    assert "→ mailer cancel m1, then the same command again" in other.err
    assert 0 == peopled.run("cancel", "m1").code
    assert 0 == peopled.run("send", "winter", "--yes", "--at", "2099-11-26 10:00").code
    assert ["m2", "m1"] == [one.name for one in peopled.mailings()]
    assert [] == relay.connections


def test_a_cancelled_mailing_can_be_sent_anew(peopled: News, relay: FaultServer) -> None:
    """Decisions 6."""
    peopled.run("send", "winter", "--yes", "--at", "in 2h")
    cancelled = peopled.run("cancel", "m1")
    assert (0, True) == (cancelled.code, "m1 cancelled" in cancelled.out)
    assert 0 == peopled.run("send", "winter", "--yes").code
    assert EIGHT == len(relay.messages)
    assert [MailingState.SENT, MailingState.CANCELLED] == [one.state for one in peopled.mailings()]


def test_what_was_edited_since_the_freeze_goes_out_as_it_was_frozen(
    peopled: News, relay: FaultServer
) -> None:
    """Case 46, principle 2; also where the file cannot be read any more."""
    peopled.run("send", "winter", "--yes", "--at", "in 2h")
    peopled.issue(ISSUE.replace("subject: Winter opening hours", "subject: Summer"))
    peopled.start_now()
    assert 0 == peopled.run("send", "winter").code
    assert {"Winter opening hours"} == subjects(relay)


def test_who_left_meanwhile_gets_nothing_and_who_joined_gets_it(
    peopled: News, relay: FaultServer
) -> None:
    """Interface §1.0, L-9."""
    peopled.run("send", "winter", "--yes", "--at", "in 2h")
    assert 0 == peopled.run("subscribers", "add", "new@example.org", "--reason", "asked").code
    assert 0 == peopled.run("suppressions", "add", "ann@mail.example.org").code
    peopled.start_now()
    done = peopled.run("send", "winter")
    assert "▲ m1: 8 would get it and 8 were confirmed: 1 joined and 1 left since" in done.err
    assert "8 accepted · 0 rejected · 1 cancelled" in done.out
    assert b"new@example.org" in received(relay)
    assert b"ann@mail.example.org" not in received(relay)


def test_a_large_drift_pauses_the_start_and_asks(news: News, relay_for_news: FaultServer) -> None:
    """Interface §1.0: over 10 % and 50 people."""
    news.people(*(f"p{n}@d.test" for n in range(60)))
    assert 0 == news.run("send", "winter", "--yes", "--at", "in 2h").code
    news.people(*(f"p{n}@d.test" for n in range(120)))
    news.start_now()
    done = news.run("send", "winter")
    assert (6, []) == (done.code, relay_for_news.messages)
    assert "60 joined and 0 left since" in done.out
    assert "mailer resume m1" in done.out
    resumed = news.run("resume", "m1")
    assert (0, True) == (resumed.code, "m1 scheduled" in resumed.out)
    assert 0 == news.run("send", "winter").code
    assert 120 == len(relay_for_news.messages)


def test_one_that_is_paused_before_its_time_waits_for_it_when_resumed(
    peopled: News, relay: FaultServer
) -> None:
    peopled.run("send", "winter", "--yes", "--at", "in 2h")
    assert 0 == peopled.run("pause", "winter").code
    assert 0 == peopled.run("resume", "winter").code
    assert MailingState.SCHEDULED is peopled.mailings()[0].state
    assert 0 == peopled.run("send", "--due").code
    assert [] == relay.connections


# --- confirmed and frozen ------------------------------------------------------------------------


def test_what_changed_while_the_question_stood_is_not_sent(
    peopled: News, relay: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Principle 2: what was confirmed is what leaves."""

    def confirmed_while_an_import_ends(*_: object, **__: object) -> None:
        rows = "\n".join(f"late{n}@d.test" for n in range(20))
        sheet = peopled.folder / "late.csv"
        sheet.write_text(f"email\n{rows}\n")
        peopled.run("subscribers", "import", str(sheet), "--list", "weekly")

    monkeypatch.setattr("mailer.cli.mailing.confirm", confirmed_while_an_import_ends)
    done = peopled.run("send", "winter", "--yes")
    assert (7, True) == (done.code, "✖ E705 28 would get it, 8 were expected" in done.err), done
    assert ([MailingState.CANCELLED], []) == (
        [one.state for one in peopled.mailings()],
        relay.connections,
    )


def test_the_dry_runs_digest_is_the_frozen_ones(peopled: News, relay: FaultServer) -> None:
    """Decisions 12."""
    digest = peopled.run("send", "winter", "--dry-run", "--json").data["digest"]
    peopled.run("send", "winter", "--yes")
    with peopled.ledger() as ledger, ledger.read() as connection:
        number = connection.scalars(select(mailing.c.id)).one()
        revision, _ = freezing.load_revision(connection, MailingId(number), 1)
    assert (digest, EIGHT) == (revision.digest, len(relay.messages))


def test_somebody_on_two_lists_gets_one_issue_once(peopled: News, relay: FaultServer) -> None:
    """Case 24."""
    peopled.configure('[lists.monthly]\ntitle = "The Monthly"')
    peopled.people("ann@mail.example.org", "only@example.org", list_name="monthly")
    assert 0 == peopled.run("send", "winter", "--list", "weekly", "--yes").code
    done = peopled.run("send", "winter", "--list", "monthly", "--yes")
    assert (0, True) == (done.code, "− already got this issue     1" in done.err)
    assert {1} == set(received(relay).values())
    assert EIGHT + 1 == len(relay.messages)


def test_what_began_earlier_is_finished_first_and_that_is_said(peopled: News) -> None:
    """A second command would seem to mail an issue that nobody asked for."""
    assert 0 == peopled.run("send", "winter", "--yes", "--at", "in 2h").code
    with peopled.ledger() as ledger, ledger.write() as connection:
        connection.execute(update(mailing).values(state=MailingState.SENDING))
    peopled.issue(ISSUE, name="2026-11-21-spring")
    with FaultServer() as server:
        peopled.relay(server.port)
        done = peopled.run("send", "spring", "--yes")
    assert (0, 2 * EIGHT) == (done.code, len(server.messages)), done
    assert "m1 is finished first: 8 left of 2026-11-20-winter\n" in done.err
