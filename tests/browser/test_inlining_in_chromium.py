"""What the inliner writes into style attributes is what a browser reads in the style sheet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest

from mailer.render import page as page_module
from mailer.render.inline import inline
from tests.samples.studio import TEMPLATES, Studio, showcase

if TYPE_CHECKING:
    from pathlib import Path

    from tests.wire.chromium import Page


COMPUTED = """
(() => {
  const again = /-(block|inline)(-|$)|^(block|inline)-|^-webkit/;  // other names of the same
  const names = [...getComputedStyle(document.body)].filter(name => !again.test(name));
  return [...document.querySelectorAll('body, body *')].map(element => {
    const style = getComputedStyle(element);
    const label = element.tagName.toLowerCase() + '.' + element.className;
    return [label, names.map(name => name + ': ' + style.getPropertyValue(name))];
  });
})()
"""


class Inlined(NamedTuple):
    """A document before its style sheet was inlined, the sheet, and the document after."""

    before: str
    css: str
    after: str


@pytest.fixture
def inlined(monkeypatch: pytest.MonkeyPatch) -> list[Inlined]:
    """Every document that is inlined during the test."""
    seen: list[Inlined] = []

    def watched(html: str, css: str) -> str:
        after = inline(html, css)
        seen.append(Inlined(html, css, after))
        return after

    monkeypatch.setattr(page_module, "inline", watched)
    return seen


SMALL: Final = "[check]\nsize_warn = 1000\n"
"""So that every mail is too large and has the lean sheet."""


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize(("language", "config"), [("en", ""), ("ar", ""), ("en", SMALL)])
def test_inlining_equals_the_browser(
    page: Page, inlined: list[Inlined], tmp_path: Path, template: str, language: str, config: str
) -> None:
    """Every property of every element, by style sheet and by attributes, in each look."""
    Studio(tmp_path, config).html(showcase(template=template, language=language))
    one = inlined[-1]
    assert one.css.count("{") > 30
    # A browser puts a tbody into each table; the inliner sees the tables as they are written.
    sheet = f"<style>{one.css.replace('> tr', '> tbody > tr')}</style></head>"
    pages = (one.before.replace("</head>", sheet, 1), one.after)
    for width in (600, 375):
        for scheme in ("light", "dark"):
            page.show(width=width, scheme=scheme)
            expected, actual = (page.write(html).ask(COMPUTED) for html in pages)
            assert len(expected) > 100
            assert [] == _differences(expected, actual)


def _differences(expected: list[Any], actual: list[Any]) -> list[tuple[str, str, str]]:
    """What differs: the element, what the browser says, what the inliner made of it."""
    return [
        (element, says, made)
        for (element, style), (other, values) in zip(expected, actual, strict=True)
        for says, made in zip(style, values, strict=True)
        if (element, says) != (other, made)
    ]


def test_a_difference_would_be_seen(page: Page) -> None:
    """A shorthand after one of its longhands is what the inliner gets wrong."""
    css = "p { margin: 0; } .a { margin-top: 5px; } .a.a { margin: 9px; }"
    html = "<!DOCTYPE html><html><head>{}</head><body><p class='a'>x</p></body></html>"
    expected = page.write(html.format(f"<style>{css}</style>")).ask(COMPUTED)
    actual = page.write(inline(html.format(""), css)).ask(COMPUTED)
    assert [] != _differences(expected, actual)
