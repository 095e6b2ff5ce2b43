"""The errors when a relay does not let us in: what it said, whose fault it is, what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mailer.config.sources import variable
from mailer.delivery.verdicts import words
from mailer.errors import ConfigError, MailerError, StoppedError
from mailer.model import Phase, Reply
from mailer.smtp.events import AuthFault

if TYPE_CHECKING:
    from mailer.smtp.connection import HandshakeError

_PASSWORD_CLOSED: Final = "5.7.30"  # noqa: S105  Microsoft: this mailbox takes no password at AUTH

_REFUSALS: Final = {
    AuthFault.CREDENTIALS: (
        "E303",
        "The relay refused user and password",
        "check {password} and the user in [relay] url",
    ),
    AuthFault.GRANT: (
        "E306",
        "The refresh token gives no access token any more",
        "sign in anew and renew {refresh_token}, or {client_secret}",
    ),
    AuthFault.UNSET: (
        "E306",
        "There is no refresh token, so the relay was not asked to let us in",
        "set {refresh_token} (mailer config show: what is set)",
    ),
    AuthFault.TOKEN: (
        "E307",
        "The relay refused a fresh access token",
        "check the user in [relay] url and what the token may do ([relay] scope)",
    ),
    AuthFault.PROOF: (
        "E308",
        "The relay did not prove that it knows the password",
        "check host and port of [relay] url: is that your relay?",
    ),
    Phase.AUTH: (
        "E305",
        "The relay offers no way of signing in that is used here",
        "check port and encryption of [relay] url, or let the relay offer one",
    ),
    Phase.STARTTLS: (
        "E304",
        "The relay offers no encryption that can be trusted",
        "check host and port of [relay] url",
    ),
}
_REFUSED: Final = ("E305", "The relay refused the conversation", "mend what it says")
_USE_XOAUTH2: Final = (
    "E303",
    "The relay takes no passwords any more",
    "set token_url and client_id in [relay], and {refresh_token}, instead (XOAUTH2)",
)


def relay_refused(relay: str, error: HandshakeError) -> ConfigError:
    """The relay does not let us in: configuration, credentials or certificate."""
    code, message, mend = _told(relay, error)
    return ConfigError(
        code,
        message,
        where=relay,
        detail=f"{_said(error)}\nNobody was marked as failed; the mailing is paused.",
        next_step=f"{mend}, then mailer resume MAILING  (mailer status names it)",
    )


def no_copies(relay: str, error: HandshakeError) -> MailerError:
    """The same for test copies, which no ledger keeps; or the relay cannot be reached."""
    code, message, mend = _told(relay, error)
    if error.configuration:
        return ConfigError(
            code,
            message,
            where=relay,
            detail=f"{_said(error)}\nNo test copy was sent.",
            next_step=f"{mend}, then the same command again",
        )
    return StoppedError(
        "E310",
        "The relay cannot be used at the moment; no test copy was sent",
        where=relay,
        detail=_said(error),
        next_step="is [relay] url right, and does the relay run?  (mailer catch starts one here)",
    )


def _told(relay: str, error: HandshakeError) -> tuple[str, str, str]:
    code, message, mend = _refusal(error)
    secrets = ("password", "refresh_token", "client_secret")
    return code, message, mend.format(**{leaf: _variable(relay, leaf) for leaf in secrets})


def _variable(relay: str, leaf: str) -> str:
    """Where a secret comes from: a relay that has a name may be one of several (decisions 19)."""
    if ":" in relay:
        return variable(f"relay.{leaf}")
    return f"{variable(f'relay.{relay}.{leaf}')} (the only relay: {variable(f'relay.{leaf}')})"


def _refusal(error: HandshakeError) -> tuple[str, str, str]:
    reply = error.reply
    closed = isinstance(reply, Reply) and reply.enhanced == _PASSWORD_CLOSED
    if closed and error.fault is AuthFault.CREDENTIALS:
        return _USE_XOAUTH2
    return _REFUSALS.get(error.fault or error.phase, _REFUSED)


def _said(error: HandshakeError) -> str:
    return f"{error.phase}: {words(error.reply)}"
