"""`mailer serve` and `mailer catch`: what listens, until Ctrl-C or SIGTERM."""

from __future__ import annotations

import signal
import socket
from pathlib import Path

import click

from mailer.cli.context import App, Verb
from mailer.errors import MailerError


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes any free one.

    Raises:
        MailerError: E801, somebody else listens there, or the address is not ours.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        # asyncio sets TCP_NODELAY only where the protocol is named; without it each reply of a
        # pipelined conversation waits 40 ms for an ACK.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(512)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise MailerError(
            "E801",
            f"Cannot listen on {host}:{port}",
            where=f"{host}:{port}",
            detail=(error.strerror or str(error)).rstrip("."),
            next_step="stop what listens there, or take another port; 0 takes a free one",
        ) from error
    return listener


def name_of(listener: socket.socket) -> str:
    """host:port of a listening socket."""
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def end_quietly() -> None:
    """Make SIGINT and SIGTERM a normal end, exit code 0.

    uvicorn finishes what it has begun at either signal and then raises it once more, for whoever
    handled it before: nobody.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


@click.command(cls=Verb)
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option(
    "--port",
    default=8000,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Which port; 0 takes a free one.",
)
@click.pass_obj
def serve(app: App, host: str, port: int) -> None:
    """The public pages, behind a proxy that speaks TLS: unsubscribing.

    \b
    mailer serve
    mailer serve --port 0 --json
    """
    from mailer.compose.links import Keyring
    from mailer.config import require_secret
    from mailer.web import server
    from mailer.web.public import application

    pages = application(app.ledger, Keyring(require_secret(app.config)), app.config)
    with listen(host, port) as listener:
        name = name_of(listener)
        end_quietly()
        app.say(f"Serving on http://{name}, reached as {app.config.newsletter.url}. Ctrl-C ends.")
        if app.as_json:
            app.emit("mailer.serve/1", {"web": f"http://{name}"}, "")
        server.serve(pages, listener)


@click.command(cls=Verb)
@click.option(
    "--port",
    default=1025,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Where SMTP listens; 0 takes a free port.",
)
@click.option(
    "--web",
    default=1080,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Where the inbox is shown; 0 takes a free port.",
)
@click.option(
    "--dir", "folder", type=click.Path(path_type=Path), help="Where to keep mail.  [out/caught]"
)
@click.pass_obj
def catch(app: App, port: int, web: int, folder: Path | None) -> None:
    """A development SMTP server on this machine: keeps every message, sends nothing on.

    \b
    mailer catch
    mailer catch --port 0 --web 0 --json
    """
    from mailer.catch import catch as take
    from mailer.catch.store import Store

    with listen("127.0.0.1", port) as smtp, listen("127.0.0.1", web) as pages:
        store = Store(folder or (app.folder or Path()) / "out" / "caught")
        taken, shown = name_of(smtp), f"http://{name_of(pages)}"
        end_quietly()
        app.say(f"SMTP {taken}, inbox {shown}, files in {store.folder}. Ctrl-C ends.")
        if app.as_json:
            data = {"smtp": taken, "web": shown, "dir": str(store.folder.resolve())}
            app.emit("mailer.catch/1", data, "")
        take(store, smtp=smtp, web=pages)


@click.command(cls=Verb)
@click.pass_obj
def run(app: App) -> int:
    """The daemon: looks every few seconds for what is due, and delivers it.

    SIGTERM and Ctrl-C finish what is on the way and stop; a second one stops at once.

    \b
    mailer run
    """
    import asyncio

    from mailer.cli.logs import begin_log
    from mailer.compose.links import Keyring
    from mailer.config import require_secret
    from mailer.ledger import liveness, standing
    from mailer.schedule.daemon import Daemon
    from mailer.when import now

    begin_log(app)
    keyring = Keyring(require_secret(app.config))
    while True:
        with liveness.hold(app.ledger) as holder:
            standing.admit(app.ledger, instance=app.config.instance, now=now())
            app.say("Looking every few seconds for what is due. Ctrl-C finishes and ends.")
            daemon = Daemon(app.config, app.ledger, keyring, holder=holder)
            signalled = asyncio.run(daemon.run())
        if not daemon.taken_for_dead:
            return 0 if signalled is None else 128 + signalled
