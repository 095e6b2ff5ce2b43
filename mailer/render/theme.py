"""Which template file wins, and where in it something went wrong.

A file in the newsletter's `templates/` wins over the built-in one of the same name, one by one. An
issue with `template: plain` uses plain.mjml, and of plain.txt, plain.css and plain.head.css those
that exist; the default's stand in for the others.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from jinja2 import BytecodeCache, FileSystemLoader, TemplateError, TemplateNotFound
from jinja2.exceptions import TemplateSyntaxError
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream
from jinja2.utils import pass_eval_context

from mailer.errors import CheckError, MailerError
from mailer.render.sandbox import LARGEST, Sandbox, TooLargeError
from mailer.render.slots import SlotTable, protect_template

if TYPE_CHECKING:
    from jinja2.bccache import Bucket
    from jinja2.environment import Environment, Template
    from jinja2.nodes import EvalContext

_MARK: Final = re.compile("\0([^\0]*)\0([0-9]+)\0")
_ESCAPED: Final = (".mjml", ".html")
_LIMITS: Final = (RecursionError, TooLargeError, MemoryError)
_MISTAKES: Final = (
    TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)
"""What Python raises when a template asks for something impossible."""


def shipped(name: str) -> Path:
    """A folder or file that ships with the program: templates, issues, subscribers/weekly.csv.

    An installed package has it inside itself, a checkout beside the package.

    Raises:
        MailerError: E206, the installation lacks it.
    """
    package = Path(__file__).resolve().parent.parent
    for path in (package / "_shipped" / name, package.parent / name):
        if path.exists():
            return path
    raise MailerError(
        "E206",
        f"{name} is missing from this installation",
        where=str(package),
        next_step="install the package again",
    )


def builtin_templates() -> Path:
    """The folder of the built-in theme."""
    return shipped("templates")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """What a template produced.

    Attributes:
        text: the product.
        origins: (offset in text, "file:line") of each line of a template, the first at 0.
    """

    text: str
    origins: tuple[tuple[int, str], ...]

    def where(self, offset: int) -> str:
        """File and line of the template that produced the character at this offset."""
        index = bisect_right(self.origins, offset, key=lambda origin: origin[0]) - 1
        return self.origins[index][1]


class Theme:
    """The templates of one newsletter, rendered for one issue.

    Args:
        root: the newsletter's folder.
        pack: what becomes of a value that a .mjml template prints; other kinds print it as it is.
    """

    def __init__(self, root: Path, *, pack: Callable[[object], object]) -> None:
        @pass_eval_context
        def finalize(evaluation: EvalContext, value: object) -> object:
            if value is None:
                return ""
            return pack(value) if evaluation.autoescape else value

        self._loader = _Loader(root)
        self._environment = Sandbox(
            loader=self._loader,
            autoescape=lambda name: name is not None and name.endswith(_ESCAPED),
            finalize=finalize,
            extensions=[_Marks],
            bytecode_cache=_COMPILED,
        )

    @property
    def slots(self) -> SlotTable:
        """The recipient's places in all templates loaded so far."""
        return self._loader.slots

    def render(
        self, template: str, kind: str, context: Mapping[str, object], *, where: str
    ) -> Rendered:
        """Render `template.kind`; where it does not exist, `default.kind` stands in for it.

        Args:
            template: as the issue names it.
            kind: "mjml", "txt", "css" or "head.css". Only a missing .mjml is an error.
            context: the names that the template knows.
            where: the issue that asks for the template, for messages.

        Raises:
            CheckError: E204 with file and line; E205, it made too much or never came to an end.
        """
        names = (
            [f"{template}.{kind}"] if kind == "mjml" else [f"{template}.{kind}", f"default.{kind}"]
        )
        try:
            found = self._environment.select_template(names)
            return self._loader.unmarked(_produce(found, context), found.name or names[0])
        except TemplateNotFound as error:
            raise self._not_found(error, where) from error
        except TemplateSyntaxError as error:
            where = self._loader.where(error.name or names[0], error.lineno)
            raise _mistake(error.message or "", where) from error
        except _LIMITS as error:
            inside = self._line_of(error) or self._loader.where(names[0], 1)
            raise _limit(str(error), inside) from error
        except _MISTAKES as error:
            inside = self._line_of(error) or self._loader.where(names[0], 1)
            raise _mistake(str(error), inside) from error

    def _line_of(self, error: BaseException) -> str:
        """The innermost line of a template that a traceback passes through; empty if none."""
        where = ""
        step = error.__traceback__
        while step is not None:
            name = self._loader.files.get(step.tb_frame.f_code.co_filename)
            if name is not None:
                where = self._loader.where(name, step.tb_lineno)
            step = step.tb_next
        return where

    def _not_found(self, error: TemplateNotFound, where: str) -> CheckError:
        names = sorted(name for name in self._loader.list_templates() if name.endswith(".mjml"))
        asked = getattr(error, "templates", None) or [error.name]
        return CheckError(
            "E204",
            f"There is no template {asked[0]}",
            where=self._line_of(error) or where,
            detail=f"There are: {', '.join(names)}",
            next_step=f"create templates/{asked[0]}, or use one of these",
        )


def _produce(template: Template, context: Mapping[str, object]) -> str:
    parts, size = [], 0
    for part in template.generate(context):
        parts.append(part)
        size += len(part)
        if size > LARGEST:
            raise TooLargeError(f"more than {LARGEST:,} characters")
    return "".join(parts)


def _mistake(message: str, where: str) -> CheckError:
    return CheckError(
        "E204",
        "A template cannot be rendered",
        where=where,
        detail=message,
        next_step="known are issue, newsletter, list, content and words; what is about the"
        ' recipient can only be printed: {{ subscriber.name or "reader" }}',
    )


def _limit(message: str, where: str) -> CheckError:
    return CheckError(
        "E205",
        "A template goes beyond a limit",
        where=where,
        detail=message,
        next_step="make less there; look for a macro that calls itself and for loops in loops",
    )


class _Loader(FileSystemLoader):
    """Finds templates, protects what is about the recipient, and remembers which file is which."""

    def __init__(self, root: Path) -> None:
        self._own = root / "templates"
        super().__init__([self._own, builtin_templates()])
        self.slots = SlotTable(entries={})
        self.files: dict[str, str] = {}

    def get_source(
        self, environment: Environment, template: str
    ) -> tuple[str, str, Callable[[], bool]]:
        source, path, fresh = super().get_source(environment, template)
        self.files[path] = template
        seed = hashlib.sha256(f"{template}\0{source}".encode()).hexdigest()
        protected, slots = protect_template(source, seed=seed, file=self._display(template))
        self.slots |= slots
        return protected, path, fresh

    def where(self, name: str, line: int) -> str:
        """File and line, as messages name them."""
        return f"{self._display(name)}:{line}"

    def unmarked(self, text: str, name: str) -> Rendered:
        """What the template `name` produced, without its marks, and what they said."""
        parts: list[str] = []
        origins = [(0, self.where(name, 1))]
        done = offset = 0
        for mark in _MARK.finditer(text):
            parts.append(text[done : mark.start()])
            offset += mark.start() - done
            origins.append((offset, self.where(mark[1], int(mark[2]))))
            done = mark.end()
        return Rendered(text="".join([*parts, text[done:]]), origins=tuple(origins))

    def _display(self, name: str) -> str:
        own = (self._own / name).is_file()
        return f"templates/{name}" if own else f"built-in templates/{name}"


class _Compiled(BytecodeCache):
    """Templates that this process has compiled; Jinja2 compares each with its source."""

    def __init__(self) -> None:
        self._code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._code:
            bucket.bytecode_from_string(self._code[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._code[bucket.key] = bucket.bytecode_to_string()


_COMPILED: Final = _Compiled()  # compiling costs 28 ms, the rest of a rendering about 15 ms


class _Marks(Extension):
    """Marks each line of a .mjml template, so that an error in the product finds its line."""

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        marked = (stream.name or "").endswith(".mjml")
        for token in stream:
            if marked and token.type == "data":
                lines = token.value.split("\n")
                text = "\n".join(
                    f"\0{stream.name}\0{token.lineno + number}\0{line}"
                    for number, line in enumerate(lines)
                )
                yield Token(token.lineno, token.type, text)
            else:
                yield token
