"""What mails look like, kept as pictures in tests/golden and compared with tolerance.

`make golden` takes them anew; look at each before it is committed.
"""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest
from PIL import Image, ImageDraw, ImageFilter

from tests.golden.likeness import difference
from tests.samples.studio import RIGHT_TO_LEFT, SHOWCASE, TEMPLATES, Studio, showcase
from tests.wire.chromium import Page, browser
from tests.wire.programs import fonts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

GOLDEN: Final = Path(__file__).parents[1] / "golden"
LARGEST: Final = 1_500_000  # bytes of all pictures together


class Case(NamedTuple):
    """One look at a sample."""

    template: str
    width: int
    scheme: str
    kind: str = ""

    @property
    def name(self) -> str:
        """The stem of its picture's file."""
        return "-".join(str(part) for part in self if part)

    @property
    def text(self) -> str:
        """The issue."""
        sample = RIGHT_TO_LEFT if self.kind == "rtl" else SHOWCASE
        return showcase(sample, template=self.template)


CASES: Final = [
    *(
        Case(name, width, scheme)
        for name in TEMPLATES
        for width in (600, 375)
        for scheme in ("light", "dark")
    ),
    *(
        Case(name, *look)
        for name in TEMPLATES
        for look in ((600, "dark", "rtl"), (375, "light", "rtl"), (375, "light", "imageless"))
    ),
]
STANDARD: Final = Case("default", 600, "light")


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    """A browser that has the fonts of the golden pictures and no others."""
    fonts()
    with browser(FONTCONFIG_FILE=str(GOLDEN / "fonts.conf")) as page:
        yield page


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_mails_look_as_they_did(
    page: Page, tmp_path: Path, pytestconfig: pytest.Config, case: Case
) -> None:
    actual = _picture(page, Studio(tmp_path).html(case.text), case)
    file = GOLDEN / f"{case.name}.webp"
    if pytestconfig.getoption("golden"):
        actual.save(file, lossless=True, method=6)
        return
    with Image.open(file) as golden:
        found = difference(golden, actual)
    if found:
        actual.save(tmp_path / f"{case.name}.png")
    assert "" == found, f"compare {file} with {tmp_path}/{case.name}.png; right? make golden"


def test_there_are_these_pictures_and_no_more() -> None:
    """Together they stay small."""
    files = list(GOLDEN.glob("*.webp"))
    assert {case.name for case in CASES} == {file.stem for file in files}
    assert LARGEST > sum(file.stat().st_size for file in files)


MUTATIONS: Final[dict[str, tuple[Case, Callable[[str], str]]]] = {
    "no dark mode": (
        Case("default", 600, "dark"),
        lambda html: html.replace("prefers-color-scheme: dark", "prefers-color-scheme: none"),
    ),
    "no call-out ground": (STANDARD, lambda html: _without_ground(html, "callout")),
    "no code ground": (STANDARD, lambda html: _without_ground(html, "codebox")),
    "no bar beside quotes": (
        STANDARD,
        lambda html: re.sub(r"border-left: ?4px solid #c9d1d9", "padding-left: 20px", html),
    ),
    "a link less": (STANDARD, lambda html: html.replace(">Unsubscribe<", "><")),
    "another colour of links": (
        STANDARD,
        lambda html: re.sub(r"color: ?#0a58ca", "color:#24292f", html),
    ),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_real_change_is_seen(page: Page, tmp_path: Path, name: str) -> None:
    case, mutate = MUTATIONS[name]
    html = Studio(tmp_path).html(case.text)
    changed = mutate(html)
    assert changed != html
    before, after = (_picture(page, one, case) for one in (html, changed))
    assert "" == difference(before, before)
    assert "" != difference(before, after)


def test_smoothing_is_not_seen(page: Page, tmp_path: Path) -> None:
    """Another version of the browser draws letters softer or harder."""
    picture = _picture(page, Studio(tmp_path).html(STANDARD.text), STANDARD)
    softer = picture.convert("RGB").filter(ImageFilter.GaussianBlur(0.7))
    assert "" == difference(picture, softer)


def _picture(page: Page, html: str, case: Case) -> Image.Image:
    page.images(None if case.kind == "imageless" else _drawn)
    page.show(width=case.width, scheme=case.scheme).write(html)
    return Image.open(BytesIO(page.picture()))


def _drawn(url: str) -> bytes:
    """An image of the size that its name says: a sky over the sea."""
    found = re.search(r"(\d+)x(\d+)", url)
    width, height = (int(found[1]), int(found[2])) if found else (480, 360)
    image = Image.new("RGB", (width, height), (142, 184, 211))
    ImageDraw.Draw(image).rectangle((0, height * 2 // 3, width, height), (38, 84, 112))
    octets = BytesIO()
    image.save(octets, "PNG")
    return octets.getvalue()


def _without_ground(html: str, name: str) -> str:
    """Without the background of one class of boxes."""
    return re.sub(
        rf'(<td[^>]*class="{name}[^>]*?)background(-color)?: ?#\w+', r"\1color:inherit", html
    )
