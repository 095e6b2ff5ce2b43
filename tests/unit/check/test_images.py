"""Images as they arrive (interface §4: W131 to W134)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mailer.check import images
from tests.samples.pictures import png
from tests.samples.proofs import NEWSLETTER, proof

WORDS = "word " * 30


@pytest.mark.parametrize("alt", ["snow.png", "IMG_2034", "winter sun.JPEG", "Screenshot 2026"])
def test_w131_a_file_name_is_no_alt_text(alt: str) -> None:
    (found,) = images.check_alt_texts(proof(f"{WORDS}\n\n![{alt}](/snow.png)\n"))
    assert ("W131", 3) == (found.id, found.line)


@pytest.mark.parametrize("alt", ["The shop in snow", "Node.js and snow", ""])
def test_w131_words_are(alt: str) -> None:
    assert [] == list(images.check_alt_texts(proof(f"![{alt}](/snow.png)\n")))


@pytest.mark.parametrize(
    ("address", "kind"),
    [("/snow.svg", "SVG"), ("/snow.WebP?w=3", "WebP"), ("https://x.net/snow.avif#a", "AVIF")],
)
def test_w133_formats_that_several_clients_do_not_show(address: str, kind: str) -> None:
    (found,) = images.check_formats(proof(f"{WORDS}\n\n![snow]({address})\n"))
    assert ("W133", 3) == (found.id, found.line)
    assert f"show nothing for {kind} images" in found.message


def test_w133_png_jpeg_and_gif_are_shown() -> None:
    body = "![a](/a.png) ![b](/b.jpeg) ![c](/c.gif) ![d](/d?format=svg)"
    assert [] == list(images.check_formats(proof(body)))


@pytest.mark.parametrize(
    ("body", "ids"),
    [
        ("Look:\n\n![snow](/snow.png)\n", ["W134"]),
        (f"{WORDS}\n\n![snow](/snow.png)\n", []),
        (
            "冬の営業時間は、月曜日から午前十時までとなります。どうぞよろしくお願いいたします。次回もまた。\n\n![雪](/snow.png)\n",
            [],
        ),
        ("Hardly a word.\n", []),
    ],
)
def test_w134_hardly_any_text_beside_images(body: str, ids: list[str]) -> None:
    assert ids == [one.id for one in images.check_text_beside(proof(body, subject=""))]


@pytest.mark.parametrize("way", ["link", "embed"])
@pytest.mark.parametrize(
    ("data", "said"),
    [
        (png(1200, 3), "is 1200 pixels wide and shown at 536"),
        (png(3, 3) + b"\0" * 1_000_000, "has 1.0 MB"),
        (png(1072, 3), ""),
    ],
)
def test_w132_an_image_beside_the_issue_that_is_too_large(
    tmp_path: Path, way: str, data: bytes, said: str
) -> None:
    path = tmp_path / "issues" / "snow.png"
    path.parent.mkdir()
    path.write_bytes(data)
    mine = replace(NEWSLETTER, images=way)
    found = list(
        images.check_weight(proof("Hello.\n\n![snow](snow.png)\n", newsletter=mine, root=tmp_path))
    )
    assert [f"W132 {said}"] * bool(said) == [
        f"{one.id} {one.message.partition(' ')[2]}" for one in found
    ]


def test_w132_images_elsewhere_are_not_fetched() -> None:
    assert [] == list(images.check_weight(proof("![snow](https://x.net/snow.png)")))
