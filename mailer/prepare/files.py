"""Files to look at: a message as its parts, who gets nothing, and lists that were not imported."""

from __future__ import annotations

import csv
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mailer.compose.expressions import MissingValueError
from mailer.errors import CheckError, MailerError
from mailer.ledger import choosing, importing
from mailer.ledger.sheets import file_digest, safe_cell
from mailer.model import ListId, MailingId, Message, Place, Recipient, Slot, SubscriberId
from mailer.prepare import screenshot

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from mailer.compose.mime import MessageTemplate
    from mailer.config import Config
    from mailer.content.web import Web
    from mailer.ledger import Ledger
    from mailer.model import Instant, Rendering
    from mailer.prepare.preparing import Prepared

SAMPLES = 5
"""So many people's messages a dry run writes down; one of each variant at least."""

NOBODY = "reader@example.com"
"""To whom such a message seems to go (RFC 2606): filters suspect mail to its own sender."""

_SUFFIXES = ("html", "txt", "eml")
_DATE = re.compile(r"\|\s*date\b")


def sample(prepared: Prepared, *, now: Instant) -> Message:
    """The message for nobody in particular, of the variant whose file was named.

    Raises:
        CheckError: E140, a place that no name can fill.
    """
    variant = prepared.variants[prepared.named]
    return for_nobody(variant.template, file=variant.issue.file, now=now)


def for_nobody(template: MessageTemplate, *, file: str, now: Instant) -> Message:
    """A message in which a place without a default shows its name.

    Args:
        template: whose message.
        file: for messages.
        now: its Date.

    Raises:
        CheckError: E140, a place that no name can fill.
    """
    shown: dict[str, Any] = {}
    while True:
        recipient = Recipient(
            mailing=MailingId(0),
            seq=0,
            subscriber=SubscriberId(0),
            list_number=ListId(0),
            email=NOBODY,
            name=shown.get("name", ""),
            language=template.rendering.language,
            attributes=shown,
        )
        try:
            return template.compose(recipient, date=now)
        except MissingValueError as error:
            if not _show(shown, error.name.split(".")[1:], template.rendering):
                raise CheckError(
                    "E140",
                    f"{{{{ {error.name} }}}} has no value for anybody",
                    where=file,
                ) from error


def _show(shown: dict[str, Any], path: list[str], rendering: Rendering) -> bool:
    """Let a field show its name; an address or a date where only such can stand.

    Returns:
        Whether that is new.
    """
    *outer, last = path
    inner: object = shown
    for key in outer:
        inner = inner.setdefault(key, {}) if isinstance(inner, dict) else inner
    if not isinstance(inner, dict) or last in inner:
        return False
    name = ".".join(path)
    parts = (*rendering.html, *rendering.text, *rendering.subject)
    slots = [piece for piece in parts if isinstance(piece, Slot) and name in piece.expression]
    if any(_DATE.search(slot.expression) for slot in slots):
        inner[last] = "2026-11-24"
    elif any(slot.place is Place.URL for slot in slots):
        inner[last] = f"https://example.org/[{name}]"
    else:
        inner[last] = f"[{name}]"
    return True


def write_parts(folder: Path, stem: str, message: Message) -> list[Path]:
    """Write one message as `.html`, `.txt` and `.eml`; returns the files.

    Raises:
        MailerError: E002, the folder cannot be written.
    """
    from email import message_from_bytes, policy  # noqa: PLC0415  for files to look at only

    files = [folder / f"{stem}.{suffix}" for suffix in _SUFFIXES]
    parsed = message_from_bytes(message.content, policy=policy.default)
    with _writing(folder):
        for file, kind in zip(files, ("html", "plain"), strict=False):
            part = parsed.get_body((kind,))
            assert part is not None
            text = part.get_content().replace("\r\n", "\n")
            file.write_text(text, encoding="utf-8")
        files[2].write_bytes(message.content)
    return files


def write_pictures(
    folder: Path, stem: str, message: Message, *, browser: str, web: Web
) -> list[Path]:
    """Write what one message looks like, as PNG in two widths, light and dark; returns the files.

    Raises:
        MailerError: E002, the folder cannot be written; E009, the browser failed.
    """
    files = []
    with _writing(folder):
        for name, png in screenshot.pictures(browser, screenshot.self_contained(message, web)):
            files.append(folder / f"{stem}-{name}.png")
            files[-1].write_bytes(png)
    return files


def write_samples(folder: Path, messages: Sequence[Message]) -> None:
    """Write some people's messages; those that an earlier run left over are removed.

    Raises:
        MailerError: E002, the folder cannot be written.
    """
    written = {
        path
        for number, message in enumerate(messages, start=1)
        for path in write_parts(folder, f"sample-{number}", message)
    }
    with _writing(folder):
        for suffix in _SUFFIXES:
            for path in folder.glob(f"sample-*.{suffix}"):
                if path not in written:
                    path.unlink()


def write_excluded(
    folder: Path, prepared: Prepared, ledger: Ledger | None, *, now: Instant
) -> Path:
    """Write who gets nothing, each with the reason, as `excluded.csv`.

    Raises:
        MailerError: E002, the folder cannot be written.
    """
    path = folder / "excluded.csv"
    with _writing(folder), path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["email", "reason"])
        if ledger is not None:
            with ledger.read() as connection:
                rows = choosing.left_out(
                    connection,
                    list_slug=prepared.list.slug,
                    issue_slug=prepared.issue.id,
                    now=now,
                    corrects=prepared.corrects,
                )
                writer.writerows((safe_cell(row.email or ""), row.why) for row in rows)
    return path


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise MailerError(
            "E002",
            "The folder cannot be written",
            where=str(error.filename or folder),
            detail=error.strerror or "",
            next_step="name another one: --out DIR",
        ) from error


def never_imported(config: Config, ledger: Ledger | None, list_slug: str) -> list[str]:
    """A warning for each file of subscribers that was never imported in its present form."""
    file = config.root / "subscribers" / f"{list_slug}.csv"
    if not file.is_file():
        return []
    if ledger is not None:
        with ledger.read() as connection:
            if importing.imported(connection, file_digest(file)):
                return []
    name = file.relative_to(config.root)
    return [f"{name} was never imported as it is now: mailer subscribers import"]
