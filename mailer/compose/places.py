"""What stands in the slots of a rendering: evaluated once per recipient, escaped for its place.

Slots that name only the list are filled when the rendering is compiled. Of the others those that
name the subscriber are the slot values that a delivery stores; links come from ids and key alone
and are made again (decisions 2).
"""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from mailer.compose.expressions import ExpressionError, compile_expression
from mailer.errors import CheckError, LedgerError
from mailer.model import Place, Slot

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mailer.compose.expressions import Expression
    from mailer.model import Recipient, Rendering, Template

Pieces = tuple[list[str], list[int]]
"""Fixed texts before, between and after places, and the number of the value for each place."""

# NUL is refused in bodies (case 10) and a lone surrogate has no UTF-8; the rest is encoded.
_UNSENDABLE = re.compile(r"[\x00\ud800-\udfff]").search
_MARKUP = re.compile("[&<>\"']").search
# Nearly every link: such that nothing of it needs an escape.
_PLAIN_LINK = re.compile(r"(?i:https?://|mailto:)[!#-%(-;=?-~]+").fullmatch
_LINK = re.compile(r"(?:https?://|mailto:)[^\s\x00-\x20\x7f]+", re.IGNORECASE).fullmatch


class Places:
    """The slots of one rendering, compiled.

    Attributes:
        subject, html, text: the three templates as pieces; the bodies end in a line break.
    """

    def __init__(self, rendering: Rendering, fields: Mapping[str, str]) -> None:
        """`fields` is what is known of the list."""
        self._fields = dict(fields)
        self._language = rendering.language
        self._expressions: dict[str, Expression] = {}
        self._fillings: dict[tuple[str, Place], tuple[int, Slot]] = {}
        self.subject = self._compile(rendering.subject, "")
        self.html = self._compile(rendering.html, "\n")
        self.text = self._compile(rendering.text, "\n")
        # What composing walks over, as lists: the dictionaries were for compiling.
        self._run = [
            (expression, _names(expression, "subscriber"))
            for expression in self._expressions.values()
        ]
        self._own = [number for number, (_, personal) in enumerate(self._run) if personal]
        self._escape = [
            (number, _ESCAPES[place], slot) for (_, place), (number, slot) in self._fillings.items()
        ]

    def fill(
        self, recipient: Recipient, link: str, stored: Sequence[str] | None
    ) -> tuple[list[str], tuple[str, ...] | None]:
        """The escaped values by their numbers, and the subscriber's raw ones to store, if any.

        Args:
            recipient: whose values.
            link: their unsubscribe URL.
            stored: the raw values of an earlier attempt, used instead of the recipient's own.

        Raises:
            MissingValueError: a value is needed and the recipient has none.
            CheckError: E140, a value that cannot stand in its place.
            LedgerError: E640, stored values that are not this rendering's.
        """
        raw = self._evaluate(recipient, link) if stored is None else self._restore(link, stored)
        for value in raw:
            if "\0" in value or (not value.isascii() and _UNSENDABLE(value)):
                raise _refused(value, "It holds a NUL or half a surrogate pair.")
        filled = [escape(raw[number], slot) for number, escape, slot in self._escape]
        return filled, tuple([raw[number] for number in self._own]) if self._own else None

    def sample(self, link: str) -> list[str]:
        """The escaped values with a link, and nothing where a subscriber's own would stand."""
        raw = self._restore(link, [""] * len(self._own))
        return [raw[number] and escape(raw[number], slot) for number, escape, slot in self._escape]

    def _evaluate(self, recipient: Recipient, link: str) -> list[str]:
        if not self._run:
            return []
        values = {
            "subscriber": {
                **recipient.attributes,
                "email": recipient.email,
                "name": recipient.name or None,  # M-31: nobody is called ""
                "language": recipient.language,
            },
            "list": self._fields,
            "unsubscribe_url": link,
        }
        try:
            return [expression(values) for expression, _ in self._run]
        except ExpressionError as error:
            raise CheckError(
                "E140", "A value cannot be put into the mail", detail=str(error)
            ) from error

    def _restore(self, link: str, stored: Sequence[str]) -> list[str]:
        if len(stored) != len(self._own):
            raise LedgerError(
                "E640",
                f"{len(stored)} slot values are stored where this rendering has {len(self._own)}",
                detail="The ledger's delivery and rendering do not belong together.",
                next_step="restore the database from one backup",
            )
        values = {"list": self._fields, "unsubscribe_url": link}
        own = iter(stored)
        return [next(own) if personal else expression(values) for expression, personal in self._run]

    def _compile(self, template: Template, end: str) -> Pieces:
        texts, numbers = [""], list[int]()
        for piece in template:
            if isinstance(piece, str):
                texts[-1] += _sendable(piece)
                continue
            known = self._expressions.get(piece.expression)
            expression = known or _expression(piece, self._language)
            if not _names(expression, "subscriber", "unsubscribe_url"):
                value = _constant(expression, piece, self._fields)
                texts[-1] += _ESCAPES[piece.place](_sendable(value), piece)
                continue
            numbers.append(self._number(piece, expression))
            texts.append("")
        if not texts[-1].endswith(end):
            texts[-1] += end
        return texts, numbers

    def _number(self, slot: Slot, expression: Expression) -> int:
        self._expressions[slot.expression] = expression
        which = list(self._expressions).index(slot.expression)
        key = (slot.expression, slot.place)
        self._fillings.setdefault(key, (which, slot))
        return list(self._fillings).index(key)


def _expression(slot: Slot, language: str) -> Expression:
    try:
        return compile_expression(slot.expression, language=language)
    except ExpressionError as error:
        raise CheckError(
            "E140", "An expression cannot be used", where=_line(slot), detail=str(error)
        ) from error


def _constant(expression: Expression, slot: Slot, fields: Mapping[str, str]) -> str:
    """The value that is the same for everybody."""
    try:
        return expression({"list": fields})
    except ExpressionError as error:
        raise CheckError(
            "E140", "An expression has no value", where=_line(slot), detail=str(error)
        ) from error


def _names(expression: Expression, *roots: str) -> bool:
    return any(name.partition(".")[0] in roots for name in expression.names)


def _sendable(text: str) -> str:
    found = _UNSENDABLE(text)
    if found:
        raise CheckError(
            "E109",
            f"The issue holds U+{ord(found[0]):04X}, which cannot be mailed",
            detail=f"after {text[: found.start()][-40:]!r}",
            next_step="remove it",
        )
    return text


# --- one escape per place ------------------------------------------------------------------------


def _as_text(value: str, _: Slot) -> str:
    return value


def _as_html(value: str, _: Slot) -> str:
    return html.escape(value) if _MARKUP(value) else value


def _as_url(value: str, slot: Slot) -> str:
    if _PLAIN_LINK(value):
        return value
    if not _LINK(value):
        raise _refused(
            value, "A link starts with https:, http: or mailto: and has no spaces.", slot
        )
    return html.escape(value) if _MARKUP(value) else value


def _as_url_part(value: str, _: Slot) -> str:
    return quote(value, safe="")


_ESCAPES: Final[dict[Place, Callable[[str, Slot], str]]] = {
    Place.TEXT: _as_text,
    Place.HTML: _as_html,
    Place.URL: _as_url,
    Place.URL_PART: _as_url_part,
}


def _refused(value: str, reason: str, slot: Slot | None = None) -> CheckError:
    shown = value[:80].encode("unicode_escape").decode("ascii")
    return CheckError(
        "E140",
        f'The value "{shown}" cannot be put into the mail',
        where=_line(slot) if slot else "",
        detail=f"{{{{ {slot.expression} }}}}: {reason}" if slot else reason,
        next_step="correct the subscriber's value",
    )


def _line(slot: Slot) -> str:
    return f"line {slot.line}" if slot.line else ""
