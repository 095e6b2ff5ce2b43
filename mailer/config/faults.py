"""What can be wrong with a configuration, said with place, suggestion and example."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from mailer.config import look
from mailer.config.keys import KEYS, TABLES, Key
from mailer.config.parse import slug
from mailer.config.sources import known_variables, variable
from mailer.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from mailer.config.sources import Outside
    from mailer.config.toml import Document

HOW_TO_MAKE_A_KEY = "python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"


def label(*path: str) -> str:
    """`[relay] url`, `[lists.weekly] title`, `[groups] editors`, or a key outside all tables."""
    *table, leaf = path
    return f"[{'.'.join(table)}] {leaf}" if table else leaf


def unknown_keys(document: Document) -> Iterator[ConfigError]:
    """E401 and E405: tables and keys that do not exist, and tables that are none."""
    tables = {key.name.partition(".")[0] for key in KEYS if "." in key.name}
    for name, value in document.table.items():
        if name in TABLES[""]:
            continue  # A secret: refused when it is looked up.
        if name not in tables:
            kind = "table" if isinstance(value, dict | list) else "key"
            yield _no_such(document, (name,), tables, kind)
        elif not isinstance(value, dict):
            yield _not_a_table(document, (name,))
        elif name == "lists":
            yield from _in_lists(document, value)
        elif name == "groups":
            yield from (fault for group in value for fault in _bad_slug(document, name, group))
        elif name == "theme":
            yield from _in_theme(document, value)
        elif name == "check":
            yield from _in_check(document, value)
        else:
            yield from _in_table(document, (name,), value, TABLES[name])


def _in_lists(document: Document, lists: Mapping[str, object]) -> Iterator[ConfigError]:
    for name, table in lists.items():
        yield from _bad_slug(document, "lists", name)
        if isinstance(table, dict):
            yield from _in_table(document, ("lists", name), table, TABLES["lists.*"])
        else:
            yield _not_a_table(document, ("lists", name))


def _in_theme(document: Document, theme: Mapping[str, object]) -> Iterator[ConfigError]:
    schemes = [name for name in ("light", "dark") if name in theme]
    for scheme in schemes:
        colours = theme[scheme]
        if isinstance(colours, dict):
            yield from _in_table(document, ("theme", scheme), colours, look.NAMES)
        else:
            yield _not_a_table(document, ("theme", scheme))
    others = {leaf: value for leaf, value in theme.items() if leaf not in schemes}
    yield from _in_table(document, ("theme",), others, TABLES["theme"])


def _in_check(document: Document, check: Mapping[str, object]) -> Iterator[ConfigError]:
    if not isinstance(check.get("ignore", {}), dict):
        yield _not_a_table(document, ("check", "ignore"))
    others = {leaf: value for leaf, value in check.items() if leaf != "ignore"}
    yield from _in_table(document, ("check",), others, TABLES["check"])


def _in_table(
    document: Document, path: tuple[str, ...], table: Mapping[str, object], known: Collection[str]
) -> Iterator[ConfigError]:
    for leaf in table:
        if leaf not in known:
            yield _no_such(document, (*path, leaf), known, "key")


def _no_such(
    document: Document, path: tuple[str, ...], known: Collection[str], kind: str
) -> ConfigError:
    where = document.where(*path)
    named = f"[{path[0]}]" if kind == "table" else label(*path)
    near = difflib.get_close_matches(path[-1], known, n=1)
    return ConfigError(
        "E401",
        f"{where}  {named}: no such {kind}",
        where=where,
        next_step=f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(known))}",
    )


def _not_a_table(document: Document, path: tuple[str, ...]) -> ConfigError:
    where, name = document.where(*path), ".".join(path)
    return ConfigError(
        "E405", f"{where}  {name}: must be one table", where=where, next_step=f"[{name}]"
    )


def _bad_slug(document: Document, table: str, name: str) -> Iterator[ConfigError]:
    try:
        slug(name)
    except ValueError as error:
        where = document.where(table, name)
        yield ConfigError("E405", f"{where}  {label(table, repr(name))}: {error}", where=where)


def unknown_variables(outside: Outside) -> Iterator[ConfigError]:
    """E401: variables that begin like ours and set nothing."""
    for name, where in outside.unknown():
        near = difflib.get_close_matches(name, known_variables(), n=1)
        yield ConfigError(
            "E401",
            f"{where}  {name}: no such key",
            where=where,
            next_step=f"did you mean {near[0]}?" if near else "mailer config show --origin",
        )


def missing(path: tuple[str, ...], key: Key, named: str) -> ConfigError:
    """E404: a key without which nothing works."""
    return ConfigError(
        "E404",
        f"{named} is missing",
        where=named.partition("  ")[0],
        detail=key.doc,
        next_step=f"{key.leaf} = {key.example}  under [{'.'.join(path[:-1])}]",
    )


def misplaced_secret(path: tuple[str, ...], key: Key, where: str) -> ConfigError:
    """E406: a password in a file that is committed."""
    name = variable("relay.password" if path[0] == "relay" else key.name)
    return ConfigError(
        "E406",
        f"{where}  {label(*path)}: a secret does not belong in a file that is committed",
        where=where,
        next_step=f"take it out, change it where it is used, and set {name} in .env",
    )


def refused(key: Key, named: str, where: str, reason: str) -> ConfigError:
    """E405, or E407 about the secret key: a value that cannot be used."""
    if key.name == "secret_key":
        code, step = "E407", f"make one: {HOW_TO_MAKE_A_KEY}"
    else:
        code, step = "E405", f"{key.leaf if key.leaf != '*' else 'NAME'} = {key.example}"
    return ConfigError(code, f"{named}: {reason}", where=where, detail=key.doc, next_step=step)


def raise_all(faults: Sequence[ConfigError]) -> None:
    """Raise the first fault, with the others in its detail."""
    if len(faults) == 1:
        raise faults[0]
    if faults:
        first, *others = faults
        also = "\n".join(f"{fault.code} {fault.message}" for fault in others)
        detail = f"{first.detail}\nAlso:\n{also}".lstrip("\n")
        raise ConfigError(
            first.code, first.message, where=first.where, detail=detail, next_step=first.next
        ) from first
