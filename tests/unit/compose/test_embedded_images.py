"""Images that travel in the mail: where they stand, what names them, what else does not move."""

from __future__ import annotations

import re
from dataclasses import replace
from email import message_from_bytes

import pytest

from mailer.compose.images import file_name
from mailer.errors import ConfigError
from mailer.model import EmbeddedImage, Place, Rendering, Slot
from tests.samples.messages import (
    DATE,
    body,
    compose,
    image,
    parsed,
    recipient,
    rendering,
    template,
)


def illustrated(*images: EmbeddedImage) -> Rendering:
    """The small issue with images."""
    return replace(rendering(), images=images or (image(1), image(2)))


def test_m_20_images_stand_beside_the_html_that_shows_them() -> None:
    """M-20: alternative{plain, related{html, image, image}}; M-21, RFC 2387 §3.1."""
    message = parsed(compose(illustrated()))
    assert [
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
        "image/png",
        "image/png",
    ] == [part.get_content_type() for part in message.walk()]
    assert [[]] * 6 == [list(part.defects) for part in message.walk()]
    related = list(message.iter_parts())[1]
    assert "text/html" == related["Content-Type"].params["type"]
    assert "Content-Transfer-Encoding" not in related
    assert "MIME-Version" not in related


def test_an_image_is_what_it_was_and_says_its_name() -> None:
    """M-12, M-20: found by its Content-ID, shown inline, base64 in lines of 76."""
    given = image(3)
    content = compose(illustrated(given)).content
    part = list(message_from_bytes(content).walk())[-1]
    assert given.data == part.get_payload(decode=True)
    assert f"<{given.content_id}>" == part["Content-ID"]
    assert ("inline", "snow-3.png") == (part.get_content_disposition(), part.get_filename())
    assert "base64" == part["Content-Transfer-Encoding"]
    assert max(map(len, content.partition(b"\r\n\r\n")[2].split(b"\r\n"))) <= 76


def test_the_texts_are_the_same_with_images_and_without() -> None:
    plain, with_images = compose(), compose(illustrated())
    for kind in ("plain", "html"):
        assert body(plain, kind) == body(with_images, kind)
    assert plain.values == with_images.values == ("Ann",)


def test_without_images_not_an_octet_changes() -> None:
    """M-20: no related part around nothing."""
    content = compose(replace(rendering(), images=())).content
    assert b"related" not in content
    assert compose().content == content


def test_a_retry_with_images_is_the_first_attempt_octet_for_octet() -> None:
    """M-5, M-22, decisions 2: also from a rendering that went through the ledger."""
    first = template(illustrated()).compose(recipient(), date=DATE)
    stored = Rendering.load(illustrated().dump())
    again = template(stored).compose(recipient(name="Renamed"), date=DATE, values=first.values)
    assert first == again


def test_both_boundaries_are_stable_legal_and_apart() -> None:
    """M-22."""
    message = parsed(compose(illustrated()))
    outer, inner = (
        str(part.get_boundary())
        for part in message.walk()
        if part.get_content_maintype() != "text" and part.is_multipart()
    )
    assert outer != inner
    assert all(re.fullmatch(r"=_[a-p]{24}", one) for one in (outer, inner))
    assert outer == parsed(compose()).get_boundary()


def test_m_28_an_image_counts_for_the_wire_and_not_for_the_clip() -> None:
    """E150 asks about the HTML part alone; the relay's SIZE (M-30) about everything."""
    large = image(1, data=bytes(200_000))
    one, bare = template(illustrated(large)), template()
    assert bare.sizes == one.sizes
    message = one.compose(recipient(), date=DATE)
    assert bare.measure(bare.compose(recipient(), date=DATE)) == one.measure(message)
    assert len(message.content) > 200_000 * 4 / 3


def test_a_value_with_a_boundary_in_it_stays_a_value() -> None:
    """M-22, case 12."""
    inner = str(list(parsed(compose(illustrated())).walk())[2].get_boundary())
    name = Slot(expression="subscriber.name", place=Place.HTML)
    hostile = replace(illustrated(), html=(f"--{inner}\n", name, "\n"))
    message = template(hostile).compose(recipient(name=f"\n--{inner}--\n"), date=DATE)
    assert 6 == len(list(parsed(message).walk()))


@pytest.mark.parametrize(
    "name",
    [
        "snow.png",
        'Grüße "2026"; x.png',
        "a b.png",
        "it's 100%.png",
        "=?utf-8?q?x?=.png",
        "雪" * 80 + ".png",
        "x" * 200 + ".png",
        "🎉\u200d.gif",
    ],
)
def test_m_12_a_name_comes_back_as_it_was(name: str) -> None:
    """M-12: RFC 2231, in pieces when long; never an encoded-word in a parameter."""
    content = compose(illustrated(image(1, name=name))).content
    part = list(message_from_bytes(content).walk())[-1]
    assert name == part.get_filename()
    field = re.findall(rb"Content-Disposition: ((?:[^\r]|\r\n )*)\r\n", content)[0]
    assert b"=?" not in field
    assert max(map(len, field.split(b"\r\n"))) <= 76


def test_the_pieces_of_a_name_decode_each_on_its_own() -> None:
    """RFC 2231 §4.1: the charset stands once, in the first."""
    first, *others = file_name("雪" * 30)
    assert first.startswith("filename*0*=utf-8''%E9%9B%AA")
    assert all(re.fullmatch(r"filename\*\d\*=(?:%E9%9B%AA)+", one) for one in others)


@pytest.mark.parametrize("sign", ["\n", "\r", "\0", "\x7f", "\x85", "\u2028", "\ud800"])
def test_m_11_a_name_with_a_control_character_is_refused(sign: str) -> None:
    with pytest.raises(ConfigError, match="E430"):
        compose(illustrated(image(1, name=f"a{sign}b.png")))
