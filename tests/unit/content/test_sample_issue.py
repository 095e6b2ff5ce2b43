"""The sample that every new folder begins with is right in both parts."""

from __future__ import annotations

import re
from pathlib import Path

from mailer.content.issue import read_issue
from mailer.content.markdown import convert
from mailer.content.shelf import duplicate_ids, find_issue
from mailer.content.web import Web
from mailer.model import Release

ROOT = Path(__file__).parents[3]


def test_the_sample_issue_can_be_mailed_and_says_what_it_should() -> None:
    issue = read_issue(find_issue("welcome", root=ROOT), root=ROOT)
    document = convert(
        issue.body,
        title=issue.subject,
        web=Web(site="https://example.org"),
        file=issue.file,
        body_line=issue.body_line,
    )
    assert (issue.findings, document.findings) == ((), ())
    assert issue.release is Release.BY_HAND
    assert issue.id == "2026-11-24-welcome"
    assert issue.subject == "Welcome to The Weekly"
    assert 40 <= len(issue.preheader) <= 130
    assert issue.byline is not None
    assert document.html.count("<h1>") == 1
    assert 'src="https://example.org/images/masthead.png"' in document.html
    for part in (document.html, document.text):
        assert "https://example.org/archive" in part
        assert "mailer send welcome --dry-run" in part
        assert '{{ subscriber.name or "reader" }}' in part


def test_the_sample_issue_fits_a_phone() -> None:
    source = (ROOT / "issues/2026-11-24-welcome.md").read_text()
    for block in re.findall(r"```\w+\n(.*?)```", source, re.DOTALL):
        assert max(map(len, block.splitlines())) <= 66


def test_no_two_issues_here_share_an_id() -> None:
    assert duplicate_ids(ROOT) == []
