"""Every key that can be configured: one table that parsing, errors and documentation share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mailer.config import look, parse, urls

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key of the configuration.

    Attributes:
        name: dotted; `*` stands for the name of a list, group or colour.
        parse: the value, of type `type`, becomes what Config holds; ValueError says why not.
        doc: one line for people.
        example: a value as it is written in TOML.
        default: the value if the key is absent, before parsing; None means that it has none.
        inherits: the key whose value holds if this one is absent.
        secret: it comes from outside the file and is never printed (X-10).
    """

    name: str
    parse: Callable[[Any], object]
    doc: str
    example: str
    type: type = str
    default: object = None
    inherits: str = ""
    required: bool = False
    secret: bool = False

    @property
    def table(self) -> str:
        """The table that the key stands in: `relay`, `lists.*`; empty for the environment's."""
        return self.name.rpartition(".")[0]

    @property
    def leaf(self) -> str:
        """The key without its table."""
        return self.name.rpartition(".")[2]


# More octets of an HTML part than the limit of M-28 would be cut off.
_SIZE = parse.up_to(100_000)

KEYS: tuple[Key, ...] = (
    Key(
        name="newsletter.name",
        parse=parse.line,
        required=True,
        doc="What the newsletter is called.",
        example='"The Weekly"',
    ),
    Key(
        name="newsletter.from",
        parse=parse.mailbox,
        required=True,
        doc="Who sends: a name and an address at a domain of yours.",
        example='"The Weekly <weekly@example.org>"',
    ),
    Key(
        name="newsletter.reply_to",
        parse=parse.mailbox,
        doc="Where answers go, if not to the sender.",
        example='"hello@example.org"',
    ),
    Key(
        name="newsletter.url",
        parse=urls.web_url,
        required=True,
        doc="Where `mailer serve` is reached: unsubscribe links start here.",
        example='"https://news.example.org"',
    ),
    Key(
        name="newsletter.site",
        parse=urls.web_url,
        inherits="newsletter.url",
        doc="What root-relative links of issues are relative to.",
        example='"https://example.org"',
    ),
    Key(
        name="newsletter.assets",
        parse=urls.web_url,
        inherits="newsletter.site",
        doc="What root-relative images of issues are relative to, if not the site.",
        example='"https://cdn.example.org"',
    ),
    Key(
        name="newsletter.page",
        parse=urls.page_url,
        doc="Where an issue stands on the web, {id} being its id; relative links start there.",
        example='"https://example.org/posts/{id}/"',
    ),
    Key(
        name="newsletter.images",
        parse=parse.images,
        default="link",
        doc="Images that stand beside an issue: link them under url, or embed them in the mail.",
        example='"embed"',
    ),
    Key(
        name="newsletter.dialect",
        parse=parse.dialect,
        default="auto",
        doc="Whose Markdown the issues are written in; auto recognises it, issue by issue.",
        example='"jekyll"',
    ),
    Key(
        name="newsletter.address",
        parse=parse.line,
        required=True,
        doc="The postal address in the footer of every mail.",
        example='"1 Example Street, Exampleton"',
    ),
    Key(
        name="newsletter.language",
        parse=parse.language,
        default="en",
        doc="The language of issues that name none.",
        example='"en"',
    ),
    Key(
        name="newsletter.timezone",
        parse=parse.timezone,
        default="UTC",
        doc="The zone of times that name none.",
        example='"Europe/Berlin"',
    ),
    Key(
        name="lists.*.title",
        parse=parse.title,
        required=True,
        doc="What subscribers know the list as.",
        example='"The Weekly"',
    ),
    Key(
        name="lists.*.from",
        parse=parse.mailbox,
        inherits="newsletter.from",
        doc="Who sends to this list.",
        example='"The Weekly <weekly@example.org>"',
    ),
    Key(
        name="lists.*.language",
        parse=parse.language,
        inherits="newsletter.language",
        doc="The language of this list's issues that name none.",
        example='"de"',
    ),
    Key(
        name="lists.*.timezone",
        parse=parse.timezone,
        inherits="newsletter.timezone",
        doc="The zone of this list's times that name none, and of its cron line.",
        example='"Europe/Berlin"',
    ),
    Key(
        name="lists.*.cron",
        parse=parse.cron,
        doc="When `mailer run` mails the oldest ready issue without send_at.",
        example='"0 9 * * MON"',
    ),
    Key(
        name="groups.*",
        parse=parse.addresses,
        type=list,
        doc="Addresses that `--to @NAME` means.",
        example='["ann@example.org"]',
    ),
    Key(
        name="relay.url",
        parse=urls.relay_url,
        required=True,
        doc="The SMTP server: smtps://, smtp+starttls://, or smtp:// on this machine.",
        example='"smtp+starttls://user@smtp.example.org:587"',
    ),
    Key(
        name="relay.connections",
        parse=parse.up_to(1000),  # more are more sockets than a process may open
        type=int,
        default=10,
        doc="How many connections may be open at once, over all processes.",
        example="10",
    ),
    Key(
        name="relay.rate",
        parse=parse.rate,
        doc="The most messages in a time; absent means as fast as the relay takes them.",
        example='"14/s"',
    ),
    Key(
        name="relay.quota",
        parse=parse.quota,
        doc="The most messages in any such stretch of time; then delivery waits.",
        example='"50000/day"',
    ),
    Key(
        name="relay.max_wait",
        parse=parse.duration,
        default="4h",
        doc="How long the relay may be down before `mailer run` pauses its mailings.",
        example='"4h"',
    ),
    Key(
        name="relay.insecure",
        parse=parse.flag,
        type=bool,
        default=False,
        doc="Allows smtp:// to another machine: everybody between reads along.",
        example="true",
    ),
    Key(
        name="relay.name",
        parse=parse.slug,
        doc="What messages call it; each `[[relay]]` needs one.",
        example='"eu"',
    ),
    Key(
        name="relay.messages",
        parse=parse.up_to(1000),
        type=int,
        default=100,
        doc="How many messages go over one connection.",
        example="100",
    ),
    Key(
        name="relay.idle",
        parse=parse.duration,
        default="60s",
        doc="How long a connection that is not used stays open.",
        example='"60s"',
    ),
    Key(
        name="relay.weight",
        parse=parse.up_to(1000),
        type=int,
        default=1,
        doc="Its share among several relays: 3 gets three times as much as 1.",
        example="3",
    ),
    Key(
        name="relay.domains",
        parse=parse.domains,
        type=list,
        doc="Recipient domains that go to this relay and, while it works, to no other.",
        example='["example.com"]',
    ),
    Key(
        name="relay.lists",
        parse=parse.slugs,
        type=list,
        doc="Lists whose mail goes to this relay and, while it works, to no other.",
        example='["weekly"]',
    ),
    Key(
        name="relay.log",
        parse=parse.line,
        doc="Postfix's log on this machine: it tells what became of what is in doubt.",
        example='"/var/log/mail.log"',
    ),
    Key(
        name="relay.token_url",
        parse=urls.token_url,
        doc="Signs in by XOAUTH2: where a refresh token is exchanged for an access token.",
        example='"https://login.example.org/token"',
    ),
    Key(
        name="relay.client_id",
        parse=parse.line,
        doc="XOAUTH2: what the provider calls this program.",
        example='"1234.apps.example.org"',
    ),
    Key(
        name="relay.scope",
        parse=parse.line,
        doc="XOAUTH2: what the token is for, where the provider asks for it.",
        example='"https://mail.example.org/"',
    ),
    Key(
        name="relay.password",
        parse=parse.password,
        secret=True,
        doc="The relay's password.",
        example='"…"',
    ),
    Key(
        name="relay.client_secret",
        parse=parse.password,
        secret=True,
        doc="XOAUTH2: the secret of the client.",
        example='"…"',
    ),
    Key(
        name="relay.refresh_token",
        parse=parse.password,
        secret=True,
        doc="XOAUTH2: what access tokens are asked for with.",
        example='"…"',
    ),
    Key(
        name="bounces.address",
        parse=parse.mailbox_address,
        inherits="newsletter.from",
        doc="Where returned mail goes: each message gets an address of its own at this domain.",
        example='"bounces@example.org"',
    ),
    Key(
        name="database.url",
        parse=urls.database_url,
        default="sqlite:subscribers/mailer.db",
        doc="The ledger: sqlite:PATH, relative to this file, or postgresql://HOST/NAME.",
        example='"sqlite:subscribers/mailer.db"',
    ),
    Key(
        name="delivery.on_doubt",
        parse=parse.on_doubt,
        default="resend",
        doc="A message whose fate is unknown: resend it once, hold it, or skip it.",
        example='"resend"',
    ),
    Key(
        name="delivery.max_age",
        parse=parse.duration,
        default="48h",
        doc="How long a deferred message is tried.",
        example='"48h"',
    ),
    Key(
        name="delivery.fail_ratio",
        parse=parse.ratio,
        type=float,
        default=0.05,
        doc="The share of refused messages above which `mailer send` exits 5.",
        example="0.05",
    ),
    Key(
        name="delivery.processes",
        parse=parse.up_to(64),
        type=int,
        default=1,
        doc="How many processes compose, sign and send side by side.",
        example="2",
    ),
    Key(
        name="delivery.domains.*",
        parse=parse.rate,
        doc="The most messages in a time for a recipient domain, whose name stands in quotes.",
        example='"5/s"',
    ),
    Key(
        name="guard.hard",
        parse=parse.ratio,
        type=float,
        default=0.05,
        doc="The share of addresses that do not exist above which a mailing is paused.",
        example="0.05",
    ),
    Key(
        name="guard.complaints",
        parse=parse.ratio,
        type=float,
        default=0.003,
        doc="The share of complaints above which a mailing is paused.",
        example="0.003",
    ),
    Key(
        name="guard.sample",
        parse=parse.up_to(1_000_000),
        type=int,
        default=500,
        doc="How many of a mailing's first deliveries the guard watches.",
        example="500",
    ),
    Key(
        name="guard.minimum",
        parse=parse.up_to(1_000_000),
        type=int,
        default=200,
        doc="How many of them must have an outcome before shares mean anything.",
        example="200",
    ),
    Key(
        name="guard.equal_replies",
        parse=parse.up_to(1000),
        type=int,
        default=10,
        doc="So many equal refusals that are about the sender hold a recipient domain.",
        example="10",
    ),
    Key(
        name="dkim.domain",
        parse=parse.domain,
        doc="Whose signature it is; absent: the domain of From.",
        example='"example.org"',
    ),
    Key(
        name="dkim.keys.*",
        parse=parse.line,
        doc="The file of a private key, relative to this file; `*` is its selector.",
        example='"dkim/m2026.pem"',
    ),
    Key(
        name="theme.template",
        parse=look.template,
        default="default",
        doc="The template of issues that name none: default, letter, digest or one of your own.",
        example='"letter"',
    ),
    Key(
        name="theme.logo",
        parse=urls.image_url,
        doc="An image that stands at the top instead of the newsletter's name.",
        example='"https://example.org/logo.png"',
    ),
    Key(
        name="theme.logo_width",
        parse=look.logo_width,
        type=int,
        default=160,
        doc="How wide the logo is shown, in pixels.",
        example="160",
    ),
    Key(
        name="theme.width",
        parse=look.width,
        type=int,
        default=look.WIDTH,
        doc="How wide a mail is at most, in pixels: from 480 to 640.",
        example="600",
    ),
    Key(
        name="theme.font",
        parse=look.font,
        default="sans",
        doc="The font: sans, serif, or families as CSS has them, the last one generic.",
        example='"Charter, Georgia, serif"',
    ),
    Key(
        name="theme.light.*",
        parse=look.colour,
        doc="A colour of light mails.",
        example='"#0a58ca"',
    ),
    Key(
        name="theme.dark.*",
        parse=look.colour,
        doc="A colour of dark mails.",
        example='"#82b4ff"',
    ),
    Key(
        name="check.ignore.*",
        parse=parse.line,
        doc="Why a check is ignored in every issue; `*` is its code.",
        example='"our photographs have captions"',
    ),
    Key(
        name="check.clients",
        parse=parse.clients,
        type=list,
        doc="Mail clients whose gaps are a warning (W170); absent: the most widespread.",
        example='["gmail", "outlook"]',
    ),
    Key(
        name="check.size_warn",
        parse=_SIZE,
        type=int,
        default=80_000,
        doc="Bytes of the HTML part above which there is a warning (W151).",
        example="80000",
    ),
    Key(
        name="check.size_max",
        parse=_SIZE,
        type=int,
        default=100_000,
        doc="Bytes of the HTML part above which an issue is refused (E150).",
        example="100000",
    ),
    Key(
        name="check.spam",
        parse=parse.spam,
        default="off",
        doc="Who scores each mail by rules on this machine (W180): spamassassin, rspamd or off.",
        example='"spamassassin"',
    ),
    Key(
        name="check.spam_score",
        parse=parse.score,
        type=float,
        default=2.0,
        doc="The score above which there is a warning.",
        example="2.0",
    ),
    Key(
        name="check.hosts",
        parse=parse.hosts,
        type=list,
        doc="Hosts that links may be verified at although their address is private.",
        example='["wiki.example.org", "127.0.0.1:8080"]',
    ),
    Key(
        name="instance",
        parse=parse.line,
        doc="What this installation is called; else the machine says. Another one does not send.",
        example='"blue"',
    ),
    Key(
        name="secret_key",
        parse=parse.secret_keys,
        secret=True,
        doc="Signs links: one key or several, newest first; random, at least 32 characters.",
        example='"…"',
    ),
)

TABLES: dict[str, dict[str, Key]] = {}
"""Table -> the keys that it may hold, by their last name."""
for _key in KEYS:
    TABLES.setdefault(_key.table, {})[_key.leaf] = _key
