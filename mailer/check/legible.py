"""Whether a mail can be read: contrast, size of text, targets for fingers (WCAG 2.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mailer import contrast
from mailer.check import colours, paint
from mailer.check.places import Place
from mailer.check.reading import CODE, words_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lxml.html import HtmlElement

    from mailer.check.paint import Look, Run
    from mailer.check.proof import Proof
    from mailer.model import Finding

_LARGE: Final = 24.0
_LARGE_BOLD: Final = 18.66
_LEAST_SIZE: Final = 14.0
_LEAST_AROUND: Final = 13.0
"""Pixels of text around the issue's own: footer, date, byline."""

_LEAST_CODE: Final = 12.0
"""Letters of equal width are taller at the same size."""

_LEAST_RAISED: Final = 11.0
_LEAST_TARGET: Final = 24.0
_RAISED = frozenset({"sub", "sup"})
_SAMPLE: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is hard to read: a check's id, what it says, and some of the words."""

    id: str
    message: str
    words: str
    step: str = ""


def check_legible(proof: Proof) -> Iterator[Finding]:
    """W160 and W162 of a finished mail, at the line of the words where they are the issue's."""
    for fault in faults(proof.mail):
        place = proof.words(fault.words) if fault.words else Place()
        yield proof.found(fault.id, fault.message, place, next_step=fault.step)


def faults(mail: HtmlElement) -> Iterator[Fault]:
    """Everything that is hard to read in a finished HTML part, each thing once."""
    mail = paint.thinned(mail)
    light = paint.runs(mail)
    dark = paint.runs(mail, dark=True) if paint.declares_dark(mail) else []
    yield from _contrasts(light, "")
    yield from _contrasts(dark, " in the dark")
    yield from _pure(light, dark)
    yield from _sizes(light)
    yield from _targets(light)
    yield from _justified(light)


def _contrasts(runs: list[Run], when: str) -> Iterator[Fault]:
    """W160: each pair of colours that is too alike, once."""
    for look, run in _distinct(runs).items():
        if look.colour is None or look.ground is None:
            continue
        text, ground = colours.shown(look.colour), colours.shown(look.ground)
        ratio = contrast.ratio(text, ground)
        least = contrast.ENOUGH_LARGE if _is_large(look) else contrast.ENOUGH
        if ratio < least:
            yield Fault(
                id="W160",
                message=f'"{_sample(run)}" is hard to read{when}: {text} on {ground} is '
                f"{ratio:.1f}:1, {least:g}:1 is the least",
                words=_words(run),
                step="darker or lighter colours, in [theme] or in templates/",
            )


def _distinct(runs: list[Run]) -> Mapping[Look, Run]:
    """The first run of each way to be painted, as far as contrast is concerned."""
    first: dict[Look, Run] = {}
    for run in runs:
        look = run.look
        bare = paint.Look(
            colour=look.colour, ground=look.ground, size=_LARGE if _is_large(look) else 0.0
        )
        first.setdefault(bare, run)
    return first


def _is_large(look: Look) -> bool:
    return look.size >= (_LARGE_BOLD if look.bold else _LARGE)


def _pure(light: list[Run], dark: list[Run]) -> Iterator[Fault]:
    """W160: pure black or white that the dark leaves as it is, upon a ground without colour."""
    seen = set()
    for run, night in zip(light, dark, strict=False):  # nothing, where no dark is declared
        colour, ground = run.look.colour, run.look.ground
        is_pure = run.look.is_set and colour in (colours.BLACK, colours.WHITE)
        plain = ground is None or colours.is_grey(ground)
        if is_pure and plain and night.look.colour == colour and colour not in seen:
            seen.add(colour)
            assert colour is not None
            yield Fault(
                id="W160",
                message=f'"{_sample(run)}" is {colours.shown(colour)} in the dark, too: clients '
                "that invert colours by themselves make it glare or vanish",
                words=_words(run),
                step="a colour for the dark, or one that is not quite black or white",
            )


def _sizes(runs: list[Run]) -> Iterator[Fault]:
    """W162: text that is too small on a phone, each size once."""
    has_content = any("content" in run.look.inside for run in runs)
    seen = set()
    for run in runs:
        size = run.look.size
        if size >= _LEAST_SIZE or size in seen or size >= _least(run, has_content=has_content):
            continue
        seen.add(size)
        yield Fault(
            id="W162",
            message=f'"{_sample(run)}" is {size:.3g} px small',
            words=_words(run),
            step=f"at least {_LEAST_SIZE:g} px",
        )


def _least(run: Run, *, has_content: bool) -> float:
    if run.tag in _RAISED or any(one.tag in _RAISED for one in run.element.iterancestors()):
        return _LEAST_RAISED
    if any(one.tag in CODE for one in (run.element, *run.element.iterancestors())):
        return _LEAST_CODE
    around = not has_content or "content" not in run.look.inside
    return _LEAST_AROUND if around else _LEAST_SIZE


def _targets(runs: list[Run]) -> Iterator[Fault]:
    """W162: low links that stand alone, one directly below another; the first of them."""
    above: HtmlElement | None = None
    for run in runs:
        link = run.element if run.tag == "a" else next(run.element.iterancestors("a"), None)
        height = run.look.line + run.look.room
        if link is None or height >= _LEAST_TARGET or not _stands_alone(link):
            above = None
            continue
        if above is not None and above is not link:
            yield Fault(
                id="W162",
                message=f'the link "{_sample(run)}" is {height:g} px high, next to another: '
                "a finger hits both",
                words=_words(run),
                step=f"line-height and padding of {_LEAST_TARGET:g} px together",
            )
            return
        above = link


def _stands_alone(link: HtmlElement) -> bool:
    block = next((one for one in link.iterancestors() if one.tag in paint.BLOCKS), None)
    return bool(link.get("href")) and block is not None and words_of(block) == words_of(link)


def _justified(runs: list[Run]) -> Iterator[Fault]:
    """W162: justified text has rivers that some people cannot read across."""
    run = next((run for run in runs if run.look.justified), None)
    if run is not None:
        message = f'"{_sample(run)}" is justified'
        yield Fault(id="W162", message=message, words=_words(run), step="align it to one side")


def _sample(run: Run) -> str:
    words = _words(run)
    return words if len(words) <= _SAMPLE else f"{words[: _SAMPLE - 1].rstrip()}…"


def _words(run: Run) -> str:
    return " ".join(run.text.split())
