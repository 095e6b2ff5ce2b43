"""What surrounds a mailing: its relays, the domains that are slowed or held, who delivers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mailer.cli.people import iso
from mailer.cli.reckoning import Way, quota_text
from mailer.ledger import liveness, pacing
from mailer.ledger.metering import recovered
from mailer.model import MICROSECONDS, moment
from mailer.when import now

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

    from mailer.config import Config
    from mailer.ledger import Ledger
    from mailer.ledger.metering import Throttle
    from mailer.ledger.overview import Overview
    from mailer.model import Instant

SHOWN = 6
"""So many domains are named in the picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What holds for every mailing.

    Attributes:
        ways: the configured relays, in their order.
        throttles: recipient domains that asked for less.
        processes: how many are delivering.
        at: when this was.
    """

    at: Instant
    ways: tuple[Way, ...] = ()
    throttles: tuple[Throttle, ...] = ()
    processes: int = 0


def look(config: Config, ledger: Ledger, connection: Connection) -> Scene:
    """What the ledger knows at this moment."""
    at = now()
    living, _ = liveness.sort_out(ledger, connection)
    slowed = (recovered(one, at) for one in pacing.throttles(connection))
    return Scene(
        at=at,
        ways=ways(config, connection),
        throttles=tuple(one for one in slowed if one.gap),
        processes=len(living),
    )


def ways(config: Config, connection: Connection) -> tuple[Way, ...]:
    """The relays, and what the ledger knows of them."""
    states = pacing.states(connection, config.relays, now())
    return tuple(
        Way(relay=relay, state=state) for relay, state in zip(config.relays, states, strict=True)
    )


def known_ways(config: Config, ledger: Ledger | None) -> tuple[Way, ...]:
    """The same where there may be no ledger yet."""
    if ledger is None:
        return tuple(Way(relay=relay) for relay in config.relays)
    with ledger.read() as connection:
        return ways(config, connection)


# --- for people ----------------------------------------------------------------------------------


def relay_text(way: Way) -> str:
    """How a relay stands: ok · 6 connections · 14/s · 3,120 of 50,000/day."""
    state = way.state
    parts = [health(way), f"{way.relay.connections} connections"]
    if way.rate is not None:
        by = " by an operator" if state is not None and state.override else ""
        parts.append(f"{way.rate:g}/s{by}")
    if way.relay.quota is not None:
        parts.append(f"{way.used:,} of {quota_text(way.relay.quota)}")
    return " · ".join(parts)


def health(way: Way) -> str:
    """Whether a relay is used: ok, or since when it is not, and why."""
    state = way.state
    if not _ready(way):
        return "not ready: no refresh token is configured"
    if state is None or state.down_since is None:
        return "ok"
    return f"down since {moment(state.down_since):%H:%M} UTC: {state.trouble}"


def _ready(way: Way) -> bool:
    """Whether there is what it wants to be signed in with (S-12): a file need not have secrets."""
    oauth = way.relay.oauth
    return oauth is None or bool(oauth.refresh_token)


def lines(one: Overview, scene: Scene) -> Iterator[str]:
    """The relays, and the domains that go their own way, for the picture."""
    several = len(scene.ways) > 1
    for way in scene.ways:
        yield f"relay {way.relay.name + ' ' if several else ''}{relay_text(way)}"
    domains = list(_domains(one, scene))
    yield from domains[:SHOWN]
    if len(domains) > SHOWN:
        yield f"… {len(domains) - SHOWN:,} more domains"


def trouble(scene: Scene) -> Iterator[str]:
    """What holds mailings up that is not theirs: relays that are down, domains that are slowed."""
    for way in scene.ways:
        down = way.state is not None and way.state.down_since is not None
        if down or not _ready(way):
            yield f"relay {way.relay.name}   {health(way)}"
        until, quota = way.state.quota_until if way.state else None, way.relay.quota
        if until is not None and quota is not None:
            again = f"waits until {moment(until):%d %b %H:%M} UTC"
            yield f"relay {way.relay.name}   quota used up ({quota_text(quota)}): {again}"
    for throttle in scene.throttles[:SHOWN]:
        yield f"slow  {throttle.domain}   {throttle_text(throttle, scene.at)}"


def _domains(one: Overview, scene: Scene) -> Iterator[str]:
    for domain, reason in one.holds.items():
        yield f"{domain} held: {reason}"
    for throttle in scene.throttles:
        if throttle.domain not in one.holds:
            yield f"{throttle.domain} {throttle_text(throttle, scene.at)}"


def throttle_text(throttle: Throttle, at: Instant) -> str:
    """What a domain asked for: slowed by 421 (7/s), or left alone until a time."""
    code = throttle.reply.split(" ")[0] or "its replies"
    if throttle.free_at - at > MICROSECONDS + throttle.gap:
        return f"left alone until {moment(throttle.free_at):%H:%M} UTC by {code}"
    return f"slowed by {code} ({MICROSECONDS / throttle.gap:.3g}/s)"


# --- for programs --------------------------------------------------------------------------------


def as_data(scene: Scene) -> dict[str, Any]:
    """What `mailer.status/1` and the events of a run have of it."""
    return {
        "relays": relays_data(scene.ways),
        "throttled": [
            {
                "domain": one.domain,
                "rate": round(MICROSECONDS / one.gap, 4),
                "free_at": iso(one.free_at),
                "reply": one.reply,
            }
            for one in scene.throttles
        ],
        "processes": scene.processes,
    }


def relays_data(known: Sequence[Way]) -> list[dict[str, Any]]:
    """Each relay as programs see it."""
    return [_relay_data(way) for way in known]


def _relay_data(way: Way) -> dict[str, Any]:
    relay, state = way.relay, way.state
    quota = relay.quota
    down_since = state.down_since if state else None
    return {
        "name": relay.name,
        "host": relay.host,
        "port": relay.port,
        "connections": relay.connections,
        "rate": way.rate,
        "override": state.override if state else "",
        "quota": quota and {"messages": quota.messages, "seconds": quota.seconds},
        "quota_used": way.used,
        "quota_left": way.left,
        "quota_until": iso(state.quota_until) if state else None,
        "state": "not ready" if not _ready(way) else "ok" if down_since is None else "down",
        "down_since": iso(down_since),
        "trouble": state.trouble if state else "",
    }
