"""Jinja2 as templates may use it: what a slip could turn into a machine without memory is bounded.

The templates are the operator's own, so no child process guards them (decisions 20). They still
reach no Python object's insides; neither `*`, `**`, `%`, `+`, `~`, `range` nor a filter makes more
than fits; and loops and calls come to an end (X-4, X-5; case 13).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any, Final

from jinja2 import StrictUndefined, nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer
from markupsafe import Markup, escape

if TYPE_CHECKING:
    from jinja2.runtime import Context

LARGEST: Final = 5_000_000
"""Characters that one template may produce (X-5)."""

STEPS: Final = 20_000
"""Rounds of loops and calls in one rendering; the built-in theme takes some 50."""

SECONDS: Final = 3.0
"""How long one rendering may take: a step can be a filter over a long list."""

_LONGEST: Final = 100_000  # items of a text or list made by *; Jinja2's own bound for range
_WIDEST: Final = 4096  # bits of a number made by * or **
_WIDTHS: Final = frozenset(
    {"center", "expandtabs", "format", "format_map", "indent", "ljust", "rjust", "zfill"}
)
_GROWING: Final = frozenset({"join", "replace", "translate"})
_REFUSED_FILTERS: Final = ("safe", "xmlattr", "attr", *_WIDTHS)


class TooLargeError(SecurityError):
    """An operation would make more than fits, or take longer than anybody waits."""


class Sandbox(ImmutableSandboxedEnvironment):
    """Jinja2's restricted environment with bounds; an undefined name is an error."""

    intercepted_binops = frozenset({"*", "**", "%", "+"})

    def __init__(self, **options: Any) -> None:  # noqa: ANN401  Jinja2's own options
        super().__init__(undefined=StrictUndefined, **options)
        for name in _REFUSED_FILTERS:
            self.filters.pop(name, None)
        for name, longest in _BOUNDS.items():
            self.filters[name] = _bounded(self.filters[name], longest)
        del self.globals["lipsum"]  # makes text of any length
        self.begin()

    def begin(self) -> None:
        """A rendering begins: its steps and seconds are counted from here."""
        self._steps = 0
        self._end = time.monotonic() + SECONDS

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:  # noqa: ANN401  any values of a template
        """`*`, `**`, `%` and `+`, refused where the result would be too large."""
        if not _fits(operator, left, right):
            raise TooLargeError(f"the result of {operator} would be too large")
        return super().call_binop(context, operator, left, right)

    def call(self, context: Context, obj: Any, /, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  as above
        """A macro, function or method; each call is a step."""
        self._step()
        if isinstance(obj, LoopContext) and args:  # the next level of a recursive loop
            args = (self.counted(args[0]), *args[1:])
        return super().call(context, obj, *args, **kwargs)

    def counted(self, items: Iterable[Any]) -> Iterator[Any]:
        """What a loop goes through; each round is a step."""
        for item in items:
            self._step()
            yield item

    def joined(self, *parts: Any) -> str:  # noqa: ANN401  as above
        """What `~` makes."""
        texts = [part if isinstance(part, str) else str(part) for part in parts]
        if sum(map(len, texts)) > LARGEST:
            raise TooLargeError("the result of ~ would be too large")
        if any(isinstance(text, Markup) for text in texts):
            return Markup("").join(map(escape, texts))
        return "".join(texts)

    def _step(self) -> None:
        self._steps += 1
        if self._steps > STEPS:
            raise TooLargeError(f"more than {STEPS:,} rounds of loops and calls")
        if time.monotonic() > self._end:
            raise TooLargeError(f"more than {SECONDS:g} seconds")

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        """The tree of a template in which loops count and `~` has a bound."""
        tree: nodes.Template = _Bounds().visit(super()._parse(source, name, filename))
        tree.set_environment(self)
        return tree

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:  # noqa: ANN401  as above
        """No method of a text that takes a width or makes a longer one; `replace` is a filter."""
        if isinstance(obj, str) and attr in _WIDTHS | _GROWING:
            return False
        return super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> None:  # noqa: ANN401  as above
        """No safer form of `"…".format()`: it takes a width, too."""


class _Bounds(NodeTransformer):
    """Sends what loops go through, and what `~` joins, past the environment."""

    def visit_For(self, node: nodes.For) -> nodes.For:  # noqa: N802  the class of the node
        self.generic_visit(node)
        node.iter = _through("counted", [node.iter], node.lineno)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Call:  # noqa: N802  as above
        self.generic_visit(node)
        return _through("joined", node.nodes, node.lineno)


def _through(method: str, arguments: list[Any], line: int) -> nodes.Call:
    called = nodes.EnvironmentAttribute(method)
    return nodes.Call(called, arguments, [], None, None, lineno=line)


def _fits(operator: str, left: object, right: object) -> bool:
    match operator, left, right:
        case "%", str(), _:
            return False
        case ("*", Sequence() as many, int(times)) | ("*", int(times), Sequence() as many):
            return len(many) * times <= _LONGEST
        case "*", int(), int():
            return left.bit_length() + right.bit_length() <= _WIDEST
        case "**", int(), int():
            return left.bit_length() * right <= _WIDEST
        case "+", Sequence(), Sequence():
            return len(left) + len(right) <= LARGEST
    return True


def _bounded(function: Callable[..., Any], longest: Callable[..., int]) -> Callable[..., Any]:
    """A filter that is refused where `longest` says that its result would be too long."""

    @wraps(function)  # also Jinja2's mark: the first argument is its context
    def bounded(context: Any, value: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  as above
        if not isinstance(value, str):
            value = list(value) if longest is _of_join else str(value)
        if longest(value, *args, **kwargs) > LARGEST:
            raise TooLargeError(f"the result of {function.__name__} would be too large")
        return function(context, value, *args, **kwargs)

    return bounded


def _of_join(items: Sequence[object], d: str = "", attribute: object = None) -> int:
    del attribute
    return sum(len(item) if isinstance(item, str) else 1 for item in items) + len(d) * len(items)


def _of_replace(text: str, old: str, new: str, count: object = None) -> int:
    del count
    return len(text) + text.count(str(old)) * len(str(new))


def _of_wordwrap(text: str, *args: object, wrapstring: str = "", **others: object) -> int:
    del others
    between = args[2] if len(args) > 2 else wrapstring  # noqa: PLR2004  its place among them
    return len(text) * max(1, len(str(between or "")))


_BOUNDS: Final[dict[str, Callable[..., int]]] = {
    "join": _of_join,
    "replace": _of_replace,
    "wordwrap": _of_wordwrap,
}
