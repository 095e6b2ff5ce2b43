"""Templates rendered for one issue, and where in them something went wrong.

An issue with `template: plain` uses plain.mjml, and of plain.txt, plain.css and plain.head.css
those that exist; the default's stand in for the others. Which file a name means: `library`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from jinja2 import BaseLoader, BytecodeCache, TemplateError, TemplateNotFound
from jinja2.exceptions import TemplateSyntaxError
from jinja2.utils import pass_eval_context

from mailer.errors import CheckError
from mailer.render.library import BUILTIN, Library
from mailer.render.marks import Marks, Rendered, unmarked
from mailer.render.sandbox import LARGEST, Sandbox, TooLargeError
from mailer.render.slots import SlotTable, protect_template

if TYPE_CHECKING:
    from pathlib import Path
    from types import CodeType

    from jinja2 import Template
    from jinja2.bccache import Bucket
    from jinja2.environment import Environment
    from jinja2.nodes import EvalContext

_ESCAPED: Final = (".mjml", ".html")
_LIMITS: Final = (RecursionError, TooLargeError, MemoryError)
_MISTAKES: Final = (
    TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What Python raises when a template asks for something impossible."""


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

        self._loader = _Loader(Library(root))
        self._environment = _Environment(
            loader=self._loader,
            autoescape=lambda name: name is not None and name.endswith(_ESCAPED),
            finalize=finalize,
            extensions=[Marks],
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
            text = _produce(found, context, self._environment)
            return unmarked(text, found.name or names[0], self._loader.where)
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
        asked = (getattr(error, "templates", None) or [error.name])[0]
        names = (f"{name}.mjml" for name in self._loader.library.templates())
        return CheckError(
            "E204",
            f"There is no template {asked}",
            where=self._line_of(error) or where,
            detail=f"There are: {', '.join(names)}",
            next_step=f"create templates/{asked.removeprefix(BUILTIN)}, or use one of these",
        )


def _produce(template: Template, context: Mapping[str, object], environment: Sandbox) -> str:
    environment.begin()
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
        next_step="known are issue, newsletter, list, theme, content and words; what is about the"
        ' recipient can only be printed: {{ subscriber.name or "reader" }}',
    )


def _limit(message: str, where: str) -> CheckError:
    return CheckError(
        "E205",
        "A template goes beyond a limit",
        where=where,
        detail=message,
        next_step="make less there; look for a template or macro that uses itself, and for loops"
        " in loops",
    )


class _Environment(Sandbox):
    """Names that templates give to other templates."""

    def join_path(self, template: str, parent: str) -> str:
        """A template that asks for its own name means the built-in one that it stands for."""
        return f"{BUILTIN}{template}" if template == parent else template


class _Loader(BaseLoader):
    """Finds templates, protects what is about the recipient, and remembers which file is which."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self.slots = SlotTable(entries={})
        self.files: dict[str, str] = {}
        self._shown: dict[str, str] = {}

    def get_source(
        self, environment: Environment, template: str
    ) -> tuple[str, str, Callable[[], bool]]:
        del environment
        found = self.library.find(template)
        if found is None:
            raise TemplateNotFound(template)
        source = self.library.read(found)
        path = str(found.path)
        self.files[path] = template
        self._shown[template] = found.shown
        seed = hashlib.sha256(f"{template}\0{source}".encode()).hexdigest()
        protected, slots = protect_template(source, seed=seed, file=found.shown)
        self.slots |= slots
        return protected, path, lambda: True

    def where(self, name: str, line: int) -> str:
        """File and line, as messages name them."""
        if name not in self._shown:  # one that was not even read
            found = self.library.find(name)
            return f"{found.shown if found else name}:{line}"
        return f"{self._shown[name]}:{line}"


class _Compiled(BytecodeCache):
    """Templates that this process has compiled, each with the checksum of its source."""

    def __init__(self) -> None:
        self._code: dict[str, tuple[str, CodeType | None]] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        checksum, code = self._code.get(bucket.key, ("", None))
        bucket.code = code if checksum == bucket.checksum else None

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._code[bucket.key] = (bucket.checksum, bucket.code)


_COMPILED: Final = _Compiled()  # compiling costs 28 ms, the rest of a rendering about 15 ms
