"""Findings on a terminal, for programs and in a pull request (interface §4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailer.cli import findings
from mailer.model import Finding

if TYPE_CHECKING:
    import pytest

CLICK = Finding(
    id="W124", message='"here" says nothing', file="issues/a.md", line=17, next_step="name it"
)
GONE = Finding(id="W113", message="<script> removed", file="issues/a.md", line=123)
FAR = Finding(id="I122", message="https://x.net could not be verified (999)", file="issues/a.md")


def test_signs_and_ids_stand_below_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert [
        '   17  ▲ W124  "here" says nothing  → name it',
        "  123  ▲ W113  <script> removed",
        "       ℹ I122  https://x.net could not be verified (999)",
    ] == list(findings.lines([CLICK, GONE, FAR]))


def test_next_steps_stand_below_each_other_or_below_their_line_if_there_is_no_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "48")
    long = Finding(id="E120", message="x" * 30, line=1, next_step="begin it with https://")
    short = Finding(id="W113", message="short", line=2, next_step="no")
    assert [
        f"    1  ✖ E120  {'x' * 30}",
        "               → begin it with https://",
        "    2  ▲ W113  short                → no",
        '   17  ▲ W124  "here" says nothing  → name it',
    ] == list(findings.lines([long, short, CLICK]))


def test_what_is_ignored_says_why_and_asks_for_nothing() -> None:
    ignored = Finding(id="W124", message="m", line=1, next_step="s", ignored="we mean it")
    assert ["    1  ℹ W124  m  (ignored: we mean it)"] == list(findings.lines([ignored]))


def test_findings_of_other_files_stand_below_their_name() -> None:
    other = Finding(id="E204", message="m", file="templates/a.mjml", line=4)
    assert [" templates/a.mjml", "    4  ✖ E204  m"] == list(
        findings.blocks([CLICK, other], file="issues/a.md")
    )[1:]


def test_an_annotation_of_a_pull_request() -> None:
    wide = Finding(id="E120", message="50% of\nit", file="a,b:c.md", line=3, column=9)
    assert "::error file=news/a%2Cb%3Ac.md,line=3,col=9,title=E120::50%25 of%0Ait" == (
        findings.annotation(wide, prefix="news/")
    )
    assert "::notice title=I122::m%0A→ s" == findings.annotation(
        Finding(id="I122", message="m", next_step="s")
    )
    assert "::notice line=1,title=W124::m (ignored: r)" == findings.annotation(
        Finding(id="W124", message="m", line=1, next_step="s", ignored="r")
    )
