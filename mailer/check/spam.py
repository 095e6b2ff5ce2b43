"""What spam filters on this machine think of a mail: SpamAssassin or rspamd, local rules only.

Rules that ask other machines are switched off: no service learns of the mail or of its readers,
and rules about who hands the mail over would speak of this machine, not of the relay.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailer.check.proof import Proof
    from mailer.model import Finding

SECONDS: Final = 60
_SHOWN: Final = 5

_REMOTE_GROUPS: Final = (
    *("arc", "asn", "dkim", "dmarc", "fuzzy", "hfilter", "mua", "mx", "neural", "rbl", "spf"),
    *("statistics", "surbl"),
)
_COMMANDS: Final[Mapping[str, tuple[str, ...]]] = {
    "spamassassin": ("spamassassin", "--local", "--test-mode"),
    "rspamd": (
        *("rspamc", "--json", "--compact", "--timeout=30"),
        f"--header=Settings={json.dumps({'groups_disabled': _REMOTE_GROUPS})}",
        "symbols",
    ),
}
_POINTS = re.compile(r"^Content analysis details: +\((-?[\d.]+) points", re.MULTILINE)
_RULE = re.compile(r"^ *(-?\d+(?:\.\d+)?) +([A-Z][A-Z0-9_]+) ", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A score, and the rules that made it, the highest first."""

    score: float
    rules: tuple[tuple[str, float], ...]


class UnavailableError(Exception):
    """The program is not installed, not running, or did not answer in time."""


def check_spam(proof: Proof) -> Iterator[Finding]:
    """W180: the score of the configured program, if it is over the limit; nothing if it is off."""
    program = proof.config.spam
    if program == "off":
        return
    try:
        verdict = ask(program, proof.message)
    except UnavailableError as error:
        step = 'install and start it, or [check] spam = "off"'
        yield proof.found("W180", f"{program} cannot be asked: {error}", next_step=step)
        return
    if verdict.score > proof.config.spam_score:
        rules = ", ".join(f"{name} {score:g}" for name, score in verdict.rules[:_SHOWN])
        yield proof.found(
            "W180",
            f"{program} gives {verdict.score:g} points, over {proof.config.spam_score:g}: {rules}",
            next_step="mend what the first rule names",
        )


def ask(program: str, message: bytes) -> Verdict:
    """What "spamassassin" or "rspamd" thinks of a message.

    Raises:
        UnavailableError: there is no answer.
    """
    try:
        done = subprocess.run(  # noqa: S603  fixed arguments, no shell
            _COMMANDS[program], input=message, capture_output=True, timeout=SECONDS, check=False
        )
        return _READERS[program](done.stdout.decode("utf-8", "replace"))
    except OSError as error:
        raise UnavailableError(error.strerror or str(error)) from error
    except subprocess.TimeoutExpired as error:
        raise UnavailableError(f"no answer within {SECONDS} s") from error
    except (ValueError, LookupError, TypeError) as error:
        said = (done.stderr or done.stdout).decode("utf-8", "replace").split("\n")
        raise UnavailableError(next(filter(str.strip, said), "no answer").strip()) from error


def read_spamassassin(report: str) -> Verdict:
    """The report that SpamAssassin writes below a message.

    Raises:
        ValueError: it is none.
    """
    points = list(_POINTS.finditer(report))
    if not points:
        raise ValueError("no report")
    rules = _RULE.findall(report, points[-1].end())
    return _verdict(float(points[-1][1]), {name: float(score) for score, name in rules})


def read_rspamd(answer: str) -> Verdict:
    """The JSON that rspamc prints.

    Raises:
        ValueError, LookupError, TypeError: it is something else.
    """
    found = json.loads(answer)
    rules = {name: float(symbol["score"]) for name, symbol in found["symbols"].items()}
    return _verdict(float(found["score"]), rules)


def _verdict(score: float, rules: Mapping[str, float]) -> Verdict:
    ranked = sorted(rules.items(), key=lambda rule: (-rule[1], rule[0]))
    return Verdict(score=score, rules=tuple(rule for rule in ranked if rule[1] > 0))


_READERS: Final[Mapping[str, Callable[[str], Verdict]]] = {
    "spamassassin": read_spamassassin,
    "rspamd": read_rspamd,
}
