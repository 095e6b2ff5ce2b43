"""Mails on phones and in dark mode: nothing sticks out, overlaps, or stays as it was in the light.

What a client shows that knows neither is the inlined look, which the other tests hold.
"""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.samples.studio import TEMPLATES, Studio, showcase

if TYPE_CHECKING:
    from pathlib import Path

    from tests.wire.chromium import Page

LONG: Final = """
## {word}

{word} and `{word}` and https://example.org/{word}?{word}

- {word}
    - [{word}](https://example.org/)

> {word}
>
> ```
> {word}
> ```

```python
def {word}(): return "{word}"
```

| {head} |
|{line}|
| {cell} |

![{word}](https://img.example.org/missing.png)
""".format(
    word="Donaudampfschifffahrtsgesellschaft" * 4,
    head=" | ".join(f"Column {number}" for number in range(12)),
    line="---|" * 11 + "---",
    cell=" | ".join(["words in cells"] * 11 + ["https://example.org/" + "a" * 60]),
)

OUTSIDE: Final = """
[...document.querySelectorAll('body *')].filter(element => {
  for (let one = element.parentElement; one !== document.body; one = one.parentElement)
    if (['auto', 'scroll', 'hidden'].includes(getComputedStyle(one).overflowX)) return false;
  const edges = element.getBoundingClientRect();
  return edges.width && (edges.left < -0.5 || edges.right > innerWidth + 0.5);
}).map(element => element.tagName + '.' + element.className)
"""
"""What sticks out to the side, but for what scrolls within something that fits."""

LINES: Final = """
(() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const lines = [];
  while (walker.nextNode()) {
    const range = document.createRange();
    range.selectNodeContents(walker.currentNode);
    let block = walker.currentNode.parentElement;
    if (!block.checkVisibility() || !walker.currentNode.data.trim()) continue;
    while (getComputedStyle(block).display.startsWith('inline')) block = block.parentElement;
    block.dataset.number = block.dataset.number || String(lines.length);
    for (const box of range.getClientRects())
      lines.push([block.dataset.number, box.left, box.top, box.right, box.bottom,
        walker.currentNode.data.trim().slice(0, 40)]);
  }
  return lines;
})()
"""
"""Each line of text: its block, left, top, right, bottom, its words."""

GROUNDS: Final = """
[...document.querySelectorAll('body, body *')].filter(one => one.checkVisibility()).map(one => {
  const style = getComputedStyle(one);
  const label = one.tagName.toLowerCase() + '.' + one.className;
  return [label, style.fontSize + ' ' + style.lineHeight, style.color, style.backgroundColor];
})
"""


@pytest.mark.parametrize("template", TEMPLATES)
def test_nobody_scrolls_sideways(page: Page, tmp_path: Path, template: str) -> None:
    """Long words, wide tables, wide code and long addresses wrap, or scroll by themselves."""
    html = Studio(tmp_path).html(showcase(template=template) + LONG)
    for width in (375, 320):
        page.show(width=width).write(html)
        assert [] == page.ask(OUTSIDE)
        assert width == page.ask("document.documentElement.scrollWidth")


@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize("template", TEMPLATES)
def test_texts_do_not_overlap(page: Page, tmp_path: Path, template: str, language: str) -> None:
    """No line of one block stands over a line of another."""
    html = Studio(tmp_path).html(showcase(template=template, language=language) + LONG)
    for width in (600, 375):
        lines = page.show(width=width).write(html).ask(LINES)
        assert len(lines) > 60
        assert [] == [pair for pair in itertools.combinations(lines, 2) if _overlap(*pair)]


@pytest.mark.parametrize("template", TEMPLATES)
def test_dark_mode_reaches_everything(page: Page, tmp_path: Path, template: str) -> None:
    """Its rules beat inlined colours: no light ground is left, and nothing else changes."""
    html = Studio(tmp_path).html(showcase(template=template))
    light, dark = (
        page.show(width=600, scheme=scheme).write(html).ask(GROUNDS) for scheme in ("light", "dark")
    )
    assert [one[:2] for one in light] == [one[:2] for one in dark]
    for label, _, colour, ground in dark:
        assert _lightness(colour) > 0.35, label
        assert ground == "rgba(0, 0, 0, 0)" or _lightness(ground) < 0.35, label


def _overlap(one: list[Any], other: list[Any]) -> bool:
    """Whether lines of different blocks share more than what tall letters may."""
    (block, left, top, right, bottom, _), (its, its_left, its_top, its_right, its_bottom, _) = (
        one,
        other,
    )
    across = min(right, its_right) - max(left, its_left)
    down = min(bottom, its_bottom) - max(top, its_top)
    return bool(block != its and across > 1 and down > 3)


def _lightness(colour: str) -> float:
    red, green, blue = (int(part) for part in re.findall(r"\d+", colour)[:3])
    return (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255
