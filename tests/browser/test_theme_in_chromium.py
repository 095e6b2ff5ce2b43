"""The built-in theme in a real browser: the cascade is kept, dark mode works, phones fit."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from mailer.config import ListConfig, Newsletter
from mailer.content.markdown import convert
from mailer.content.web import Web
from mailer.model import Byline, Issue, Mailbox, Release
from mailer.render import render_issue
from mailer.render.inline import inline
from mailer.render.theme import Theme
from tests.wire.programs import program

if TYPE_CHECKING:
    from pathlib import Path

BODY = """\
![Wide](/wide.png)

A paragraph with `code`, a [link](https://example.org), ==mark== and a note[^1].

1. One
    - nested
2. Two

- [x] done

> Quote
>
> > nested, with a second paragraph
> >
> > here
>
> ```python
> x = 1
> ```

```python
def greet(name):  # comment
    return "Hello " + name + " and a line that is much longer than any phone is wide, on purpose"
```

| Left | Right |
|:-----|------:|
| 1    | `2`   |

Term
:   Definition

### Third level

---

averyveryveryveryveryveryveryveryveryveryveryveryveryveryverylongwordwithoutanyspaceinit

[^1]: The note.
"""
PROPERTIES = re.findall(
    r"[a-z-]+",
    """color background-color font-size line-height font-weight font-family letter-spacing
    margin-top margin-right margin-bottom margin-left padding-top padding-right padding-bottom
    padding-left border-top-width border-left-width border-left-color border-bottom-width
    border-bottom-color border-collapse text-align vertical-align white-space display
    list-style-type""",
)
COLLECT = """
<script>
const properties = PROPERTIES;
const elements = [...document.querySelectorAll('body *')].filter(e => e.tagName !== 'SCRIPT');
const styles = elements.map(e => {
  const style = getComputedStyle(e);
  return [e.tagName + '.' + e.className, properties.map(name => style.getPropertyValue(name))];
});
const edges = elements.map(e => e.getBoundingClientRect().left + e.scrollWidth);
const result = {styles: styles, width: Math.max(...edges)};
document.documentElement.setAttribute('data-result', JSON.stringify(result));
</script>
"""
FRAME = """
<iframe id="frame" src="mail.html" width="WIDTH" height="2000"></iframe>
<script>frame.onload = () => {
  const inner = frame.contentDocument.documentElement.getAttribute('data-result');
  document.documentElement.setAttribute('data-result', inner);
}</script>
"""
NARROWEST_WINDOW = 500  # a frame can be narrower
OPTIONS = re.findall(
    r"\S+",
    """--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync
    --disable-background-networking --disable-component-update --hide-scrollbars
    --allow-file-access-from-files --virtual-time-budget=3000 --dump-dom""",
)


@pytest.fixture(scope="session")
def chromium() -> str:
    return program("chromium")


def _mail(root: Path, language: str = "en") -> str:
    sender = Mailbox(name="The Weekly", address="weekly@example.org")
    newsletter = Newsletter(
        name="The Weekly",
        sender=sender,
        reply_to=None,
        url="https://news.example.org",
        web=Web(site="https://example.org"),
        address="1 Example Street, Exampleton",
    )
    readers = ListConfig(
        slug="weekly", title="Readers", sender=sender, language=language, timezone="UTC"
    )
    issue = Issue(
        id="x",
        file="issues/x.md",
        digest=hashlib.sha256(BODY.encode()).hexdigest(),
        body=BODY,
        body_line=1,
        subject="Every block",
        preheader="All blocks that the theme knows, one after another, in one issue",
        heading="",
        date=None,
        byline=Byline(
            author="Ann", web=Web(site="https://ann.example.org"), image="https://e.org/a.png"
        ),
        language="",
        list="",
        template="default",
        reply_to="",
        release=Release.BY_HAND,
        send_at="",
        feed=True,
    )
    planned = datetime(2026, 11, 24, tzinfo=UTC)
    result = render_issue(issue, newsletter=newsletter, list_=readers, root=root, planned=planned)
    return "".join(
        piece if isinstance(piece, str) else "https://e.org/u/1" for piece in result.rendering.html
    )


def _look(chromium: str, html: str, folder: Path, *, dark: bool = False, width: int = 800) -> Any:
    """What the browser computes for a page; images and all other requests fail."""
    script = COLLECT.replace("PROPERTIES", json.dumps(PROPERTIES))
    inner = folder / "mail.html"
    inner.write_text(html.replace("</body>", f"{script}</body>"), encoding="utf-8")
    page = inner
    if width < NARROWEST_WINDOW:
        page = folder / "frame.html"
        page.write_text(FRAME.replace("WIDTH", str(width)))
    done = subprocess.run(
        [
            chromium,
            *OPTIONS,
            "--host-resolver-rules=MAP * 127.0.0.1:9",
            f"--blink-settings=preferredColorScheme={0 if dark else 1}",
            f"--window-size={max(width, NARROWEST_WINDOW)},2000",
            f"--user-data-dir={folder}/profile",
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    found = re.search(r'data-result="([^"]*)"', done.stdout)
    assert found, done.stderr[-500:]
    return json.loads(found[1].replace("&quot;", '"').replace("&amp;", "&"))


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
def test_inlining_decides_as_the_browser_does(
    chromium: str, tmp_path: Path, direction: str
) -> None:
    """The theme stays in the subset of CSS in which premailer is exact."""
    theme = Theme(tmp_path, pack=lambda value: value)
    known = {"issue": {"direction": direction}}
    css = theme.render("default", "css", known, where="").text
    content = convert(BODY, title="Title", web=Web(site="https://e.org"), file="", body_line=1).html
    body = f'<body dir="{direction}"><div class="content">{content}</div></body>'
    # A browser puts a tbody into each table; the inliner sees the tables as they are written.
    sheet = f"<style>{css.replace('> tr >', '> tbody > tr >')}</style>"
    page = "<!DOCTYPE html><html><head><meta charset='utf-8'>{}</head>{}</html>"
    expected = _look(chromium, page.format(sheet, body), tmp_path)["styles"]
    actual = _look(chromium, inline(page.format("", body), css), tmp_path)["styles"]
    assert len(expected) > 60
    different = [pair for pair in zip(expected, actual, strict=True) if pair[0] != pair[1]]
    assert different == []


def test_dark_mode_reaches_every_text(chromium: str, tmp_path: Path) -> None:
    """Dark rules beat inlined colours: no dark text on dark ground, no light ground left."""
    html = _mail(tmp_path)
    light, dark = (
        _look(chromium, html, tmp_path, dark=scheme)["styles"] for scheme in (False, True)
    )
    at = PROPERTIES.index
    for (name, before), (_, after) in zip(light, dark, strict=True):
        if name.startswith(("HEAD", "DIV.preheader")):
            continue
        assert _lightness(after[at("color")]) > 0.35, name
        ground = after[at("background-color")]
        assert ground == "rgba(0, 0, 0, 0)" or _lightness(ground) < 0.35, name
        assert before[at("font-size")] == after[at("font-size")], name


def test_nothing_is_wider_than_a_phone(chromium: str, tmp_path: Path) -> None:
    """Long words, code and wide tables wrap: nobody scrolls sideways at 320 px."""
    assert _look(chromium, _mail(tmp_path), tmp_path, width=320)["width"] <= 320


def _lightness(colour: str) -> float:
    red, green, blue = (int(part) for part in re.findall(r"\d+", colour)[:3])
    return (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255
