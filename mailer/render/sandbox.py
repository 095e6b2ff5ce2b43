"""Jinja2 as templates may use it: what a slip could turn into a machine without memory is bounded.

The templates are the operator's own, so no child process guards them (decisions 20). They still
reach no Python object's insides; neither an operator, `range`, a method nor a filter makes more
than fits, nor do all of them together; and loops, calls and filters come to an end (X-4, X-5; case
13). Filters and methods are those of `allowed`.
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

from mailer.render.allowed import FILTERS, GROWTH, may_reach, size_of

if TYPE_CHECKING:
    from jinja2.runtime import Context

LARGEST: Final = 5_000_000
"""Characters that one template may produce (X-5)."""

STEPS: Final = 20_000
"""Rounds of loops, calls and filters in one rendering; the built-in theme takes some 50."""

SECONDS: Final = 3.0
"""How long one rendering may take: a step can be a filter over a long list."""

_LONGEST: Final = 100_000  # items of a text or list made by *; Jinja2's own bound for range
_LISTED: Final = frozenset({"batch", "join"})  # filters that need to be told how many there are
_WIDEST: Final = 4096  # bits of a number made by * or **
_ALTOGETHER: Final = 10 * LARGEST  # items and characters; what is kept of them fills the memory


class TooLargeError(SecurityError):
    """An operation would make more than fits, or take longer than anybody waits."""


class Sandbox(ImmutableSandboxedEnvironment):
    """Jinja2's restricted environment with bounds; an undefined name is an error."""

    intercepted_binops = frozenset({"*", "**", "%", "+"})

    def __init__(
        self,
        *,
        finalize: Callable[..., Any] = lambda value: value,
        **options: Any,  # noqa: ANN401  Jinja2's own options
    ) -> None:
        self.begin()
        super().__init__(undefined=StrictUndefined, finalize=self._printed(finalize), **options)
        known = self.filters
        self.filters = {name: self._measured(name, known[name]) for name in FILTERS}
        del self.globals["lipsum"]  # makes text of any length

    def begin(self) -> None:
        """A rendering begins: its steps, seconds and sizes are counted from here."""
        self._steps = 0
        self._made = 0
        self._end = time.monotonic() + SECONDS

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:  # noqa: ANN401  any values of a template
        """`*`, `**`, `%` and `+`, refused where the result would be too large."""
        if not _fits(operator, left, right):
            raise _too_large(operator)
        return self._make(operator, super().call_binop(context, operator, left, right))

    def call(self, context: Context, obj: Any, /, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  as above
        """A macro, function or method; each call is a step."""
        self._step()
        if isinstance(obj, LoopContext) and args:  # the next level of a recursive loop
            args = (self.counted(args[0]), *args[1:])
        return self._make("a call", super().call(context, obj, *args, **kwargs))

    def counted(self, items: Iterable[Any]) -> Iterator[Any]:
        """What a loop goes through; each round is a step."""
        for item in items:
            self._step()
            yield item

    def joined(self, *parts: Any) -> str:  # noqa: ANN401  as above
        """What `~` makes."""
        _small("~", parts)
        texts = [part if isinstance(part, str) else str(part) for part in parts]
        html = any(isinstance(text, Markup) for text in texts)
        made = Markup("").join(map(escape, texts)) if html else "".join(texts)
        self._make("~", made)
        return made

    def _printed(self, finalize: Callable[..., Any]) -> Callable[..., Any]:
        """What is printed is counted, too: a block or macro can keep it."""

        @wraps(finalize)  # also Jinja2's mark: the first argument may be its context
        def printed(*args: Any) -> Any:  # noqa: ANN401  as above
            return finalize(*args[:-1], self._make("{{ }}", args[-1]))

        return printed

    def _measured(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """A filter that counts, and is refused where it would make too much."""
        marked = hasattr(function, "jinja_pass_arg")

        @wraps(function)  # also Jinja2's mark, as above
        def measured(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  as above
            self._step()
            first, (value, *others) = args[:marked], args[marked:]
            if name in _LISTED:
                value = list(value)
            _small(name, value)
            if name in GROWTH and GROWTH[name](value, *others, **kwargs) > LARGEST:
                raise _too_large(name)
            return self._make(name, function(*first, value, *others, **kwargs))

        return measured

    def _make(self, by: str, value: Any) -> Any:  # noqa: ANN401  as above
        """The value, counted."""
        self._made += _small(by, value)
        if self._made > _ALTOGETHER:
            raise TooLargeError(f"more than {_ALTOGETHER:,} characters and items altogether")
        return value

    def _step(self) -> None:
        self._steps += 1
        if self._steps > STEPS:
            raise TooLargeError(f"more than {STEPS:,} rounds of loops, calls and filters")
        if time.monotonic() > self._end:
            raise TooLargeError(f"more than {SECONDS:g} seconds")

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        """The tree of a template in which loops count and `~` has a bound."""
        tree: nodes.Template = _Bounds().visit(super()._parse(source, name, filename))
        tree.set_environment(self)
        return tree

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:  # noqa: ANN401  as above
        """Of texts, lists, mappings, dates and numbers only what `allowed` names."""
        return may_reach(obj, attr) and super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> None:  # noqa: ANN401  as above
        """No safer form of `"…".format()`: it takes a width, too."""


def _small(by: str, value: object) -> int:
    """The size of a value, refused where it is too large to be turned into text."""
    size = size_of(value, enough=LARGEST)
    if size > LARGEST:
        raise _too_large(by)
    return size


def _too_large(by: str) -> TooLargeError:
    return TooLargeError(f"the result of {by} would be too large")


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
