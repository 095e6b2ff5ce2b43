"""Jinja2 as templates may use it: what a slip could turn into a machine without memory is bounded.

The templates are the operator's own, so no child process guards them (decisions 20). They still
reach no Python object's insides, and neither `*`, `**`, `%`, `range` nor a filter that takes a
width makes more than fits (X-4, X-5; case 13).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from jinja2 import StrictUndefined
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

if TYPE_CHECKING:
    from jinja2.runtime import Context

LARGEST: Final = 5_000_000
"""Characters that one template may produce (X-5)."""

_LONGEST: Final = 100_000  # items of a text or list made by *; Jinja2's own bound for range
_WIDEST: Final = 4096  # bits of a number made by * or **
_WIDTHS: Final = frozenset(
    {"center", "expandtabs", "format", "format_map", "indent", "ljust", "rjust", "zfill"}
)
_REFUSED_FILTERS: Final = ("safe", "xmlattr", "attr", *_WIDTHS)


class TooLargeError(SecurityError):
    """An operation would make more than fits."""


class Sandbox(ImmutableSandboxedEnvironment):
    """Jinja2's restricted environment with bounds; an undefined name is an error."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def __init__(self, **options: Any) -> None:  # noqa: ANN401  Jinja2's own options
        super().__init__(undefined=StrictUndefined, **options)
        for name in _REFUSED_FILTERS:
            self.filters.pop(name, None)
        del self.globals["lipsum"]  # makes text of any length

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:  # noqa: ANN401  any values of a template
        """`*`, `**` and `%`, refused where the result would be too large."""
        if not _fits(operator, left, right):
            raise TooLargeError(f"the result of {operator} would be too large")
        return super().call_binop(context, operator, left, right)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:  # noqa: ANN401  as above
        """No method of a text that takes a width."""
        if isinstance(obj, str) and attr in _WIDTHS:
            return False
        return super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> None:  # noqa: ANN401  as above
        """No safer form of `"…".format()`: it takes a width, too."""


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
    return True
