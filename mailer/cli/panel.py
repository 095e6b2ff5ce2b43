"""The panel of a mailing before it is sent: what, to whom, why not to others, by which relay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mailer.check.mail import SIZE_MAX
from mailer.model import Level
from mailer.when import describe

if TYPE_CHECKING:
    from collections import Counter
    from pathlib import Path

    from mailer.check.mail import Composed
    from mailer.config import RelayConfig
    from mailer.ledger.mailings import Audience
    from mailer.model import Finding, Instant, Mailbox
    from mailer.prepare import Prepared

SHOWN_DOMAINS = 3
MARKS = {Level.ERROR: "✖", Level.WARNING: "▲", Level.INFO: "ℹ"}
KILO = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """Everything that a dry run found out."""

    prepared: Prepared
    audience: Audience
    composed: Composed
    domains: Counter[str]
    relay: RelayConfig
    folder: Path

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What the checks and the composing found."""
        return (*self.prepared.findings, *self.composed.findings)

    @property
    def errors(self) -> list[str]:
        """What would stop the mailing."""
        errors = [f"{one.id} {one.message}" for one in self.findings if one.level is Level.ERROR]
        return errors if self.audience.recipients else [*errors, "E704 nobody would get it"]


def as_text(truth: Truth, *, now: Instant) -> str:
    """The panel of a dry run for people."""
    lines = [short(truth.prepared, truth.audience, truth.composed, truth.relay, now=now), ""]
    if truth.domains:
        shown = truth.domains.most_common(SHOWN_DOMAINS)
        more = len(truth.domains) - len(shown)
        text = ", ".join(f"{domain} {number:,}" for domain, number in shown)
        lines.append(f" Domains   {text}" + (f" …{more} more" if more else ""))
    lines.append(
        f" Samples   {truth.folder}/ : {len(truth.composed.samples)} people, .eml .html .txt"
    )
    lines.append(f" Excluded  {truth.folder}/excluded.csv, each with the reason")
    lines += [f" ✖ {error}" for error in truth.errors]
    lines.append(" Nothing was sent. Nothing was changed.")
    return "\n".join(lines)


def short(
    prepared: Prepared,
    audience: Audience,
    composed: Composed,
    relay: RelayConfig,
    *,
    now: Instant,
) -> str:
    """The panel above the question."""
    subject = "".join(
        piece if isinstance(piece, str) else f"{{{{ {piece.expression} }}}}"
        for piece in prepared.rendering.subject
    )
    revision, sizes = prepared.revision, prepared.template.sizes
    commit = f" @ {revision.commit}" if revision.commit else ""
    when = describe(prepared.planned, zone=prepared.list.timezone, now=now)
    reply_to = f"   Reply-To {revision.reply_to.address}" if revision.reply_to else ""
    html = max(sizes.html_decoded, sizes.html_encoded)
    lines = [
        f" {subject}   ({prepared.issue.id}{commit})",
        f" From      {_mailbox(revision.sender)}{reply_to}",
        f" List      {prepared.list.slug}",
        f" Time      {when if prepared.when else 'now'}",
        f" Relay     {_relay(relay)}",
        "",
        arithmetic(audience),
        "",
        f" HTML      {html / KILO:.1f} KB of {SIZE_MAX // KILO} KB",
        f" Text      {sizes.text_decoded / KILO:.1f} KB",
        f" Largest   {composed.largest / KILO:.1f} KB on the wire",
        f" Digest    {revision.digest[:12]}",
        f" Duration  {_duration(audience.recipients, relay)}",
        f" Checks    {_checks(prepared)}",
        *_findings((*prepared.findings, *composed.findings)),
    ]
    return "\n".join(lines)


def arithmetic(audience: Audience) -> str:
    """Everybody on the list, less each exclusion, is who will receive."""
    lines = [f" Audience  on the list {audience.on_list:>18,}"]
    lines += [f"           − {name:<22} {number:>5,}" for name, number in audience.excluded.items()]
    lines.append(f"           = will receive {audience.recipients:>15,}")
    return "\n".join(lines)


def as_data(truth: Truth, *, now: Instant) -> dict[str, Any]:
    """The same for programs."""
    prepared, sizes = truth.prepared, truth.prepared.template.sizes
    return {
        "issue": prepared.issue.id,
        "list": prepared.list.slug,
        "from": _mailbox(prepared.revision.sender),
        "planned": describe(prepared.planned, zone=prepared.list.timezone, now=now),
        "relay": _relay(truth.relay),
        "audience": {
            "on_list": truth.audience.on_list,
            "excluded": truth.audience.excluded,
            "recipients": truth.audience.recipients,
        },
        "composed": truth.composed.recipients,
        "domains": dict(truth.domains.most_common(20)),
        "sizes": {
            "html": max(sizes.html_decoded, sizes.html_encoded),
            "text": sizes.text_decoded,
            "largest": truth.composed.largest,
        },
        "digest": prepared.revision.digest,
        "commit": prepared.revision.commit,
        "duration": _seconds(truth.audience.recipients, truth.relay),
        "findings": [
            {
                "id": one.id,
                "level": one.level,
                "file": one.file,
                "line": one.line,
                "message": one.message,
                "next": one.next_step,
            }
            for one in truth.findings
        ],
        "errors": truth.errors,
        "samples": str(truth.folder),
    }


def _mailbox(mailbox: Mailbox) -> str:
    return f"{mailbox.name} <{mailbox.address}>" if mailbox.name else mailbox.address


def _relay(relay: RelayConfig) -> str:
    secured = {"implicit": "TLS", "starttls": "STARTTLS", "none": "no encryption"}[relay.security]
    rate = f", {relay.rate:g}/s" if relay.rate else ""
    return f"{relay.name} ({secured}, {relay.connections} connections{rate})"


def _seconds(recipients: int, relay: RelayConfig) -> float | None:
    return None if relay.rate is None else round(recipients / relay.rate, 1)


def _duration(recipients: int, relay: RelayConfig) -> str:
    seconds = _seconds(recipients, relay)
    if seconds is None:
        return "as fast as the relay takes it"
    minutes, rest = divmod(round(seconds), 60)
    return f"about {minutes} min {rest} s at {relay.rate:g}/s"


def _checks(prepared: Prepared) -> str:
    return f"{len(prepared.errors)} errors · {len(prepared.warnings)} warnings"


def _findings(findings: tuple[Finding, ...]) -> list[str]:
    return [
        f"   {one.line or '':>4} {MARKS[one.level]} {one.id}  {one.message}"
        + (f"  → {one.next_step}" if one.next_step else "")
        for one in findings
        if one.level is not Level.INFO
    ]
