"""`mailer dkim`: keys that sign, and what the DNS must say of them."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mailer.cli.context import App, Noun
from mailer.errors import MailerError, UsageError

if TYPE_CHECKING:
    from mailer.compose.signingkeys import SigningKey
    from mailer.config import Config

FOLDER = "dkim"
INITIALS = {"rsa": "m", "ed25519": "e"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A key as the DNS names it for one domain."""

    key: SigningKey
    domain: str

    @property
    def name(self) -> str:
        """Where the TXT record stands."""
        return f"{self.key.selector}._domainkey.{self.domain}"

    def as_text(self) -> str:
        """A line of a zone, in strings that fit (RFC 1035 §5.1)."""
        from mailer.compose.signingkeys import strings

        quoted = "\n    ".join(f'"{one}"' for one in strings(self.key.record))
        return f"{self.name}. IN TXT ( {quoted} )"

    def as_data(self) -> dict[str, Any]:
        """The same for programs."""
        from mailer.compose.signingkeys import strings

        return {
            "selector": self.key.selector,
            "type": self.key.kind,
            "bits": self.key.bits,
            "domain": self.domain,
            "name": self.name,
            "value": self.key.record,
            "strings": strings(self.key.record),
        }


@click.group(cls=Noun)
def dkim() -> None:
    """Keys that sign mail, and their DNS records.

    \b
    mailer dkim keygen
    mailer dkim show
    """


@dkim.command()
@click.option("--selector", metavar="S", help="Its name in the DNS; default: of this month.")
@click.option(
    "--type", "kind", type=click.Choice(tuple(INITIALS)), default="rsa", help="Default: rsa."
)
@click.option("--domain", metavar="D", help="Whose DNS it stands in; default: what signs now.")
@click.option("--out", type=click.Path(path_type=Path), help="The file; default: dkim/S.pem.")
@click.pass_obj
def keygen(app: App, selector: str | None, kind: str, domain: str | None, out: Path | None) -> None:
    """Make a key, and print its DNS record and the lines for mailer.toml.

    \b
    mailer dkim keygen
    mailer dkim keygen --type ed25519
    """
    from mailer.compose.signingkeys import make_key, read_key
    from mailer.config import parse

    selector = selector or f"{INITIALS[kind]}{datetime.now(UTC):%Y%m}"
    _require(parse.selector, selector, "--selector")
    domain = _require(parse.domain, domain, "--domain") if domain else ""
    names = [domain] if domain else _domains(app.config)
    file = out or app.config.root / FOLDER / f"{selector}.pem"
    pem = make_key(kind)
    if out is None:
        _make_folder(file.parent)
    _write(file, pem)
    records = [Record(key=read_key(selector, pem), domain=name) for name in names]
    app.say(f"✔ {file} holds the private key; only you can read it. Never commit it.")
    app.say("→ publish the record; once the DNS shows it, put the lines into mailer.toml")
    lines = _lines(app.config, selector, file, domain)
    data = {"file": str(file), "records": [one.as_data() for one in records], "config": lines}
    text = "\n".join(one.as_text() for one in records)
    app.emit("mailer.dkim-keygen/1", data, f"{text}\n\n{lines}")


@dkim.command()
@click.pass_obj
def show(app: App) -> None:
    """The DNS records of the configured keys.

    \b
    mailer dkim show
    """
    from mailer.delivery.signing import signer_of

    signer = signer_of(app.config)
    keys = signer.keys if signer else ()
    records = [Record(key=key, domain=name) for key in keys for name in _domains(app.config)]
    if not records:
        app.say("No key is configured: the relay must sign. mailer dkim keygen makes one.")
    text = "\n".join(one.as_text() for one in records)
    app.emit("mailer.dkim/1", {"records": [one.as_data() for one in records]}, text)


def _domains(config: Config) -> list[str]:
    """Whose DNS the keys stand in: the domain that signs, else those of all senders."""
    from mailer.address import domain_of

    own = (domain_of(one.sender.address) for one in config.lists.values())
    return [config.dkim.domain] if config.dkim.domain else list(dict.fromkeys(own))


def _require(parse: Any, value: str, flag: str) -> str:  # noqa: ANN401  any parser of a text
    try:
        found: str = parse(value)
    except ValueError as error:
        raise click.BadParameter(f"it {error}", param_hint=flag) from error
    return found


def _make_folder(folder: Path) -> None:
    """A folder of which git takes nothing (X-18)."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        (folder / ".gitignore").write_text("*\n", encoding="ascii")
    except OSError as error:
        raise _unwritable(folder, error) from error


def _write(file: Path, pem: bytes) -> None:
    """A private key that nobody else can read, at no moment (X-18)."""
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
            opened.write(pem)
    except FileExistsError as error:
        raise UsageError(
            "E014",
            "That file exists, and a key is never overwritten",
            where=str(file),
            detail="Mailings that it has begun to sign need it until they are over.",
            next_step="another name: --selector S, or --out FILE",
        ) from error
    except OSError as error:
        raise _unwritable(file, error) from error


def _unwritable(path: Path, error: OSError) -> MailerError:
    return MailerError(
        "E002",
        "The folder cannot be written",
        where=str(path),
        detail=error.strerror or "",
        next_step="name another one: --out FILE",
    )


def _lines(config: Config, selector: str, file: Path, domain: str) -> str:
    """What goes into mailer.toml; tables that are there already are not opened again."""
    shown = file.absolute()
    shown = shown.relative_to(config.root) if shown.is_relative_to(config.root) else shown
    name = json.dumps(selector) if "." in selector else selector
    lines = [f'[dkim]\ndomain = "{domain}"\n'] if domain and domain != config.dkim.domain else []
    lines.append("# among [dkim.keys]" if config.dkim.keys else "[dkim.keys]")
    return "\n".join([*lines, f"{name} = {json.dumps(str(shown), ensure_ascii=False)}"])
