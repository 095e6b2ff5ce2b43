"""What the words of an issue say that nobody meant: placeholders, a weak subject, odd signs."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final

from wcwidth import wcswidth

from mailer.check.places import Place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailer.check.proof import Proof
    from mailer.model import Finding

SHORTEST: Final = 10
LONGEST: Final = 78
"""Columns of a subject: a CJK sign takes two and says as much."""

_EMOJI_MOST: Final = 2
_CAPITALS: Final = 10

_MARKS = r"(?:TODO|FIXME|XXX|TK(?:TK)*)"
_PLACEHOLDER = re.compile(
    rf"^\W*{_MARKS}\W*$"
    rf"|[\[(<{{]\s*{_MARKS}\s*[\])>}}]"
    rf"|(?:^|[\[(<{{.!?]\s*){_MARKS}\s*:"
    r"|^\W*(?i:lorem ipsum)\b|\b(?i:lorem ipsum dolor)\b"
)
_MAYBE = re.compile(rf"{_MARKS}|(?i:lorem ipsum)")
_ANSWER = re.compile(r"\s*(?:re|fwd?|aw|wg|rv|tr)\s*:", re.IGNORECASE)
_EMOJI = re.compile(
    "(?:[\U0001f1e6-\U0001f1ff]{2}|[\U0001f300-\U0001faff\u2600-\u27bf\u2b50\u2b55])"
    "(?:[\ufe0f\u20e3\U0001f3fb-\U0001f3ff]|\u200d[\U0001f300-\U0001faff\u2600-\u27bf])*"
)
_PERSONAL = re.compile(r"\{\{.*?\}\}")
_ODD = re.compile(
    "[\u200b\u2060\ufeff\u2028\u2029\u180e\ufff9-\ufffd\ue000-\uf8ff"
    "\U000e0001\U000f0000-\U0010ffff]"
)
_NAMES: Final = {
    "\ufeff": "byte order mark inside the text",
    "\ufffd": "replacement character: a letter was lost before",
}


def check_placeholders(proof: Proof) -> Iterator[Finding]:
    """E110: text that was to be replaced; not in code."""
    if not _MAYBE.search(proof.said):
        return
    for text in proof.sayings:
        match = _PLACEHOLDER.search(text)
        if match:
            said = match[0].strip()
            yield proof.found(
                "E110",
                f"placeholder text: {said}",
                proof.words(match[0].strip(" .!?")),
                next_step="write what was to stand there, or `code` if it is meant so",
            )


def check_subject(proof: Proof) -> Iterator[Finding]:
    """W111: what an inbox shows of the mail."""
    subject = _PERSONAL.sub("Reader", proof.subject)
    place = proof.key("subject", "title")
    if not place.line:
        place = Place(proof.words(subject).line)
    for message, step in (*_subject_faults(subject), *_preheader_faults(proof, subject)):
        where = proof.key("preheader", "description") if "preheader" in message else place
        yield proof.found("W111", message, where, next_step=step)


def _subject_faults(subject: str) -> Iterator[tuple[str, str]]:
    columns = max(wcswidth(subject), len(subject) if not subject.isprintable() else 0)
    letters = [sign for sign in subject if sign.isalpha() and sign.lower() != sign.upper()]
    emoji = len(_EMOJI.findall(subject))
    if 0 < columns < SHORTEST:
        yield f'the subject "{subject}" is very short', "say what the issue is about"
    if columns > LONGEST:
        yield (
            f"the subject has {columns} characters; an inbox shows {LONGEST} at most",
            'a shorter one for the mail: subject: "…"',
        )
    if len(letters) >= _CAPITALS and all(sign.isupper() for sign in letters):
        yield "the subject is all in capitals", "write it as a sentence"
    if _ANSWER.match(subject):
        yield "the subject begins like an answer", "leave the beginning out"
    if emoji > _EMOJI_MOST:
        yield f"the subject has {emoji} emoji", f"{_EMOJI_MOST} are enough"


def _preheader_faults(proof: Proof, subject: str) -> Iterator[tuple[str, str]]:
    preheader = _PERSONAL.sub("Reader", proof.issue.preheader)
    if not preheader:
        yield "there is no preheader, and no sentence to make one of", 'preheader: "…"'
    elif _bare(preheader) == _bare(subject):
        yield "the preheader repeats the subject", 'preheader: "…", going on where it ends'


def _bare(text: str) -> str:
    return "".join(sign for sign in text.casefold() if sign.isalnum())


def check_odd_signs(proof: Proof) -> Iterator[Finding]:
    """W152: signs that nobody sees, or sees as a box; each kind once, where it first stands.

    Controls and what changes the direction of text were reported when it was converted.
    """
    body = proof.issue.body
    counts: dict[str, list[int]] = {}
    for match in _ODD.finditer(body):
        counts.setdefault(match[0], []).append(match.start())
    for sign, places in counts.items():
        name = _NAMES.get(sign) or unicodedata.name(sign, "private character").lower()
        times = f", {len(places)} times" if len(places) > 1 else ""
        yield proof.found(
            "W152",
            f"U+{ord(sign):04X} {name}{times}",
            proof.at(places[0]),
            next_step="remove it; it came by copying",
        )
