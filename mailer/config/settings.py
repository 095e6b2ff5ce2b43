"""Each key looked up in the order of precedence: its value as it stands, and where it stands."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailer.config import faults
from mailer.config.keys import KEYS, TABLES, Key
from mailer.config.sources import variable
from mailer.config.urls import has_password
from mailer.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mailer.config.sources import Outside
    from mailer.config.toml import Document

_KINDS = {
    str: "must be text in double quotes",
    int: "must be a whole number",
    float: "must be a number",
    bool: "must be true or false",
    list: "must be a list in [brackets]",
}
_TRUTH = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One key with its value before parsing; None if it has none.

    Attributes:
        path: the key's parts, such as ("lists", "weekly", "title") or ("relay", "eu", "url").
        origin: "mailer.toml:4", "environment", ".env:2", "default", …
        named: how messages call it: `mailer.toml:4  [relay] url`, `.env:2  MAILER_RELAY_URL`.
        source: the key that it inherits its value from; empty if it has its own.
    """

    path: tuple[str, ...]
    key: Key
    value: object
    origin: str = "default"
    named: str = ""
    source: str = ""

    @property
    def name(self) -> str:
        """The dotted key."""
        return ".".join(self.path)

    def shown(self) -> str:
        """The value for people; a secret says only whether it is set (X-10)."""
        if self.key.secret:
            return "set" if self.value is not None else "not set"
        match self.value:
            case None:
                return ""
            case bool():
                return str(self.value).lower()
            case list():
                return ", ".join(map(str, self.value))
        return re.sub(r"(://[^/?#]*?:)[^/?#]*@", r"\1•••@", str(self.value))


def read_settings(document: Document, outside: Outside) -> tuple[Setting, ...]:
    """Every key that there is, looked up.

    Raises:
        ConfigError: E401 for what is no key, E405 for a value of the wrong kind, E406 for a secret
            in the file, E408 for an unreadable credential.
    """
    relays = several(document)
    found = [*faults.unknown_keys(document), *faults.unknown_variables(outside, relays)]
    settings: list[Setting] = []
    for path, key in _keys(document, relays):
        try:
            settings.append(_look_up(path, key, document, outside))
        except ConfigError as fault:
            found.append(fault)
    faults.raise_all(found)
    by_name = {setting.name: setting for setting in settings}
    return tuple(_inherited(setting, by_name) for setting in settings)


def several(document: Document) -> dict[str, str]:
    """Name of each `[[relay]]` -> its place among them, from "1"; empty where `[relay]` is one."""
    relays = document.table.get("relay")
    found: dict[str, str] = {}
    for number, entry in enumerate(relays if isinstance(relays, list) else (), 1):
        name = entry.get("name") if isinstance(entry, dict) else None
        if isinstance(name, str):
            found.setdefault(name, str(number))
    return found


def _keys(document: Document, relays: Iterable[str]) -> Iterator[tuple[tuple[str, ...], Key]]:
    """Each key that can have a value: those of the table, once per list, relay, group and so on."""
    for key in KEYS:
        if "*" in key.name:
            continue
        if key.table == "relay" and relays:
            yield from ((("relay", name, key.leaf), key) for name in relays)
        else:
            yield tuple(key.name.split(".")), key
    for name in _names(document, "lists"):
        for leaf, key in TABLES["lists.*"].items():
            yield ("lists", name, leaf), key
    for table, keys in TABLES.items():
        if "*" in keys:
            parts = table.split(".")
            yield from (((*parts, name), keys["*"]) for name in _names(document, *parts))


def _names(document: Document, *path: str) -> list[str]:
    found = _inside(document, path)
    return list(found) if isinstance(found, dict) else []


def _look_up(path: tuple[str, ...], key: Key, document: Document, outside: Outside) -> Setting:
    place = _place(path, document)
    inside = _inside(document, place)
    where = document.where(*place)
    if inside is not None and (key.secret or (isinstance(inside, str) and has_password(inside))):
        raise faults.misplaced_secret(path, key, where)
    if found := outside.find(_name_outside(path, key)):
        text, origin = found
        named = f"{origin}  {variable('.'.join(path))}"
        value = _from_text(key, text, named, origin)
        return Setting(path=path, key=key, value=value, origin=origin, named=named)
    named = f"{where}  {faults.label(*path)}"
    if inside is None:
        return Setting(path=path, key=key, value=key.default, named=named)
    is_number = key.type is float and type(inside) is int
    if type(inside) is not key.type and not is_number:
        raise faults.refused(key, named, where, _KINDS[key.type])
    return Setting(path=path, key=key, value=inside, origin=where, named=named)


def _place(path: tuple[str, ...], document: Document) -> tuple[str, ...]:
    """Where the file has a key: of several relays `eu` is the second, say."""
    if key_of_several(path):
        return ("relay", several(document)[path[1]], path[2])
    return path


def key_of_several(path: tuple[str, ...]) -> bool:
    """Whether it is the path of a key of one of several relays."""
    return path[0] == "relay" and len(path) == len(("relay", "name", "key"))


def _name_outside(path: tuple[str, ...], key: Key) -> str:
    """The dotted key that the environment may set; of several relays secrets only."""
    if "*" in key.name or (key_of_several(path) and not key.secret):
        return ""
    return ".".join(path)


def _inside(document: Document, path: tuple[str, ...]) -> object:
    found: object = document.table
    for part in path:
        if isinstance(found, list):
            found = {str(n): item for n, item in enumerate(found, 1)}.get(part)
        else:
            found = found.get(part) if isinstance(found, dict) else None
    return found


def _from_text(key: Key, text: str, named: str, origin: str) -> object:
    try:
        value: object = _TRUTH[text.lower()] if key.type is bool else key.type(text)
    except (ValueError, LookupError) as error:
        raise faults.refused(key, named, origin, _KINDS[key.type]) from error
    return value


def _inherited(setting: Setting, by_name: Mapping[str, Setting]) -> Setting:
    source = by_name.get(setting.key.inherits)
    if setting.value is not None or source is None:
        return setting
    source = _inherited(source, by_name)
    return Setting(
        path=setting.path,
        key=setting.key,
        value=source.value,
        origin=f"default: {source.name}",
        named=setting.named,
        source=source.name,
    )
