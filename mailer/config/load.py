"""From the sources to one Config: every value parsed and checked, all faults told at once."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from mailer.config import faults, look
from mailer.config.settings import Setting, read_settings
from mailer.config.shape import (
    CheckConfig,
    Config,
    DeliveryConfig,
    ListConfig,
    Newsletter,
    RelayConfig,
    ThemeConfig,
)
from mailer.config.sources import Outside, find_document, read_dotenv
from mailer.config.urls import Endpoint, is_loopback
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
    found += _cleartext(values, settings)
    faults.raise_all(found)
    return _assembled(root, values, {setting.name: setting.origin for setting in settings})


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


def _cleartext(values: Mapping[str, Any], settings: Sequence[Setting]) -> list[ConfigError]:
    """S-10: mail and passwords in clear text only where nobody is between."""
    relay: Endpoint | None = values.get("relay.url")
    if relay is None or relay.security != "none" or is_loopback(relay.host):
        return []
    if values.get("relay.insecure"):
        return []
    setting = next(setting for setting in settings if setting.name == "relay.url")
    reason = "smtp:// sends everything in clear text, which is for this machine only"
    return [faults.refused(setting.key, setting.named, setting.origin, reason)]


def _assembled(root: Path, values: Mapping[str, Any], origins: Mapping[str, str]) -> Config:
    relay = _table(values, "relay")
    endpoint: Endpoint = relay.pop("url")
    slugs = dict.fromkeys(name.split(".")[1] for name in values if name.startswith("lists."))
    return Config(
        root=root,
        newsletter=Newsletter(**{"reply_to": None, **_table(values, "newsletter")}),
        lists={slug: ListConfig(slug=slug, **_table(values, f"lists.{slug}")) for slug in slugs},
        groups=_table(values, "groups"),
        relays=(
            RelayConfig(
                host=endpoint.host,
                port=endpoint.port,
                security=endpoint.security,
                user=endpoint.user,
                **relay,
            ),
        ),
        bounce_address=values["bounces.address"],
        database_url=_database(root, values["database.url"]),
        delivery=DeliveryConfig(**_table(values, "delivery")),
        theme=_theme(values),
        check=_check(values),
        secret_keys=values["secret_key"] or (),
        origins=origins,
    )


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


def _theme(values: Mapping[str, Any]) -> ThemeConfig:
    return ThemeConfig(
        **{name: value for name, value in _table(values, "theme").items() if "." not in name},
        light={**look.LIGHT, **_table(values, "theme.light")},
        dark={**look.DARK, **_table(values, "theme.dark")},
    )


def _check(values: Mapping[str, Any]) -> CheckConfig:
    return CheckConfig(
        **{name: value for name, value in _table(values, "check").items() if "." not in name},
        ignore=_table(values, "check.ignore"),
    )


def _database(root: Path, url: str) -> str:
    if not url.startswith("sqlite:"):
        return url
    return f"sqlite:{os.path.normpath(root / url.removeprefix('sqlite:'))}"
