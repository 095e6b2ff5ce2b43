"""An image beside an issue, from the folder to the reader: published, or in the mail."""

from __future__ import annotations

import json
from email import message_from_bytes, policy
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import html5lib
import httpx
import pytest

from tests.samples.newsletter import ISSUE
from tests.samples.pictures import JPEG, png
from tests.wire.fault_server import FaultServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage

    from tests.samples.newsletter import News

SNOW = png(40, 30)
TEXT = (
    ISSUE + "\n![Snow](<winter/Größe 1.png>)\n\n![Tea](/winter/tea.jpg)\n\n![Tea](winter/tea.jpg)\n"
)


@pytest.fixture
def illustrated(peopled: News) -> News:
    """An issue with two images beside it, one of them shown twice."""
    folder = peopled.folder / "issues" / "winter"
    folder.mkdir()
    (folder / "Größe 1.png").write_bytes(SNOW)
    (folder / "tea.jpg").write_bytes(JPEG)
    peopled.issue(TEXT)
    return peopled


@pytest.fixture
def relay(illustrated: News) -> Iterator[FaultServer]:
    with FaultServer() as server:
        illustrated.relay(server.port)
        yield server
    assert server.violations == []


def mails(server: FaultServer) -> list[EmailMessage]:
    return [message_from_bytes(one.content, policy=policy.default) for one in server.messages]


def sources(message: EmailMessage) -> list[str]:
    part = message.get_body(("html",))
    assert part is not None
    tree = html5lib.parse(part.get_content(), namespaceHTMLElements=False)
    return [image.get("src", "") for image in tree.iter("img")]


def test_a_published_image_is_shown_where_the_mail_says(
    illustrated: News, relay: FaultServer
) -> None:
    assert 0 == illustrated.run("send", "winter", "--yes").code
    found = {source for message in mails(relay) for source in sources(message)}
    assert 2 == len(found)  # the same for everybody
    serving = illustrated.start("serve", "--port", "0", "--json")
    assert serving.stdout is not None
    web = json.loads(serving.stdout.readline())["web"]
    shown = {}
    for source in found:
        assert source.startswith("http://127.0.0.1:8000/images/")
        answer = httpx.get(web + urlsplit(source).path)
        assert (200, True) == (answer.status_code, "immutable" in answer.headers["cache-control"])
        shown[answer.headers["content-type"]] = answer.content
    serving.terminate()
    serving.communicate(timeout=30)
    assert {"image/png": SNOW, "image/jpeg": JPEG} == shown


def test_an_embedded_image_travels_in_the_mail(illustrated: News, relay: FaultServer) -> None:
    """M-12, M-20: each picture once, and found by what the HTML says."""
    toml = illustrated.folder / "mailer.toml"
    toml.write_text(toml.read_text().replace("[newsletter]\n", '[newsletter]\nimages = "embed"\n'))
    assert 0 == illustrated.run("send", "winter", "--yes").code
    assert 8 == len(relay.messages)
    for message in mails(relay):
        parts = {
            f"cid:{part['Content-ID'].strip('<>')}": part
            for part in message.walk()
            if part["Content-ID"]
        }
        assert set(parts) == set(sources(message))
        assert {"Größe 1.png": SNOW, "tea.jpg": JPEG} == {
            part.get_filename(): part.get_content() for part in parts.values()
        }
    samples = illustrated.run("render", "winter", "--json").data["files"]
    assert any(name.endswith(".eml") for name in samples)


def test_a_missing_image_stops_the_mailing(illustrated: News, relay: FaultServer) -> None:
    (illustrated.folder / "issues" / "winter" / "tea.jpg").unlink()
    done = illustrated.run("send", "winter", "--yes")
    assert (3, True) == (done.code, "✖ E130" in done.err), done
    assert [] == relay.connections
