"""What can stop the program, each with its exit code; a refused recipient is data and never here.

::

    MailerError                 1   failed
    ├── UsageError              2   the command line cannot mean anything
    ├── CheckError              3   an issue, template or schema has errors; nothing was sent
    ├── ConfigError             4   configuration or credentials missing or refused
    ├── StoppedError            6   stopped but resumable: relay down, mailing paused, drained
    ├── SafetyError             7   refused by a safety rule: confirmation, draft
    ├── LockedError             8   another process holds the lock
    ├── NotFoundError           9   issue, mailing, list or address not found
    └── LedgerError             1   the database cannot be used

`FAILED_DELIVERIES` (5) is no error but a result: finished, too many permanent failures.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

FAILED_DELIVERIES = 5
TRY_AGAIN_LATER = 75  # sysexits EX_TEMPFAIL: the MTA keeps a bounce report and hands it over again


class MailerError(Exception):
    """Something stopped the program: what, where, what was said, and the one next step.

    Attributes:
        code: a stable code such as `E401`; never reused.
        message: what happened, one line.
        where: file:line, configuration key, address or host; empty if nowhere.
        detail: why it matters or what was said, verbatim; may span lines.
        next: the one next step.
        exit: the exit code of the process.
    """

    exit = 1

    def __init__(
        self, code: str, message: str, *, where: str = "", detail: str = "", next_step: str = ""
    ) -> None:
        super().__init__(f"{code} {message}")
        self.code = code
        self.message = message
        self.where = where
        self.detail = detail
        self.next = next_step

    def __reduce__(self) -> tuple[Callable[..., MailerError], tuple[object, ...]]:
        """How it gets from one process to another, the same in every word."""
        words = {"where": self.where, "detail": self.detail, "next_step": self.next}
        return partial(type(self), **words), (self.code, self.message)


class UsageError(MailerError):
    """The command line cannot mean anything."""

    exit = 2


class CheckError(MailerError):
    """An issue, template or schema has errors; nothing was sent."""

    exit = 3


class ConfigError(MailerError):
    """Configuration or credentials are missing or were refused."""

    exit = 4


class StoppedError(MailerError):
    """Work stopped but can be resumed: relay down, mailing paused, drained."""

    exit = 6


class SafetyError(MailerError):
    """A safety rule refused: confirmation missing, draft, unexpected number."""

    exit = 7


class LockedError(MailerError):
    """Another process holds the lock."""

    exit = 8


class NotFoundError(MailerError):
    """No such issue, mailing, list or address."""

    exit = 9


class LedgerError(MailerError):
    """The database cannot be used."""
