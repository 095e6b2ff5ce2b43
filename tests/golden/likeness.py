"""Whether two pictures look alike to somebody who compares them at arm's length.

Both are reduced to tiles of a few pixels, as the smoothing of letters differs from one browser to
the next, and their ink does not. What a reader would notice (a ground of another colour, a
missing block, text that breaks elsewhere) changes several tiles at once.
"""

from __future__ import annotations

from typing import Final

from PIL import Image, ImageChops

TILE: Final = 24  # pixels: a line of text
NOTICEABLE: Final = 6  # of 255, in one colour channel of a tile; a faint ground is 13 from white
TOLERATED: Final = 5  # tiles: a bar beside four lines is ten
TALLER: Final = 6  # pixels


def difference(golden: Image.Image, actual: Image.Image) -> str:
    """In what the pictures differ, in words; empty if they are alike."""
    if golden.width != actual.width or abs(golden.height - actual.height) > TALLER:
        return f"{golden.size} was {actual.size}"
    size = (golden.width, min(golden.height, actual.height))
    tiles = [_tiles(picture, size) for picture in (golden, actual)]
    channels = ImageChops.difference(*tiles).split()
    worst = ImageChops.lighter(ImageChops.lighter(channels[0], channels[1]), channels[2])
    noticed = worst.point(lambda value: 255 * (value >= NOTICEABLE))
    number = noticed.histogram()[255]
    if number <= TOLERATED:
        return ""
    box = noticed.getbbox()
    assert box is not None
    left, top, right, bottom = (TILE * edge for edge in box)
    return f"{number} tiles within ({left}, {top})-({right}, {bottom}) look different"


def _tiles(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    return picture.convert("RGB").crop((0, 0, *size)).reduce(TILE)
