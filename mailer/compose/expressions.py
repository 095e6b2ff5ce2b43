"""What an author may write between {{ and }}: Jinja2's expressions, compiled once to closures.

Jinja2 only parses. A table of allowed nodes turns its tree into nested functions of a plain
mapping: there is nothing to escape from and nothing to blow up. No calls, no arithmetic, no
attributes of Python objects, no name that begins with an underscore (decisions 13; X-4, X-5).

Two questions are kept apart. *Is there a value?* is what `or`, `and`, `not`, `if … else` and
`default` ask, and a missing value answers no. *What is it?* is what printing, joining and
comparing ask, and a missing value is an error (M-31); a filter passes on the question that it is
asked. Absent and None are missing; an empty string is there, but false.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from unicodedata import category

from jinja2 import Environment, TemplateSyntaxError, nodes
from jinja2.parser import Parser

from mailer.compose.filters import FILTERS, day_in_words
from mailer.dates import STYLES, Style

Values = Mapping[str, object]
"""What is known of one recipient: `{"subscriber": {…}, "list": {…}, "unsubscribe_url": "…"}`."""

RECORDS: Final = frozenset({"subscriber", "list"})
"""Names that hold fields; alone they are not a value."""

LIST_FIELDS: Final = frozenset({"list.name", "list.title"})
"""What is known of every list."""

LINKS: Final = frozenset({"unsubscribe_url"})
"""Names that are a value themselves."""

NOT_YET: Final = frozenset({"preferences_url", "view_url"})
"""Documented names whose pages do not exist yet: errors until they do (decisions 17)."""

_LONGEST = 1000  # characters; also bounds how deeply the closures nest
_Value = Callable[[Values], object]


class ExpressionError(Exception):
    """An expression is not of the allowed kind, or its value is no text; the message says why."""


class MissingValueError(Exception):
    """A value is needed and a recipient has none; `name` is dotted, as in `subscriber.name`."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} has no value")
        self.name = name


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """A compiled expression: call it with one recipient's values.

    Attributes:
        source: as the author wrote it.
        names: the dotted names that it uses, in order, each once.
    """

    source: str
    names: tuple[str, ...]
    run: _Value

    def __call__(self, values: Values) -> str:
        """The text for one recipient, not escaped.

        Raises:
            MissingValueError: a value is needed and missing.
            ExpressionError: values that cannot be compared, or a result that is no text.
        """
        try:
            value = self.run(values)
        except TypeError as error:
            raise ExpressionError(
                f"{self.source}: values of different kinds cannot be compared ({error})"
            ) from error
        if type(value) is str:
            return value
        if isinstance(value, str | int | float):
            return str(value)
        raise ExpressionError(f"{self.source}: the value is a {type(value).__name__}, not a text")


def compile_expression(source: str, *, language: str = "en") -> Expression:
    """Compile what stands between the braces.

    Args:
        source: the expression.
        language: in which the filter `date` writes, that of the text around it.

    Raises:
        ExpressionError: not an expression, or one that is not allowed.
    """
    if len(source) > _LONGEST:
        raise ExpressionError(f"the expression is longer than {_LONGEST} characters")
    compiler = _Compiler(source, language)
    try:
        run = compiler.build(_parse(source), ask=False)
    except RecursionError as error:
        raise ExpressionError("the expression is nested too deeply") from error
    return Expression(source=source.strip(), names=tuple(compiler.names), run=run)


def _parse(source: str) -> nodes.Expr:
    try:
        parser = Parser(Environment(), source, state="variable")  # noqa: S701  parses, never prints
        tree = parser.parse_expression()
    except TemplateSyntaxError as error:
        raise ExpressionError(f"{source.strip()}: {error.message}") from error
    if not parser.stream.eos:
        raise ExpressionError(f"{source.strip()}: nothing may follow a complete expression")
    return tree


class _Compiler:
    """Turns a tree into closures and notes the names that it meets."""

    def __init__(self, source: str, language: str) -> None:
        self.names: dict[str, None] = {}
        self._source = source.strip()
        self._language = language

    def build(self, node: nodes.Expr, *, ask: bool) -> _Value:
        """A function of the values; with `ask` it returns None where a name has no value."""
        builder = _BUILDERS.get(type(node))
        if builder is None:
            raise ExpressionError(_REFUSED.get(type(node), "this is not allowed in an expression"))
        return builder(self, node, ask=ask)

    def constant(self, node: nodes.Const, *, ask: bool) -> _Value:
        del ask
        value = node.value
        if not isinstance(value, str | int | float):
            raise ExpressionError(f"{value} is not a value that can be shown")
        if isinstance(value, str) and any(category(char) in ("Cc", "Cs") for char in value):
            raise ExpressionError("a text in an expression holds a control character")  # M-11
        return lambda _: value

    def name(self, node: nodes.Expr, *, ask: bool) -> _Value:
        path = _path(node)
        dotted = ".".join(path)
        self.names[dotted] = None
        return _asking(path) if ask else _demanding(path, dotted)

    def either(self, node: nodes.Or, *, ask: bool) -> _Value:
        left, right = self.build(node.left, ask=True), self.build(node.right, ask=ask)
        return lambda values: left(values) or right(values)

    def both(self, node: nodes.And, *, ask: bool) -> _Value:
        left, right = self.build(node.left, ask=ask), self.build(node.right, ask=ask)
        return lambda values: left(values) and right(values)

    def negation(self, node: nodes.Not, *, ask: bool) -> _Value:
        del ask
        inner = self.build(node.node, ask=True)
        return lambda values: not inner(values)

    def choice(self, node: nodes.CondExpr, *, ask: bool) -> _Value:
        if node.expr2 is None:
            raise ExpressionError("an `if` needs an `else`: what do the others read?")
        test = self.build(node.test, ask=True)
        yes, no = self.build(node.expr1, ask=ask), self.build(node.expr2, ask=ask)
        return lambda values: yes(values) if test(values) else no(values)

    def joined(self, node: nodes.Concat, *, ask: bool) -> _Value:
        del ask
        parts = [self.build(part, ask=False) for part in node.nodes]
        return lambda values: "".join([str(part(values)) for part in parts])

    def comparison(self, node: nodes.Compare, *, ask: bool) -> _Value:
        del ask
        first = self.build(node.expr, ask=False)
        steps = [(_COMPARE[step.op], self.build(step.expr, ask=False)) for step in node.ops]

        def compare(values: Values) -> bool:
            left = first(values)
            for holds, operand in steps:
                right = operand(values)
                if not holds(left, right):
                    return False
                left = right
            return True

        return compare

    def filtered(self, node: nodes.Filter, *, ask: bool) -> _Value:
        if node.name in _WITH_ARGUMENTS:
            return _WITH_ARGUMENTS[node.name](self, node, ask=ask)
        if node.name not in FILTERS or node.node is None:
            known = ", ".join([*_WITH_ARGUMENTS, *FILTERS])
            raise ExpressionError(f"there is no filter {node.name} here, only {known}")
        if _arguments(node):
            raise ExpressionError(f"the filter {node.name} takes nothing in parentheses")
        change, inner = FILTERS[node.name], self.build(node.node, ask=ask)

        def filtered(values: Values) -> object:
            value = inner(values)
            return None if value is None else change(str(value))

        return filtered

    def fallback(self, node: nodes.Filter, *, ask: bool) -> _Value:
        given = _arguments(node)
        if node.node is None or node.kwargs or not 1 <= len(given) <= 2:  # noqa: PLR2004  Jinja2's own two
            raise ExpressionError('default takes what to show instead: default("reader")')
        also_false = len(given) == 2 and bool(getattr(given[1], "value", False))  # noqa: PLR2004
        inner, instead = self.build(node.node, ask=True), self.build(given[0], ask=ask)

        def fallback(values: Values) -> object:
            value = inner(values)
            return instead(values) if value is None or (also_false and not value) else value

        return fallback

    def day(self, node: nodes.Filter, *, ask: bool) -> _Value:
        style = _style(node)
        if node.node is None:
            raise ExpressionError("date follows a value: subscriber.joined | date")
        inner, language, source = self.build(node.node, ask=ask), self._language, self._source

        def day(values: Values) -> object:
            value = inner(values)
            if value is None or (ask and value == ""):
                return None
            try:
                return day_in_words(str(value), language, style)
            except ValueError as error:
                raise ExpressionError(f"{source}: {error}") from error

        return day


def _style(node: nodes.Filter) -> Style:
    given = [getattr(argument, "value", None) for argument in _arguments(node)] or ["long"]
    style = next((style for style in STYLES if [style] == given), None)
    if style is None or node.kwargs:
        raise ExpressionError(f"date takes one of these words: {', '.join(STYLES)}")
    return style


def _path(node: nodes.Expr) -> tuple[str, ...]:
    """The keys that lead to a value: `subscriber.name` -> ("subscriber", "name")."""
    keys: list[str] = []
    while isinstance(node, nodes.Getattr | nodes.Getitem):
        key = node.attr if isinstance(node, nodes.Getattr) else getattr(node.arg, "value", None)
        if not isinstance(key, str):
            raise ExpressionError("a field is named by a word or by a text in brackets")
        keys.append(key)
        node = node.node
    if not isinstance(node, nodes.Name):
        raise ExpressionError("only subscriber and list have fields")
    path = (node.name, *reversed(keys))
    _check_path(path)
    return path


def _check_path(path: tuple[str, ...]) -> None:
    root, dotted = path[0], ".".join(path)
    if root in NOT_YET:
        raise ExpressionError(f"{root} cannot be filled: there is no such page yet")
    if root not in RECORDS | LINKS:
        raise ExpressionError(f"{root} is not known: subscriber, list and unsubscribe_url are")
    if any(key.startswith("_") for key in path):
        raise ExpressionError(f"{dotted}: a name that begins with _ is not allowed")
    if root in RECORDS and len(path) == 1:
        raise ExpressionError(f"{root} is not a value: name a field, such as {root}.name")
    if root in LINKS and len(path) > 1:
        raise ExpressionError(f"{root} has no fields")


def _asking(path: tuple[str, ...]) -> _Value:
    def ask(values: Values) -> object:
        found: object = values
        for key in path:
            if not isinstance(found, Mapping):
                return None
            found = found.get(key)
        return found

    if len(path) != 2:  # noqa: PLR2004  root.field is nearly every name, and worth a shorter way
        return ask
    root, key = path

    def ask_field(values: Values) -> object:
        record = values.get(root)
        return record.get(key) if type(record) is dict else ask(values)

    return ask_field


def _demanding(path: tuple[str, ...], dotted: str) -> _Value:
    ask = _asking(path)

    def demand(values: Values) -> object:
        value = ask(values)
        if value is None:
            raise MissingValueError(dotted)
        return value

    return demand


def _arguments(node: nodes.Filter) -> list[nodes.Expr]:
    more = [extra for extra in (node.dyn_args, node.dyn_kwargs) if extra is not None]
    return [*node.args, *(pair.value for pair in node.kwargs), *more]


_BUILDERS: Final[dict[type[nodes.Expr], Callable[..., _Value]]] = {
    nodes.Const: _Compiler.constant,
    nodes.Name: _Compiler.name,
    nodes.Getattr: _Compiler.name,
    nodes.Getitem: _Compiler.name,
    nodes.Or: _Compiler.either,
    nodes.And: _Compiler.both,
    nodes.Not: _Compiler.negation,
    nodes.CondExpr: _Compiler.choice,
    nodes.Concat: _Compiler.joined,
    nodes.Compare: _Compiler.comparison,
    nodes.Filter: _Compiler.filtered,
}

_REFUSED: Final[dict[type[nodes.Expr], str]] = {
    nodes.Call: "an expression cannot call anything",
    nodes.Test: 'instead of `is …` write `… or "reader"` or `… | default("reader")`',
    **dict.fromkeys(
        (nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Pow),
        "an expression cannot calculate; ~ joins texts",
    ),
}

_COMPARE: Final[dict[str, Callable[[Any, Any], object]]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "lteq": operator.le,
    "gt": operator.gt,
    "gteq": operator.ge,
    "in": lambda item, whole: operator.contains(whole, item),
    "notin": lambda item, whole: not operator.contains(whole, item),
}

_WITH_ARGUMENTS: Final[dict[str, Callable[..., _Value]]] = {
    "default": _Compiler.fallback,
    "date": _Compiler.day,
}
