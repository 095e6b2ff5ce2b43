"""Words that contradict the facts: an attachment that is none, a wrong weekday, last year's ©."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Final

from mailer.check.reading import sayings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mailer.check.proof import Proof
    from mailer.model import Finding

_ATTACHED = re.compile(
    r"\b(?:see|find|view|open)\s+(?:the\s+)?attach(?:ed|ments?)\b"
    r"|\b(?:I|we)(?:'ve|’ve|\s+have)\s+attached\b"
    r"|\battached\s+(?:you(?:'ll|’ll|\s+will)\s+find|(?:pdf|file|document|spreadsheet)\b)"
    r"|\b(?:in|as)\s+(?:the|an)\s+attachment\b"
    r"|\bim\s+Anhang\b|\bals\s+Anhang\b|\banbei\b|\bangehängte\w*\s+(?:Datei|Dokument|PDF)"
    r"|\bci-joint\w*|\bpièces?\s+jointes?\b"
    r"|\b(?:archivos?|documentos?)\s+adjuntos?\b|\badjunto\s+(?:encontrar|te|les|os)\w*"
    r"|في\s+المرفق|المرفقات",
    re.IGNORECASE,
)
_MAYBE_ATTACHED = re.compile(r"ttach|nhang|nbei|angehängt|ci-joint|pièce|djunt|مرفق", re.IGNORECASE)
_COPYRIGHT = re.compile(
    r"(?:©|\(c\)|\bcopyright)\s*(?:©\s*|\(c\)\s*)?(?:\d{4}\s*[-–—]\s*)?(\d{4})(?!\s*[-–—]\s*\d)",
    re.IGNORECASE,
)
_BETWEEN: Final = r"(?:\s+|,\s*|\.\s*|\.,\s*)(?:the\s+|den\s+|dem\s+|der\s+|le\s+|el\s+|o\s+)?"
_OF: Final = r"(?:st|nd|rd|th|er|º|ª|\.)?\s+(?:of\s+|de\s+|d['’])?"
_YEAR: Final = r"(?:,?\s+(?:de\s+)?(?P<year>\d{4})\b)?"
_DIGIT = re.compile(r"\d")
_NEAR: Final = timedelta(days=200)
"""A date without a year lies this near to the issue's."""


def check_attached(proof: Proof) -> Iterator[Finding]:
    """W191: words that promise an attachment; a newsletter carries none."""
    text = proof.said if _MAYBE_ATTACHED.search(proof.said) else ""
    for match in _ATTACHED.finditer(text):
        yield proof.found(
            "W191",
            f'"{match[0]}", and nothing is attached',
            proof.words(match[0]),
            next_step="link to the file",
        )


def check_copyright(proof: Proof) -> Iterator[Finding]:
    """W191: the © of the year before the issue's, in the text or in a template."""
    year = proof.day.year
    if str(year - 1) not in proof.html:
        return
    for text in sayings(proof.mail):
        for match in _COPYRIGHT.finditer(text):
            if int(match[1]) == year - 1:
                step = f"© {year}, in the text or in the template"
                place = proof.words(match[0])
                yield proof.found("W191", f"{match[0]} is last year's", place, next_step=step)


def check_weekdays(proof: Proof) -> Iterator[Finding]:
    """W191: a weekday and a date that disagree."""
    language = proof.rendering.language.partition("-")[0].lower()
    for calendar in (calendar_of(name) for name in dict.fromkeys((language, "en"))):
        for match in calendar.dates(proof.said):
            wrong = calendar.disagreement(match, near=proof.day)
            if wrong:
                yield proof.found("W191", wrong, proof.words(match[0]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """How a language writes days with their dates.

    Attributes:
        weekdays: name without dots, in lower case -> 0 for Monday to 6.
        months: the same -> 1 to 12; two digits, too.
        weekday: what begins a date.
        patterns: a weekday with day and month behind it, perhaps with a year.
    """

    weekdays: Mapping[str, int]
    months: Mapping[str, int]
    weekday: re.Pattern[str]
    patterns: tuple[re.Pattern[str], ...]

    def dates(self, text: str) -> Iterator[re.Match[str]]:
        """Every weekday with a date."""
        for start in self.weekday.finditer(text):
            found = (pattern.match(text, start.start()) for pattern in self.patterns)
            yield from islice(filter(None, found), 1)

    def disagreement(self, match: re.Match[str], *, near: date) -> str:
        """What is wrong with a weekday and its date; empty if they agree or are no date."""
        month = self.months.get(match["month"].lower(), 0)
        meant = _nearest(match["year"], month, int(match["day"]), near)
        if meant is None or meant.weekday() == self.weekdays[match["weekday"].lower()]:
            return ""
        return f'"{match[0]}": {meant.isoformat()} is a {meant:%A}'


def _nearest(year: str | None, month: int, day: int, near: date) -> date | None:
    """The day that is meant; without a year the one that is nearest."""
    dates = []
    for one in [int(year)] if year else range(near.year - 1, near.year + 2):
        try:
            dates.append(date(one, month, day))
        except ValueError:  # 29 February, or no date at all
            continue
    best = min(dates, key=lambda one: abs(one - near), default=None)
    return best if best is None or year or abs(best - near) <= _NEAR else None


@cache
def calendar_of(language: str) -> Calendar:
    """The names of a language; of an unknown one none, so that nothing is found."""
    from babel import Locale, UnknownLocaleError  # noqa: PLC0415  costs 50 ms, and few need it

    try:
        locale = Locale.parse(language)
    except (UnknownLocaleError, ValueError):
        locale = Locale.parse("en")
    weekdays, months = _names(locale.days), _names(locale.months)
    weekday = rf"(?P<weekday>{_any(weekdays)})"
    month = rf"(?P<month>{_any(months)})"
    day = r"(?P<day>\d{1,2})"
    shapes = (
        rf"{weekday}{_BETWEEN}{day}{_OF}{month}\b\.?{_YEAR}",
        rf"{weekday}{_BETWEEN}{month}\b\.?\s+{day}(?:st|nd|rd|th)?\b(?!:){_YEAR}",
        rf"{weekday}{_BETWEEN}(?P<year>\d{{4}})-(?P<month>\d\d)-(?P<day>\d\d)\b",
    )
    return Calendar(
        weekdays=weekdays,
        months=months | {f"{number:02}": number for number in range(1, 13)},
        weekday=re.compile(rf"(?<!\w){weekday}{_BETWEEN}(?=\w)", re.IGNORECASE),
        patterns=tuple(re.compile(shape, re.IGNORECASE) for shape in shapes),
    )


def _names(table: Mapping[str, Mapping[str, Mapping[int, str]]]) -> dict[str, int]:
    """Whole and short names in lower case; those of one letter say nothing."""
    return {
        name.rstrip(".").lower(): number
        for context in table.values()
        for width, names in context.items()
        for number, name in names.items()
        if width != "narrow" and len(name) > 1 and not _DIGIT.search(name)
    }


def _any(names: Mapping[str, int]) -> str:
    return "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
