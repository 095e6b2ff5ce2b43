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
class RelayConfig:
    """`[relay]`: the SMTP server that mail is handed to.

    Attributes:
        security: "implicit", "starttls" or "none" (S-10).
        rate: messages per second; None means as fast as the relay takes it.
        max_wait: seconds that a relay may be down before `run` pauses its mailings.
    """

    host: str
    port: int
    security: str
    user: str = ""
    password: str = field(default="", repr=False)
    connections: int = 10
    rate: float | None = None
    max_wait: float = 4 * 3600
    insecure: bool = False

    @property
    def name(self) -> str:
        """host:port, as messages name the relay."""
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryConfig:
    """`[delivery]`: doubt, patience and the limit of failures."""

    on_doubt: OnDoubt
    max_age: float = 48 * 3600
    fail_ratio: float = 0.05


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
        secret_keys: key ring, newest first: the first signs, all verify; never printed.
        origins: dotted key -> where its value came from ("mailer.toml:4", "environment", …).
    """

    root: Path
    newsletter: Newsletter
    lists: Mapping[str, ListConfig]
    groups: Mapping[str, tuple[str, ...]]
    relay: RelayConfig
    bounce_address: str
    database_url: str = field(repr=False)
    delivery: DeliveryConfig
    theme: ThemeConfig = field(default_factory=ThemeConfig)
    check: CheckConfig = field(default_factory=CheckConfig)
    secret_keys: tuple[bytes, ...] = field(default=(), repr=False)
    origins: Mapping[str, str] = field(default_factory=dict)
