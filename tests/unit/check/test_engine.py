"""What becomes of findings: ignored with a reason, in order, once; and idle entries (W192)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mailer.check import engine, mail
from mailer.config import CheckConfig
from mailer.errors import CheckError
from mailer.model import Finding, Level
from tests.samples.proofs import ISSUE, proof

HEADERS = (
    b"List-Id: The Weekly <weekly.shop.dev>\r\n"
    b"List-Unsubscribe: <https://news.shop.dev/u/abc>\r\n"
    b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n\r\nWords.\r\n"
)


def finding(check: str, line: int = 0, file: str = ISSUE.file) -> Finding:
    return Finding(id=check, message="m", file=file, line=line)


@pytest.mark.parametrize(("check"), ["W124", "E110", "E121", "E150"])
def test_what_is_ignored_informs_and_keeps_its_reason(check: str) -> None:
    issue = replace(ISSUE, ignore={check: "so it is"})
    (one,) = engine.excused([finding(check)], issue, CheckConfig())
    assert (Level.INFO, check, "so it is") == (one.level, one.id, one.ignored)


@pytest.mark.parametrize("check", ["E102", "E120", "E140", "E190", "E204"])
def test_other_errors_cannot_be_ignored(check: str) -> None:
    issue = replace(ISSUE, ignore={check: "so it is"})
    (one,) = engine.excused([finding(check)], issue, CheckConfig(ignore={check: "all"}))
    assert (Level.ERROR, "") == (one.level, one.ignored)


def test_mailer_toml_ignores_for_all_issues_and_an_issue_has_the_last_word() -> None:
    config = CheckConfig(ignore={"W124": "ours", "W131": "ours"})
    issue = replace(ISSUE, ignore={"W124": "mine"})
    found = engine.excused([finding("W124", 1), finding("W131", 2)], issue, config)
    assert ["mine", "ours"] == [one.ignored for one in found]


def test_findings_are_told_once_and_in_the_order_of_lines() -> None:
    some = [finding("W124", 9), finding("E204", 4, "templates/a.mjml"), finding("W111", 2)]
    found = engine.excused([*some, *some], ISSUE, CheckConfig())
    assert [2, 9, 4] == [one.line for one in found]


@pytest.mark.parametrize(
    ("entry", "found", "asked", "said"),
    [
        ("W124", [], False, "ignore: W124 is not found here (any more)"),
        ("W124", ["W124"], False, ""),
        ("E121", [], False, ""),
        ("E121", [], True, "ignore: E121 is not found here (any more)"),
        ("W123", [], False, ""),
        ("E140", [], False, "ignore: E140 cannot be ignored"),
        ("W999", [], False, "ignore: W999 is no check"),
    ],
)
def test_w192_an_entry_that_nothing_needs(
    entry: str, found: list[str], *, asked: bool, said: str
) -> None:
    issue = replace(ISSUE, ignore={entry: "so it is"}, lines={"ignore": 4})
    idle = list(engine.idle(map(finding, found), issue, CheckConfig(), asked=asked))
    assert [("W192", said, 4)] * bool(said) == [(one.id, one.message, one.line) for one in idle]


@pytest.mark.parametrize("entry", ["E150", "W151"])
def test_w192_of_a_size_only_when_everybodys_mail_was_composed(entry: str) -> None:
    issue = replace(ISSUE, ignore={entry: "so it is"})
    assert [] == list(engine.idle([], issue, CheckConfig(), asked=True))
    (one,) = engine.idle([], issue, CheckConfig(), composed=True)
    assert f"ignore: {entry} is not found here (any more)" == one.message
    assert [] == list(engine.idle([finding(entry)], issue, CheckConfig(), composed=True))


def test_w192_of_mailer_toml_only_what_cannot_work() -> None:
    config = CheckConfig(ignore={"W124": "a", "E140": "b", "W9": "c"})
    idle = list(engine.idle([], ISSUE, config, asked=True))
    assert ["ignore: E140 cannot be ignored", "ignore: W9 is no check"] == [
        one.message for one in idle
    ]
    assert {"mailer.toml"} == {one.file for one in idle}


@pytest.mark.parametrize(
    ("where", "file", "line"),
    [
        ("issues/winter.md:7", "issues/winter.md", 7),
        ("templates/default.mjml:41", "templates/default.mjml", 41),
        ("issues/winter.md", "issues/x.md", 0),
        ("", "issues/x.md", 0),
        ("issues/a.md\nissues/b.md", "issues/x.md", 0),
    ],
)
def test_what_stops_an_issue_is_a_finding_at_its_place(where: str, file: str, line: int) -> None:
    error = CheckError("E204", "Broken", where=where, detail="a\nb", next_step="mend it")
    found = engine.as_finding(error, file="issues/x.md")
    assert ("E204", "Broken: a b", file, line, "mend it") == (
        found.id,
        found.message,
        found.file,
        found.line,
        found.next_step,
    )


def test_e190_list_headers_as_providers_read_them() -> None:
    """L-1, L-2, L-3."""
    assert () == mail.check_headers(HEADERS, ISSUE)


@pytest.mark.parametrize(
    ("header", "bad"),
    [
        (b"<weekly.shop.dev>", b"weekly.shop.dev"),
        (b"<https://news.shop.dev/u/abc>", b"<https://news.shop.dev/u/a c>"),
        (b"<https://news.shop.dev/u/abc>", b"=?utf-8?q?x?="),
        (b"<https://news.shop.dev/u/abc>", b"https://news.shop.dev/u/abc"),
        (b"=One-Click", b"=one-click"),
    ],
)
def test_e190_a_list_header_that_is_not_formed(header: bytes, bad: bytes) -> None:
    (found,) = mail.check_headers(HEADERS.replace(header, bad), ISSUE)
    assert "E190" == found.id


def test_the_checks_of_a_good_issue_find_nothing() -> None:
    made = proof("We open at ten.\n\nRead [what is new](https://shop.dev/a).\n", message=HEADERS)
    found = list(engine.look(made))
    assert {"E190"} == {one.id for one in found}, found  # the page of a proof has no footer
