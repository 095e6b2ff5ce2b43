"""The nouns of configuration: frozen values, one class per table of mailer.toml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mailer.config import look

if TYPE_CHECKING:
    from mailer.model import Mailbox, OnDoubt


@dataclass(frozen=True, slots=True, kw_only=True)
class Newsletter:
    """`[newsletter]`: who sends, and where the pages are.

    Attributes:
        site, assets: what root-relative links and images are relative to.
        page: where an issue stands on the web, with `{id}` in it; empty if it stands nowhere.
        images: what becomes of images beside an issue, "link" or "embed".
        dialect: a name of `model.DIALECTS`, or "auto".
    """

    name: str
    sender: Mailbox
    reply_to: Mailbox | None
    url: str
    site: str
    address: str
    assets: str = ""
    page: str = ""
    images: str = "link"
    dialect: str = "auto"
    language: str = "en"
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListConfig:
    """`[lists.NAME]`: one audience."""

    slug: str
    title: str
    sender: Mailbox
    language: str
    timezone: str
    cron: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """At most so many messages in any stretch of so many seconds: `50000/day`."""

    messages: int
    seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuth:
    """How to get access tokens for XOAUTH2 (RFC 6749 §6).

    Attributes:
        token_url: the https endpoint that gives a token for the refresh token.
    """

    token_url: str
    client_id: str
    client_secret: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)
    scope: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayConfig:
    """`[relay]`, or one of several `[[relay]]`: an SMTP server that mail is handed to.

    Attributes:
        label: its name in the configuration; empty where there is only one.
        security: "implicit", "starttls" or "none" (S-10).
        oauth: where AUTH is XOAUTH2; None where a password proves who we are.
        rate: messages per second; None means as fast as the relay takes it.
        quota: the most messages in a time; None: no limit.
        max_wait: seconds that a relay may be down before `run` pauses its mailings.
        messages: how many go over one connection (S-4).
        idle: seconds after which a connection that is not used is closed (S-4).
        weight: its share among the relays that may carry a message.
        domains, lists: recipient domains and lists that it is for; empty: all. Who is named by a
            relay goes there only, and by the others when that one is down.
        log: Postfix's log on this machine, which tells what became of what is in doubt (S-42).
    """

    host: str
    port: int
    security: str
    label: str = ""
    user: str = ""
    password: str = field(default="", repr=False)
    oauth: OAuth | None = None
    connections: int = 10
    rate: float | None = None
    quota: Quota | None = None
    max_wait: float = 4 * 3600
    insecure: bool = False
    messages: int = 100
    idle: float = 60.0
    weight: int = 1
    domains: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    log: Path | None = None

    @property
    def name(self) -> str:
        """What the ledger and messages call it: its label, else host:port."""
        return self.label or f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryConfig:
    """`[delivery]`: doubt, patience and the limit of failures.

    Attributes:
        processes: how many sign and send side by side.
        domains: recipient domain -> the most messages per second for it.
    """

    on_doubt: OnDoubt
    max_age: float = 48 * 3600
    fail_ratio: float = 0.05
    processes: int = 1
    domains: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardConfig:
    """`[guard]`: when a mailing is stopped for its own good (S-33).

    Attributes:
        hard: the share of addresses that do not exist.
        complaints: the share of complaints.
        sample: how many of the first deliveries are watched.
        minimum: how many must have an outcome before the shares mean anything.
        equal_replies: so many equal sender faults hold a domain (decisions 16).
    """

    hard: float = 0.05
    complaints: float = 0.003
    sample: int = 500
    minimum: int = 200
    equal_replies: int = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class DkimConfig:
    """`[dkim]`: how messages are signed.

    Attributes:
        domain: d= of the signatures; empty: the domain of From.
        keys: selector -> the file of its private key (PEM), in the order of the signatures; empty:
            the relay signs.
    """

    domain: str = ""
    keys: Mapping[str, Path] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ThemeConfig:
    """`[theme]`: what mails look like.

    Attributes:
        template: the template of issues that name none.
        logo: the URL of an image; empty for the newsletter's name in letters.
        logo_width, width: CSS pixels.
        font: families as CSS has them, names of several words in single quotes.
        light, dark: every colour by its name, such as "#0a58ca" (`look.TOKENS`).
    """

    template: str = "default"
    logo: str = ""
    logo_width: int = 160
    width: int = look.WIDTH
    font: str = look.SANS
    light: Mapping[str, str] = field(default_factory=lambda: look.LIGHT)
    dark: Mapping[str, str] = field(default_factory=lambda: look.DARK)

    @property
    def column(self) -> int:
        """How wide the content is, in CSS pixels."""
        return self.width - 2 * look.MARGIN


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckConfig:
    """`[check]`: what counts as wrong, and what is let pass.

    Attributes:
        ignore: check id -> the reason why it is ignored in every issue.
        clients: families of `model.CLIENTS`.
        size_warn, size_max: octets of the HTML part (M-28).
        spam: "spamassassin", "rspamd" or "off".
        hosts: `host` or `host:port` in lower case, verified although the address is private.
    """

    ignore: Mapping[str, str] = field(default_factory=dict)
    clients: tuple[str, ...] = ("apple-mail", "gmail", "outlook", "outlook-windows", "yahoo")
    size_warn: int = 80_000
    size_max: int = 100_000
    spam: str = "off"
    spam_score: float = 2.0
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything that is configured, with the folder that it holds for.

    Attributes:
        root: the newsletter's folder.
        database_url: `sqlite:/absolute/path` or `postgresql://…`, which may hold a password.
        instance: what this installation is called, if somebody says so.
        secret_keys: key ring, newest first: the first signs, all verify; never printed.
        origins: dotted key -> where its value came from ("mailer.toml:4", "environment", …).
    """

    root: Path
    newsletter: Newsletter
    lists: Mapping[str, ListConfig]
    groups: Mapping[str, tuple[str, ...]]
    relays: tuple[RelayConfig, ...]
    bounce_address: str
    database_url: str = field(repr=False)
    delivery: DeliveryConfig
    guard: GuardConfig = field(default_factory=GuardConfig)
    dkim: DkimConfig = field(default_factory=DkimConfig)
    theme: ThemeConfig = field(default_factory=ThemeConfig)
    check: CheckConfig = field(default_factory=CheckConfig)
    instance: str = ""
    secret_keys: tuple[bytes, ...] = field(default=(), repr=False)
    origins: Mapping[str, str] = field(default_factory=dict)

    @property
    def journal(self) -> Path:
        """This machine's journal of a ledger on a server; an embedded one has its own beside it."""
        return self.root / "subscribers" / "mailer.journal"

    @property
    def relay(self) -> RelayConfig:
        """The first relay: test copies and notices go there."""
        return self.relays[0]
