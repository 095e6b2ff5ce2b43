"""Which filters and methods templates may use, and how large what they make may be (X-4, X-5).

Lists of what is allowed: a filter or method that a later Jinja2 or Python brings, or that takes a
width, is refused until somebody has thought about its size.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, time, timedelta
from itertools import chain
from typing import Final

_FILTERS: Final = """
abs batch capitalize count d default dictsort e escape filesizeformat first float forceescape
groupby int items join last length list lower map max min reject rejectattr replace reverse round
select selectattr sort string striptags title trim truncate unique upper urlencode wordcount
wordwrap
"""
FILTERS: Final = frozenset(_FILTERS.split())

_OF_TEXTS: Final = """
capitalize casefold count endswith find index isalnum isalpha isdecimal isdigit islower isnumeric
isspace istitle isupper lower lstrip partition removeprefix removesuffix rfind rindex rpartition
rsplit rstrip split splitlines startswith strip swapcase title upper
"""
_OF_DATES: Final = "year month day hour minute second days isoformat isoweekday weekday"

_METHODS: Final[tuple[tuple[type | tuple[type, ...], str], ...]] = (
    (str, _OF_TEXTS),
    (Mapping, "get items keys values"),
    ((list, tuple, range), "count index grouper list"),  # the last two: what groupby makes
    ((date, time, timedelta), _OF_DATES),
    ((int, float, complex, bytes, bytearray, AbstractSet, Generator), ""),
)


def may_reach(value: object, name: str) -> bool:
    """Whether a template may reach this attribute of a plain value."""
    for kinds, names in _METHODS:
        if isinstance(value, kinds):
            return name in names.split()
    return True


def size_of(value: object, *, enough: int) -> int:
    """The items and characters of a value, with those of all that it holds.

    A list can hold one text or list a thousand times, and that list another: counting ends beyond
    `enough`.
    """
    waiting: list[Iterator[object]] = [iter((value,))]
    size = 0
    while waiting and size <= enough:
        for one in waiting[-1]:
            inner: Iterator[object] | None = None
            if isinstance(one, str | bytes):
                size += len(one)
            elif isinstance(one, Mapping):
                inner = iter(chain.from_iterable(one.items()))
            elif isinstance(one, list | tuple | AbstractSet):
                inner = iter(one)
            size += len(one) if isinstance(one, range) else 1
            if inner is not None:
                waiting.append(inner)
            if inner is not None or size > enough:
                break
        else:
            waiting.pop()
    return size


def _of_batch(items: Sequence[object], linecount: int, fill_with: object = None) -> int:
    del fill_with
    return len(items) + linecount


def _of_join(items: Sequence[object], d: str = "", attribute: object = None) -> int:
    del attribute  # what it makes shorter does not matter
    return len(d) * len(items)


def _of_replace(text: object, old: str, new: str, count: object = None) -> int:
    del count
    return len(str(text)) + str(text).count(str(old)) * len(str(new))


def _of_round(value: object, precision: int = 0, method: str = "common") -> int:
    del value, method
    return int(10 ** min(precision, 7))  # what it multiplies with; with 7 too large already


def _of_wordwrap(text: object, *args: object, wrapstring: str = "", **others: object) -> int:
    del others
    between = args[2] if len(args) > 2 else wrapstring  # noqa: PLR2004  its place among them
    return len(str(text)) * max(1, len(str(between or "")))


GROWTH: Final[dict[str, Callable[..., int]]] = {
    "batch": _of_batch,
    "join": _of_join,
    "replace": _of_replace,
    "round": _of_round,
    "wordwrap": _of_wordwrap,
}
"""How large a filter makes what it is given, at most; all others by a factor at most."""
