"""The showcase holds one of each block, and every one of them comes out right in both parts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import html5lib
import pytest

from mailer.content.plaintext.lines import columns
from mailer.content.shape.blocks import CLASSES
from tests.samples.messages import body
from tests.samples.studio import Studio, showcase

if TYPE_CHECKING:
    from pathlib import Path

_RARE = {"continue"}  # only where an issue is cut
_HARMLESS = {"non-void-element-with-trailing-solidus"}  # XHTML's way to write MJML's elements


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return Studio(tmp_path)


def test_the_showcase_shows_every_class_that_a_theme_can_style(studio: Studio) -> None:
    markup = studio.html(showcase())
    shown = {word for words in re.findall(r'class="([^"]*)"', markup) for word in words.split()}
    assert CLASSES - _RARE <= shown


def test_its_html_is_well_formed_for_a_browser(studio: Studio) -> None:
    parser = html5lib.HTMLParser()
    parser.parse(studio.html(showcase()))
    assert [] == [error for error in parser.errors if error[1] not in _HARMLESS]


def test_its_text_fits_a_terminal(studio: Studio) -> None:
    """M-26: 76 columns, but for code and for what cannot be broken."""
    text = body(studio.mail(showcase()), "plain")
    assert "\n\n\n" not in text
    for line in text.split("\n"):
        assert line == line.rstrip()
        bare = re.sub(r"^[|> ]*(?:- |\d+\. |<|▶ |Unsubscribe: )*", "", line)
        assert columns(line) <= 76 or line.startswith("    ") or " " not in bare


def test_each_link_of_the_showcase_stands_in_both_parts(studio: Studio) -> None:
    message = studio.mail(showcase())
    written = set(
        re.findall(r"\]\((https://[^)\s]*)\)", re.sub(r"!\[[^\]]*\]\([^)]*\)", "", showcase()))
    )
    assert len(written) > 5
    for part in ("html", "plain"):
        assert written == {url for url in written if url in body(message, part)}
