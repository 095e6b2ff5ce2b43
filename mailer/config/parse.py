"""One configured value becomes what the program works with, or a ValueError says why not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from mailer.address import AddressError
from mailer.address import parse as parse_address
from mailer.config.shape import Quota
from mailer.model import CLIENTS, DIALECTS, Mailbox, OnDoubt

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

# What may reach no header (M-11): C0 and C1 controls, DEL, the line separators, lone surrogates.
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_MAILBOX = re.compile(r"(?P<name>[^<>]*?)\s*<(?P<address>[^<>]*)>")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_PER = {"s": 1, "sec": 1, "min": 60, "m": 60, "h": 3600, "hour": 3600, "d": 86_400, "day": 86_400}
_PERIODS = {unit: seconds for unit, seconds in _PER.items() if seconds > 1}
_SELECTOR = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)
_SAMPLES = ("change", "secret", "password", "example", "0123456789", "abcdefgh")
_HOST = re.compile(r"(?:[a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?")
_SHORTEST_KEY = 32
_LEAST_VARIETY = 8


def line(value: str) -> str:
    """One line of text that may stand in a header (M-11, case 5)."""
    if found := CONTROL.search(value):
        raise ValueError(f"holds the control character U+{ord(found[0]):04X}")
    if not value.strip():
        raise ValueError("is empty")
    return value.strip()


def title(value: str) -> str:
    """A list's title, which names the list in List-Id (case 5)."""
    if "<" in value or ">" in value:
        raise ValueError("holds an angle bracket")
    return line(value)


def slug(value: str) -> str:
    """The name of a list or group: one label of a domain name."""
    if not re.fullmatch(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", value):
        raise ValueError("may hold only a-z, 0-9 and inner hyphens, at most 63")
    return value


def slugs(value: list[object]) -> tuple[str, ...]:
    """Some names of lists."""
    return tuple(slug(str(name)) for name in value)


def domain(value: str) -> str:
    """A mail domain, as lower A-label."""
    try:
        return parse_address(f"x@{value}").domain
    except AddressError as error:
        raise ValueError("is no mail domain such as example.org") from error


def domains(value: list[object]) -> tuple[str, ...]:
    """Some mail domains."""
    return tuple(domain(str(name)) for name in value)


def selector(value: str) -> str:
    """The name of a DKIM key in the DNS: one or more labels (RFC 6376 §3.1)."""
    if not all(_SELECTOR.fullmatch(label) for label in value.split(".")):
        raise ValueError("may hold only letters, digits, inner hyphens, and dots between labels")
    return value


def address(value: str) -> str:
    """A mail address, as it was typed."""
    try:
        return parse_address(value).given
    except AddressError as error:
        raise ValueError(f"is not an address. {error.reason}") from error


def _own_address(value: str) -> str:
    """An address of ours, as it stands in headers: one that every relay can carry (M-7)."""
    parsed = parse_address(address(value))
    if parsed.needs_smtputf8:
        raise ValueError("has letters before the @ that many relays cannot carry")
    return parsed.wire


def addresses(value: list[object]) -> tuple[str, ...]:
    """Some mail addresses."""
    if not all(isinstance(item, str) for item in value):
        raise ValueError("must be a list of addresses")
    return tuple(address(str(item)) for item in value)


def mailbox(value: str) -> Mailbox:
    """`Name <address>`, `"Name" <address>` or an address: exactly one mailbox (M-7)."""
    text = line(value)
    parts = _MAILBOX.fullmatch(text)
    if not parts:
        return Mailbox(name="", address=_own_address(text))
    name = parts["name"].strip()
    if quoted := _QUOTED.fullmatch(name):
        name = re.sub(r"\\(.)", r"\1", quoted[1])
    elif '"' in name:
        raise ValueError("has a quotation mark too many or too few")
    return Mailbox(name=name.strip(), address=_own_address(parts["address"]))


def mailbox_address(value: str) -> str:
    """The address of a mailbox, without its name."""
    return mailbox(value).address


def _amount(value: str, pattern: str, units: Mapping[str, int], example: str) -> tuple[float, int]:
    found = re.fullmatch(pattern, value.strip(), re.ASCII)
    if not found or found["unit"] not in units or not float(found["amount"]):
        raise ValueError(f"must look like {example}")
    return float(found["amount"]), units[found["unit"]]


def duration(value: str) -> float:
    """`90s`, `15m`, `4h` or `2d` as seconds."""
    amount, unit = _amount(
        value, r"(?P<amount>\d{1,9}(?:\.\d{1,3})?)\s*(?P<unit>\w+)", _SECONDS, "90s, 15m, 4h or 2d"
    )
    return amount * unit


def rate(value: str) -> float:
    """`14/s`, `500/min`, `20000/h` or `50000/day` as messages per second."""
    amount, unit = _amount(
        value,
        r"(?P<amount>\d{1,9}(?:\.\d{1,3})?)\s*/\s*(?P<unit>\w+)",
        _PER,
        "14/s, 500/min, 20000/h or 50000/day",
    )
    return amount / unit


def quota(value: str) -> Quota:
    """`50000/day`, `2000/h` or `100/min`: the most messages in any such time."""
    amount, unit = _amount(
        value, r"(?P<amount>\d{1,9})\s*/\s*(?P<unit>\w+)", _PERIODS, "50000/day, 2000/h or 100/min"
    )
    return Quota(messages=int(amount), seconds=unit)


def up_to(most: int) -> Callable[[int], int]:
    """A parser of whole numbers from 1 to `most`."""

    def number(value: int) -> int:
        if not 1 <= value <= most:
            raise ValueError(f"must be from 1 to {most}")
        return value

    return number


def ratio(value: float) -> float:
    """A share between 0 and 1."""
    if not 0 <= value <= 1:
        raise ValueError("must be from 0 to 1")
    return float(value)


def flag(value: bool) -> bool:  # noqa: FBT001  a parser takes the value alone
    """Yes or no."""
    return value


def language(value: str) -> str:
    """A language tag such as `en` or `pt-BR` (RFC 5646)."""
    if not re.fullmatch(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*", value):
        raise ValueError("is no language tag such as en, de or pt-BR")
    return value


def timezone(value: str) -> str:
    """A zone of the IANA database such as `Europe/Berlin`."""
    try:
        return ZoneInfo(value).key
    except (OSError, ValueError, LookupError) as error:  # a folder, a path upwards, not there
        raise ValueError("is no time zone such as UTC or Europe/Berlin") from error


def cron(value: str) -> str:
    """A crontab line of five fields; weekdays by name."""
    from apscheduler.triggers.cron import CronTrigger  # noqa: PLC0415  few configurations need it

    fields = value.split()
    # APScheduler counts weekdays from Monday = 0, crontab from Sunday = 0: a digit is ambiguous.
    if len(fields) == 5 and re.search(r"(?<![/\d])\d", fields[4]):  # noqa: PLR2004  crontab(5)
        raise ValueError("must name its weekdays: MON or SAT,SUN")
    try:
        CronTrigger.from_crontab(value, timezone="UTC")
    except (ValueError, OverflowError) as error:
        raise ValueError(f"is no crontab line: {error}") from error
    return value


def on_doubt(value: str) -> OnDoubt:
    """What happens to a message whose fate is unknown (S-42)."""
    return OnDoubt(_one_of(value, tuple(OnDoubt)))


def dialect(value: str) -> str:
    """Whose Markdown issues are written in."""
    return _one_of(value, ("auto", *DIALECTS))


def images(value: str) -> str:
    """What becomes of images that stand beside an issue."""
    return _one_of(value, ("link", "embed"))


def clients(value: list[object]) -> tuple[str, ...]:
    """Families of mail clients."""
    return tuple(_one_of(str(name), CLIENTS) for name in value)


def spam(value: str) -> str:
    """The program that scores mails, or off."""
    return _one_of(value, ("off", "spamassassin", "rspamd"))


def score(value: float) -> float:
    """A score of spam rules."""
    if not 0 < value < 100:  # noqa: PLR2004  NaN is no score either
        raise ValueError("must be above 0 and under 100")
    return float(value)


def hosts(value: list[object]) -> tuple[str, ...]:
    """Some hosts, each perhaps with a port."""
    names = [str(name).lower() for name in value]
    if not all(_HOST.fullmatch(name) for name in names):
        raise ValueError("must be a list of hosts, each perhaps with a port")
    return tuple(names)


def _one_of(value: str, known: Collection[str]) -> str:
    if value not in known:
        raise ValueError(f"must be one of {', '.join(known)}")
    return value


def secret_keys(value: str) -> tuple[bytes, ...]:
    """A key ring, newest first, separated by spaces or commas; none that anybody knows (X-1)."""
    keys = re.split(r"[\s,]+", value.strip(" \t\r\n,"))
    for key in keys:
        if len(key) < _SHORTEST_KEY:
            raise ValueError(f"holds a key of fewer than {_SHORTEST_KEY} characters")
        known = any(sample in key.lower() for sample in _SAMPLES)
        if known or len(set(key)) < _LEAST_VARIETY:
            raise ValueError("holds a key that can be guessed")
    return tuple(key.encode(errors="surrogateescape") for key in keys)


def password(value: str) -> str:
    """What AUTH proves (never printed)."""
    if re.search("[\x00\r\n]", value):
        raise ValueError("holds a line end or NUL")
    return value
