"""Images as they arrive: their words, their formats, their weight, and the text beside them."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailer.check.proof import Image, Proof
    from mailer.model import Finding

HEAVIEST: Final = 1_000_000
"""Bytes of an image that a phone still loads in a breath."""

_FILE_NAME = re.compile(
    r"[\w%+() -]+\.(?:png|jpe?g|gif|webp|svg|avif|bmp|heic)|(?:img|dsc|image|screenshot)[-_ ]?\d+",
    re.IGNORECASE,
)
_PARTLY_SHOWN: Final = {".svg": "SVG", ".webp": "WebP", ".avif": "AVIF"}
_LEAST_WORDS: Final = 20
_CJK = re.compile(r"[\u2e80-\u9fff\uac00-\ud7af]")
_WORD = re.compile(r"\w+")


def check_alt_texts(proof: Proof) -> Iterator[Finding]:
    """W131: an alt text that is a file name."""
    for image in proof.images:
        if _FILE_NAME.fullmatch(image.alt.strip()):
            message = f'the alt text "{image.alt}" is a file name'
            yield found(proof, "W131", image, message, "say what the image shows")


def check_formats(proof: Proof) -> Iterator[Finding]:
    """W133: formats that several clients do not show."""
    for image in proof.images:
        kind = _PARTLY_SHOWN.get(PurePosixPath(_path(image.url)).suffix.lower())
        if kind:
            message = f"several mail clients show nothing for {kind} images"
            yield found(proof, "W133", image, message, "PNG or JPEG")


def check_text_beside(proof: Proof) -> Iterator[Finding]:
    """W134: hardly any text beside images; a CJK sign is half a word."""
    if not proof.images:
        return
    said = " ".join(proof.sayings)
    words = len(_WORD.findall(_CJK.sub(" ", said))) + len(_CJK.findall(said)) // 2
    if words < _LEAST_WORDS:
        first = proof.images[0]
        message = f"there are {words} words beside the images, which many people do not see"
        yield found(proof, "W134", first, message, "say in words what they show")


def check_weight(proof: Proof) -> Iterator[Finding]:
    """W132: images that travel in the mail, or stand beside the issue, and are too large."""
    for image in proof.images:
        data = _local(image, proof)
        if data is not None:
            yield from weighed(proof, image, size=len(data), start=data)


def _local(image: Image, proof: Proof) -> bytes | None:
    """The bytes of an image that the newsletter itself has; None for any other."""
    if image.url.startswith("cid:"):
        parts = {part.content_id: part.data for part in proof.rendering.images}
        return parts.get(image.url.removeprefix("cid:"))
    base = f"{proof.newsletter.url}/images/"
    if not image.url.startswith(base):
        return None
    name = unquote(image.url.removeprefix(base).partition("/")[2])
    folder = (proof.root / "issues").resolve()
    path = (folder / name).resolve()
    return path.read_bytes() if path.is_relative_to(folder) and path.is_file() else None


def weighed(proof: Proof, image: Image, *, size: int, start: bytes) -> Iterator[Finding]:
    """W132 of an image of so many bytes, by its first ones."""
    import imagesize  # noqa: PLC0415  most issues link their images

    name = PurePosixPath(unquote(_path(image.url))).name or image.url
    if size > HEAVIEST:
        message = f"{name} has {size / 1_000_000:.1f} MB"
        yield found(proof, "W132", image, message, "scale it down and compress it")
    width, _ = imagesize.get(BytesIO(start))
    if image.width and width > 2 * image.width:
        message = f"{name} is {width} pixels wide and shown at {image.width}"
        yield found(proof, "W132", image, message, f"{2 * image.width} pixels are enough")


def found(proof: Proof, check: str, image: Image, message: str, step: str) -> Finding:
    """A finding about an image, where its address stands."""
    return proof.found(check, message, proof.address(image.url, image.number), next_step=step)


def _path(url: str) -> str:
    try:
        return urlsplit(url).path
    except ValueError:
        return ""
