"""From the sources to one Config: every value parsed and checked, all faults told at once."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from mailer.config import faults, look, parse, relays
from mailer.config.settings import Setting, read_settings
from mailer.config.shape import (
    CheckConfig,
    Config,
    DeliveryConfig,
    DkimConfig,
    GuardConfig,
    ListConfig,
    Newsletter,
    ThemeConfig,
)
from mailer.config.sources import Outside, find_document, read_dotenv
from mailer.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


def load_config(
    folder: Path | None, file: Path | None, *, environ: Mapping[str, str] | None = None
) -> Config:
    """The configuration of `file`, of the newsletter in `folder`, or of the one around us.

    Raises:
        ConfigError: E400 no newsletter, E401 unknown key, E403 unreadable file, E404 missing key,
            E405 unusable value, E406 a secret in a committed file, E407 a weak secret key, E408
            unreadable credential or .env; the first fault speaks, its detail tells the others.
    """
    root, settings = load_settings(folder, file, environ=environ)
    return build_config(root, settings)


def load_settings(
    folder: Path | None, file: Path | None, *, environ: Mapping[str, str] | None = None
) -> tuple[Path, tuple[Setting, ...]]:
    """The newsletter's folder, and every key with its value and origin, not parsed yet.

    Raises:
        ConfigError: as `load_config`, but for what parsing finds.
    """
    root, document = find_document(folder, file)
    outside = Outside(
        environ=os.environ if environ is None else environ, dotenv=read_dotenv(root / ".env")
    )
    return root, read_settings(document, outside)


def build_config(root: Path, settings: Sequence[Setting]) -> Config:
    """Parse and check every value.

    Raises:
        ConfigError: E404, E405 or E407.
    """
    found: list[ConfigError] = []
    values: dict[str, Any] = {}
    for setting in settings:
        try:
            values[setting.name] = _parsed(setting)
        except ConfigError as fault:
            # What a key inherits was told at the key that it inherits from.
            found += [] if setting.source else [fault]
    found += relays.conflicts(_relays(settings, values), _lists(values), settings)
    faults.raise_all(found)
    return _assembled(root, values, settings)


def require_secret(config: Config) -> tuple[bytes, ...]:
    """The key ring, newest first.

    Raises:
        ConfigError: E402 if there is none.
    """
    if not config.secret_keys:
        raise ConfigError(
            "E402",
            "MAILER_SECRET_KEY is not set",
            where=str(config.root / ".env"),
            detail="It signs the unsubscribe links: keep it as long as a mail of yours exists.",
            next_step=f"MAILER_SECRET_KEY=… in .env, made by: {faults.HOW_TO_MAKE_A_KEY}",
        )
    return config.secret_keys


def _parsed(setting: Setting) -> object:
    if setting.value is None:
        if setting.key.required:
            raise faults.missing(setting.path, setting.key, setting.named)
        return None
    try:
        return setting.key.parse(setting.value)
    except ValueError as error:
        raise faults.refused(setting.key, setting.named, setting.origin, str(error)) from error


def _assembled(root: Path, values: Mapping[str, Any], settings: Sequence[Setting]) -> Config:
    return Config(
        root=root,
        newsletter=Newsletter(**{"reply_to": None, **_table(values, "newsletter")}),
        lists={
            slug: ListConfig(slug=slug, **_table(values, f"lists.{slug}"))
            for slug in _lists(values)
        },
        groups=_table(values, "groups"),
        relays=tuple(relays.relay(root, one) for one in _relays(settings, values).values()),
        bounce_address=values["bounces.address"],
        database_url=_database(root, values["database.url"]),
        delivery=_delivery(values),
        guard=GuardConfig(**_table(values, "guard")),
        dkim=_dkim(root, values),
        theme=_theme(values),
        check=_check(values),
        instance=values["instance"] or "",
        secret_keys=values["secret_key"] or (),
        origins={setting.name: setting.origin for setting in settings},
    )


def _lists(values: Mapping[str, Any]) -> list[str]:
    return list(dict.fromkeys(name.split(".")[1] for name in values if name.startswith("lists.")))


def _relays(settings: Sequence[Setting], values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Table (`relay`, or `relay.eu` and others) -> what is set in it."""
    tables = dict.fromkeys(
        ".".join(setting.path[:-1]) for setting in settings if setting.key.table == "relay"
    )
    return {table: _table(values, table) for table in tables}


def _table(values: Mapping[str, Any], table: str) -> dict[str, Any]:
    """What is set in one table, under the names of the dataclasses (`from` is a Python word)."""
    found = {
        name.removeprefix(f"{table}."): value
        for name, value in values.items()
        if name.startswith(f"{table}.") and value is not None
    }
    if "from" in found and table != "groups":
        found["sender"] = found.pop("from")
    return found


def _plain(values: Mapping[str, Any], table: str) -> dict[str, Any]:
    """What is set in a table itself, without the tables in it."""
    return {name: value for name, value in _table(values, table).items() if "." not in name}


def _delivery(values: Mapping[str, Any]) -> DeliveryConfig:
    domains = _table(values, "delivery.domains")
    return DeliveryConfig(
        **_plain(values, "delivery"),
        domains={parse.domain(name): rate for name, rate in domains.items()},
    )


def _dkim(root: Path, values: Mapping[str, Any]) -> DkimConfig:
    files = _table(values, "dkim.keys")
    return DkimConfig(
        **_plain(values, "dkim"), keys={selector: root / file for selector, file in files.items()}
    )


def _theme(values: Mapping[str, Any]) -> ThemeConfig:
    return ThemeConfig(
        **_plain(values, "theme"),
        light={**look.LIGHT, **_table(values, "theme.light")},
        dark={**look.DARK, **_table(values, "theme.dark")},
    )


def _check(values: Mapping[str, Any]) -> CheckConfig:
    return CheckConfig(
        **_plain(values, "check"),
        ignore=_table(values, "check.ignore"),
    )


def _database(root: Path, url: str) -> str:
    if not url.startswith("sqlite:"):
        return url
    return f"sqlite:{os.path.normpath(root / url.removeprefix('sqlite:'))}"
