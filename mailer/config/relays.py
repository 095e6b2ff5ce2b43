"""One `[relay]` or several `[[relay]]`: which there are, and what does not fit together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mailer.config import faults
from mailer.config.shape import OAuth, RelayConfig
from mailer.config.urls import is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from mailer.config.settings import Setting
    from mailer.config.urls import Endpoint
    from mailer.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    """What does not fit together.

    Attributes:
        blamed: the key that the error is about.
        broken: whether a relay's values break the rule.
    """

    blamed: str
    broken: Callable[[Mapping[str, Any]], bool]
    reason: str


def _in_clear_text(relay: Mapping[str, Any]) -> bool:
    url: Endpoint | None = relay.get("url")
    return (
        url is not None
        and url.security == "none"
        and not is_loopback(url.host)
        and not relay.get("insecure")
    )


def _alone(leaf: str) -> _Rule:
    return _Rule(
        blamed=leaf,
        broken=lambda relay: leaf in relay and "token_url" not in relay,
        reason="means nothing without token_url",
    )


_RULES = (
    _Rule(  # S-10: mail and passwords in clear text only where nobody is between
        blamed="url",
        broken=_in_clear_text,
        reason="smtp:// sends everything in clear text, which is for this machine only",
    ),
    _Rule(
        blamed="token_url",
        broken=lambda relay: "token_url" in relay and "url" in relay and not relay["url"].user,
        reason="needs the user whose token it is: url = smtp+starttls://USER@HOST",
    ),
    _Rule(
        blamed="token_url",
        broken=lambda relay: "token_url" in relay and "client_id" not in relay,
        reason="needs client_id",
    ),
    _Rule(
        blamed="refresh_token",
        broken=lambda relay: "refresh_token" in relay and "password" in relay,
        reason="and a password cannot both prove who we are: leave out one of them",
    ),
    *map(_alone, ("client_id", "scope", "client_secret", "refresh_token")),
)


def conflicts(
    relays: Mapping[str, Mapping[str, Any]], lists: Sequence[str], settings: Sequence[Setting]
) -> Iterator[ConfigError]:
    """E405: what does not fit together, within a relay and between them.

    Args:
        relays: table (`relay`, `relay.eu`) -> what is set in it, parsed.
        lists: the names of all lists.
        settings: where each value comes from.
    """
    by_name = {setting.name: setting for setting in settings}
    for table, relay in relays.items():
        for rule in _RULES:
            if rule.broken(relay):
                yield _refused(by_name[f"{table}.{rule.blamed}"], rule.reason)
        for missing in [slug for slug in relay.get("lists", ()) if slug not in lists]:
            yield _refused(by_name[f"{table}.lists"], f"there is no list {missing!r}")
    if blamed := _blamed_for_nobody(relays, lists):
        yield _refused(by_name[blamed], "some mail would have no relay: name none at one of them")


def _blamed_for_nobody(relays: Mapping[str, Mapping[str, Any]], lists: Sequence[str]) -> str:
    """The key because of which somebody's mail has no relay; empty if everybody's has one."""
    named = {slug for relay in relays.values() for slug in relay.get("lists", ())}
    if named.issuperset(lists) and lists:
        return ""
    keys = [
        next((f"{table}.{leaf}" for leaf in ("domains", "lists") if relay.get(leaf)), "")
        for table, relay in relays.items()
    ]
    return keys[0] if all(keys) else ""


def _refused(setting: Setting, reason: str) -> ConfigError:
    return faults.refused(setting.key, setting.named, setting.origin, reason)


_OAUTH = ("token_url", "client_id", "client_secret", "refresh_token", "scope")


def relay(root: Path, table: Mapping[str, Any]) -> RelayConfig:
    """What is set in one table, put together."""
    rest = dict(table)
    endpoint: Endpoint = rest.pop("url")
    oauth = {leaf: rest.pop(leaf) for leaf in _OAUTH if leaf in rest}
    log = rest.pop("log", "")
    return RelayConfig(
        host=endpoint.host,
        port=endpoint.port,
        security=endpoint.security,
        user=endpoint.user,
        label=rest.pop("name", ""),
        oauth=OAuth(**oauth) if oauth else None,
        log=root / log if log else None,
        **rest,
    )
