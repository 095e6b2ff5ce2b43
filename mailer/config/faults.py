"""What can be wrong with a configuration, said with place, suggestion and example."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from mailer.config import look
from mailer.config.keys import KEYS, TABLES, Key
from mailer.config.parse import domain, selector, slug
from mailer.config.sources import known_variables, variable
from mailer.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from mailer.config.sources import Outside
    from mailer.config.toml import Document

HOW_TO_MAKE_A_KEY = "python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"


# Table -> what a name in it must be, where people choose the names.
_CHOSEN: dict[str, Callable[[str], object]] = {
    "lists": slug,
    "groups": slug,
    "delivery.domains": domain,
    "dkim.keys": selector,
}


def label(*path: str) -> str:
    """`[relay] url`, `[lists.weekly] title`, `[[relay]] url`, or a key outside all tables."""
    table, leaf = path[:-1], path[-1]
    return f"{_header(*table)} {leaf}" if table else leaf


def _header(*table: str) -> str:
    return "[[relay]]" if table[0] == "relay" and table[1:] else f"[{'.'.join(table)}]"


def unknown_keys(document: Document) -> Iterator[ConfigError]:
    """E401 and E405: tables and keys that do not exist, and tables that are none."""
    tables = {key.name.partition(".")[0] for key in KEYS if "." in key.name}
    for name, value in document.table.items():
        if name in TABLES[""]:
            continue  # A secret: refused when it is looked up.
        if name not in tables:
            kind = "table" if isinstance(value, dict | list) else "key"
            yield _no_such(document, (name,), tables, kind)
        elif name == "relay" and isinstance(value, list):
            yield from _in_relays(document, value)
        elif not isinstance(value, dict):
            yield _not_a_table(document, (name,))
        elif name == "lists":
            yield from _in_lists(document, value)
        else:
            yield from _in_table(document, (name,), value)


def _in_lists(document: Document, lists: Mapping[str, object]) -> Iterator[ConfigError]:
    for name, table in lists.items():
        yield from _bad_name(document, ("lists", name))
        if isinstance(table, dict):
            yield from _in_keys(document, ("lists", name), table, TABLES["lists.*"])
        else:
            yield _not_a_table(document, ("lists", name))


def _in_relays(document: Document, relays: Sequence[object]) -> Iterator[ConfigError]:
    names: set[str] = set()
    for number, table in enumerate(relays, 1):
        place = ("relay", str(number))
        if not isinstance(table, dict):
            yield _not_a_table(document, place)
            continue
        yield from _in_keys(document, place, table, TABLES["relay"])
        name, key = table.get("name"), TABLES["relay"]["name"]
        where = document.where(*place, "name")
        named = f"{where}  {label(*place, 'name')}"
        if name is None:
            yield missing((*place, "name"), key, named)
        elif not isinstance(name, str):
            yield refused(key, named, where, "must be text in double quotes")
        elif name in names:
            yield refused(key, named, where, "is the name of another relay, too")
        else:
            names.add(name)


def _in_table(
    document: Document, path: tuple[str, ...], table: Mapping[str, object]
) -> Iterator[ConfigError]:
    """A table of keys that we know, of names that people choose, or with such a table in it."""
    keys = TABLES[".".join(path)]
    if "*" in keys:
        yield from _in_chosen(document, path, table)
        return
    within = [leaf for leaf in table if "*" in TABLES.get(".".join((*path, leaf)), ())]
    for leaf in within:
        inner = table[leaf]
        if isinstance(inner, dict):
            yield from _in_table(document, (*path, leaf), inner)
        else:
            yield _not_a_table(document, (*path, leaf))
    others = {leaf: value for leaf, value in table.items() if leaf not in within}
    yield from _in_keys(document, path, others, keys)


def _in_chosen(
    document: Document, path: tuple[str, ...], table: Mapping[str, object]
) -> Iterator[ConfigError]:
    if path[0] == "theme":
        yield from _in_keys(document, path, table, look.NAMES)
    elif ".".join(path) in _CHOSEN:
        yield from (fault for name in table for fault in _bad_name(document, (*path, name)))


def _in_keys(
    document: Document, path: tuple[str, ...], table: Mapping[str, object], known: Collection[str]
) -> Iterator[ConfigError]:
    for leaf in table:
        if leaf not in known:
            yield _no_such(document, (*path, leaf), known, "key")


def _no_such(
    document: Document, path: tuple[str, ...], known: Collection[str], kind: str
) -> ConfigError:
    where = document.where(*path)
    named = _header(path[0]) if kind == "table" else label(*path)
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


def _bad_name(document: Document, path: tuple[str, ...]) -> Iterator[ConfigError]:
    *table, name = path
    try:
        _CHOSEN[".".join(table)](name)
    except ValueError as error:
        where = document.where(*path)
        key = TABLES.get(".".join(table), {}).get("*")
        yield ConfigError(
            "E405",
            f"{where}  {label(*table, repr(name))}: {error}",
            where=where,
            detail=key.doc if key else "",
        )


def unknown_variables(outside: Outside, relays: Collection[str]) -> Iterator[ConfigError]:
    """E401: variables that begin like ours and set nothing.

    Args:
        outside: where they stand.
        relays: the names of several `[[relay]]`, to which the variables of `[relay]` do not apply.
    """
    known = known_variables(relays)
    of_one = set(known_variables()).difference(known)
    for name, where in outside.unknown(known):
        if name.removesuffix("_FILE") in of_one:
            yield _for_one_relay(name, where, next(iter(relays)))
            continue
        near = difflib.get_close_matches(name, known, n=1)
        yield ConfigError(
            "E401",
            f"{where}  {name}: no such key",
            where=where,
            next_step=f"did you mean {near[0]}?" if near else "mailer config show --origin",
        )


def _for_one_relay(name: str, where: str, relay: str) -> ConfigError:
    prefix = variable("relay")
    leaf = name.removesuffix("_FILE").removeprefix(f"{prefix}_")
    secret = TABLES["relay"][leaf.lower()].secret
    return ConfigError(
        "E401",
        f"{where}  {name}: there are several relays, and it does not say for which it is",
        where=where,
        next_step=f"{prefix}_{variable(relay).removeprefix('MAILER_')}_{leaf}=…"
        if secret
        else f"{leaf.lower()} = …  under [[relay]]",
    )


def missing(path: tuple[str, ...], key: Key, named: str) -> ConfigError:
    """E404: a key without which nothing works."""
    return ConfigError(
        "E404",
        f"{named} is missing",
        where=named.partition("  ")[0],
        detail=key.doc,
        next_step=f"{key.leaf} = {key.example}  under {_header(*path[:-1])}",
    )


def misplaced_secret(path: tuple[str, ...], key: Key, where: str) -> ConfigError:
    """E406: a password in a file that is committed."""
    name = variable(".".join((*path[:-1], "password")) if path[0] == "relay" else key.name)
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
