"""The panel of a mailing before it is sent: what, to whom, why not to others, by which relay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from mailer.cli import findings
from mailer.cli.reckoning import carriers, duration_text, end, end_text, fits_text, quota_text
from mailer.cli.scene import relays_data
from mailer.ledger.variants import label
from mailer.model import Level
from mailer.when import describe

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mailer.check.everybody import Composed
    from mailer.cli.reckoning import End, Way
    from mailer.compose.mime import Sizes
    from mailer.errors import MailerError
    from mailer.ledger.choosing import Audience
    from mailer.model import Finding, Instant, Mailbox, Rendering
    from mailer.prepare import Prepared

SHOWN_DOMAINS = 3
LISTED_DOMAINS = 20
KILO = 1000
NO_RSA = "; who knows only RSA sees no signature"


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """Everything that is known of a mailing before it begins.

    Attributes:
        ways: the relays, and how they stand.
        refusals: what else than a finding would stop it: it is a draft, nobody would get it.
    """

    prepared: Prepared
    audience: Audience
    composed: Composed
    ways: tuple[Way, ...]
    refusals: tuple[MailerError, ...] = ()

    @property
    def carriers(self) -> tuple[Way, ...]:
        """The relays that would carry it."""
        return carriers(self.ways, self.prepared.list.slug)

    @property
    def end(self) -> End:
        """When it would end by rates and quotas."""
        return end(self.audience.recipients, self.carriers)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What the checks and the composing found."""
        return (*self.prepared.findings, *self.composed.findings)

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that stop a mailing."""
        return tuple(one for one in self.findings if one.level is Level.ERROR)


# --- for people ----------------------------------------------------------------------------------


def as_text(truth: Truth, *, folder: Path, now: Instant) -> str:
    """The panel of a dry run."""
    lines = [short(truth, now=now), ""]
    if truth.composed.domains:
        lines.append(f" Domains   {_domains(truth.composed)}")
    lines += [
        f" Samples   {folder}/ : {_people(len(truth.composed.samples))}, .eml .html .txt",
        f" Excluded  {folder}/excluded.csv, each with the reason",
        *(f" ✖ {error.code} {error.message}  → {error.next}" for error in truth.refusals),
        " Nothing was sent. Nothing was changed.",
    ]
    return "\n".join(lines)


def short(truth: Truth, *, now: Instant) -> str:
    """The panel above the question."""
    prepared, revision = truth.prepared, truth.prepared.base.stamped()
    sizes = prepared.sizes
    commit = f" @ {revision.commit}" if revision.commit else ""
    reply_to = f"   Reply-To {revision.reply_to.address}" if revision.reply_to else ""
    lines = [
        f" {_subject(prepared.rendering)}   ({prepared.issue.id}{commit})",
        f" From      {_mailbox(revision.sender)}{reply_to}",
        f" List      {prepared.list.slug}",
        f" Time      {_time(prepared, now)}",
        *_relays(truth),
        f" Signed    {_signed(prepared)}",
        "",
        arithmetic(truth.audience),
        *_variants(truth),
        "",
        f" HTML      {_html(sizes) / KILO:.1f} KB of {prepared.limits.size_max / KILO:g} KB",
        f" Text      {sizes.text_decoded / KILO:.1f} KB",
        f" Largest   {truth.composed.largest / KILO:.1f} KB on the wire",
        f" Digest    {revision.digest[:12]}",
        *_quotas(truth),
        f" Duration  {_duration(truth)}",
        f" Checks    {_checks(truth)}",
        *findings.blocks(truth.findings, file=prepared.issue.file),
    ]
    return "\n".join(lines)


def arithmetic(audience: Audience) -> str:
    """Everybody on the list, less each exclusion, is who will receive."""
    lines = [f" Audience  on the list {audience.on_list:>18,}"]
    lines += [f"           − {name:<22} {number:>5,}" for name, number in audience.excluded.items()]
    lines.append(f"           = will receive {audience.recipients:>15,}")
    return "\n".join(lines)


def _variants(truth: Truth) -> Iterator[str]:
    """Who gets what, if not all get the same: how many, the subject, the file."""
    made = truth.prepared.variants
    head = " Variants  "
    for name, variant in made.items() if len(made) > 1 else ():
        number = truth.composed.variants.get(name, 0)
        subject = _subject(variant.rendering)
        yield f"{head}{label(name):<24} {number:>5,}   {subject}   ({variant.issue.file})"
        head = " " * len(head)


def _subject(rendering: Rendering) -> str:
    return "".join(
        piece if isinstance(piece, str) else f"{{{{ {piece.expression} }}}}"
        for piece in rendering.subject
    )


def _time(prepared: Prepared, now: Instant) -> str:
    if prepared.when is None:
        return "now"
    return describe(prepared.planned, zone=prepared.when.zone, now=now)


def _html(sizes: Sizes) -> int:
    return max(sizes.html_decoded, sizes.html_encoded)


def _domains(composed: Composed) -> str:
    ranked = _ranked(composed)
    shown = ", ".join(f"{domain} {number:,}" for domain, number in ranked[:SHOWN_DOMAINS])
    more = len(ranked) - SHOWN_DOMAINS
    return shown + (f" … {more:,} more" if more > 0 else "")


def _ranked(composed: Composed) -> list[tuple[str, int]]:
    """The domains with the most people first."""
    return sorted(composed.domains.items(), key=lambda item: (-item[1], item[0]))


def _mailbox(mailbox: Mailbox) -> str:
    return f"{mailbox.name} <{mailbox.address}>" if mailbox.name else mailbox.address


def _relays(truth: Truth) -> Iterator[str]:
    head = " Relay     "
    for way in truth.ways:
        yield head + _relay(way)
        head = " " * len(head)


def _relay(way: Way) -> str:
    relay = way.relay
    parts = [
        {"implicit": "TLS", "starttls": "STARTTLS", "none": "no encryption"}[relay.security],
        _count(relay.connections, "connection"),
    ]
    if way.rate is not None:
        parts.append(f"{way.rate:g}/s")
    if relay.quota is not None:
        parts += [quota_text(relay.quota), f"{way.used:,} used"]
    return f"{relay.name} ({', '.join(parts)})"


def _quotas(truth: Truth) -> Iterator[str]:
    """Whether each relay's quota is enough for its share."""
    used = truth.carriers
    weights = sum(way.relay.weight for way in used)
    for way in used:
        if way.relay.quota is not None:
            share = -(-truth.audience.recipients * way.relay.weight // weights)
            name = f"{way.relay.name} " if len(used) > 1 else ""
            yield f" Quota     {name}{fits_text(way, share)}"


def _duration(truth: Truth) -> str:
    ends = truth.end
    if ends.seconds is None:
        return "as fast as the relay takes it"
    when = truth.prepared.when
    zone = ZoneInfo(when.zone if when else truth.prepared.list.timezone)
    at = end_text(ends.seconds, now=truth.prepared.planned, zone=zone)
    limit = f" ({ends.limit})" if ends.limit else ""
    return f"about {duration_text(ends.seconds)}{limit}, ends {at}"


def _checks(truth: Truth) -> str:
    errors, warnings = len(truth.errors), len(truth.prepared.warnings)
    return f"{_count(errors, 'error')} · {_count(warnings, 'warning')}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _people(number: int) -> str:
    return "1 person" if number == 1 else f"{number:,} people"


def _signed(prepared: Prepared) -> str:
    """Whose signatures the mails carry, and of which keys."""
    if prepared.signer is None:
        return "not signed here: the relay must"
    keys = (
        f"{key.kind} {key.selector}" + (f" of only {key.bits} bits" if key.is_short else "")
        for key in prepared.signer.keys
    )
    lacks = "" if any(key.kind == "rsa" for key in prepared.signer.keys) else NO_RSA
    return f"{prepared.revision.signing_domain} ({', '.join(keys)}){lacks}"


# --- for programs --------------------------------------------------------------------------------


def as_data(truth: Truth, *, folder: Path, now: Instant) -> dict[str, Any]:
    """The same for programs."""
    prepared, revision = truth.prepared, truth.prepared.base.stamped()
    return {
        "issue": prepared.issue.id,
        "subject": _subject(prepared.rendering),
        "list": prepared.list.slug,
        "from": _mailbox(revision.sender),
        "reply_to": revision.reply_to and revision.reply_to.address,
        "planned": _time(prepared, now),
        "relays": relays_data(truth.ways),
        "signed": _signed_data(prepared),
        "audience": {
            "on_list": truth.audience.on_list,
            "excluded": truth.audience.excluded,
            "recipients": truth.audience.recipients,
        },
        "composed": truth.composed.recipients,
        "variants": _variants_data(truth),
        "domains": dict(_ranked(truth.composed)[:LISTED_DOMAINS]),
        "sizes": _sizes_data(truth),
        "digest": revision.digest,
        "commit": revision.commit,
        "duration": None if truth.end.seconds is None else round(truth.end.seconds, 1),
        "findings": [findings.as_data(one) for one in truth.findings],
        "errors": [f"{one.id} {one.message}" for one in truth.errors]
        + [f"{one.code} {one.message}" for one in truth.refusals],
        "samples": str(folder),
    }


def _signed_data(prepared: Prepared) -> dict[str, Any] | None:
    if prepared.signer is None:
        return None
    keys = [{"selector": key.selector, "type": key.kind} for key in prepared.signer.keys]
    return {"domain": prepared.revision.signing_domain, "keys": keys}


def _variants_data(truth: Truth) -> dict[str, Any]:
    made = truth.prepared.variants
    return {
        label(name): {
            "file": variant.issue.file,
            "subject": _subject(variant.rendering),
            "recipients": truth.composed.variants.get(name, 0),
            "digest": variant.revision.digest,
        }
        for name, variant in (made.items() if len(made) > 1 else ())
    }


def _sizes_data(truth: Truth) -> dict[str, int]:
    sizes = truth.prepared.sizes
    return {
        "html": _html(sizes),
        "text": sizes.text_decoded,
        "largest": truth.composed.largest,
    }
