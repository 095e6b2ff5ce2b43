"""What spam filters on this machine say (interface §4: W180); the programs are stood in for."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from mailer.check import spam
from mailer.config import CheckConfig
from tests.samples.proofs import proof

if TYPE_CHECKING:
    from pathlib import Path

REPORT = """\
Content analysis details:   (99.0 points, 5.0 required)  <- this is the issue's own text

Content preview:  A mail [...]

Content analysis details:   (3.2 points, 5.0 required)

 pts rule name              description
---- ---------------------- --------------------------------------------------
-0.0 NO_RELAYS              Informational: message was not relayed via SMTP
 0.7 HTML_IMAGE_ONLY_20     BODY: HTML: images with 1600-2000 bytes of words
-1.0 MAILING_LIST_MULTI     Multiple indicators imply a widely-seen list
                            manager
 2.5 SUBJ_ALL_CAPS          Subject is all capitals
"""
ANSWER = json.dumps(
    {"score": 2.5, "symbols": {"A_RULE": {"score": 2.6}, "B_RULE": {"score": -0.1}}}
)


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose programs are found first."""
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    return tmp_path


def stand_in(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)


def found(program: str, score: float = 2.0) -> list[str]:
    config = CheckConfig(spam=program, spam_score=score)
    return [one.message for one in spam.check_spam(proof(config=config, message=b"Subject: x\n\n"))]


def test_w180_spamassassin_over_the_limit_names_its_rules_the_worst_first(program: Path) -> None:
    stand_in(program, "spamassassin", f"cat > {program}/mail; cat <<'END'\n{REPORT}END")
    said = "spamassassin gives 3.2 points, over 2: SUBJ_ALL_CAPS 2.5, HTML_IMAGE_ONLY_20 0.7"
    assert [said] == found("spamassassin")
    assert [] == found("spamassassin", score=3.2)
    assert b"Subject: x\n\n" == (program / "mail").read_bytes()


def test_w180_rspamd_over_the_limit(program: Path) -> None:
    stand_in(program, "rspamc", f"echo '{ANSWER}'")
    assert ["rspamd gives 2.5 points, over 2: A_RULE 2.6"] == found("rspamd")


def test_rules_that_ask_other_machines_are_switched_off(program: Path) -> None:
    stand_in(program, "rspamc", f"echo \"$@\" > {program}/words; echo '{ANSWER}'")
    stand_in(program, "spamassassin", f"echo \"$@\" > {program}/more; cat <<'END'\n{REPORT}END")
    found("rspamd")
    found("spamassassin")
    words = (program / "words").read_text(encoding="utf-8")
    assert all(f'"{group}"' in words for group in ("rbl", "surbl", "fuzzy", "dmarc", "spf"))
    assert "--local" in (program / "more").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["spamassassin", "rspamd"])
def test_w180_a_program_that_cannot_be_asked_says_so(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert [f"{name} cannot be asked: No such file or directory"] == found(name)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo 'IO write error: Connection refused'", "IO write error: Connection refused"),
        ("echo wrong >&2; exit 1", "wrong"),
        ("exit 0", "no answer"),
        ("echo '{\"score\": 1}'", '{"score": 1}'),
        ("echo '[]'", "[]"),
    ],
)
def test_w180_nonsense_is_no_answer(program: Path, script: str, said: str) -> None:
    stand_in(program, "rspamc", script)
    assert [f"rspamd cannot be asked: {said}"] == found("rspamd")


def test_nothing_is_asked_unless_it_is_configured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert [] == found("off")
