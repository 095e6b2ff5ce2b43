"""An issue through the whole pipeline and the built-in theme: content, theme, MJML, inlining."""

from __future__ import annotations

import hashlib
import html as html_module
import re
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import html5lib
import pytest

from mailer.config import ListConfig, Newsletter, ThemeConfig
from mailer.config.look import DARK, LIGHT
from mailer.errors import CheckError
from mailer.model import Byline, Mailbox, Place, Slot, Template
from mailer.render import RenderResult, render_issue
from tests.samples import issues

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mailer.model import Issue

BODY = """\
![A winter garden](/garden.png)

Hello {{ subscriber.name or "reader" }}, *this* is **the** `{{ subscriber.name }}` issue & more.

## Opening & closing

- [Your page](https://example.org/me?u={{ subscriber.id }}&x=1)
- [Your site]({{ subscriber.website }})
- ![Portrait of {{ subscriber.name }}](https://example.org/p.png)

> Quoted words.

```python
def greet(name): return f"Hello {name}"  # {{ subscriber.name }}
```

| Day | Open |
|-----|-----:|
| Mon | 9    |

A note[^1]. {{ page.title }} stays. <script>alert(1)</script>

[^1]: The note itself.
"""
SENDER = Mailbox(name="The Weekly", address="weekly@example.org")
NEWSLETTER = Newsletter(
    name='The "Weekly" & more',
    sender=SENDER,
    reply_to=None,
    url="https://news.example.org",
    site="https://example.org",
    address="1 Example Street,\n12345 Exampleton",
)
READERS = ListConfig(
    slug="weekly", title="Readers & friends", sender=SENDER, language="en", timezone="UTC"
)
PLANNED = datetime(2026, 11, 24, 9, tzinfo=UTC)
FORBIDDEN = {"script", "form", "iframe", "object", "embed", "link", "svg", "input", "video"}


def _issue(**changes: Any) -> Issue:
    issue = issues.issue(
        BODY,
        subject='Winter {{ subscriber.city or "here" }} & "there"',
        preheader="When we open in winter, and why the garden is <closed> on Sundays",
        byline=Byline(
            author="Ann O'Hara",
            site="https://www.ann.example.org/",
            image="https://ann.example.org/a.png",
        ),
        template="default",
        meta={"colour": "blue"},
    )
    issue = replace(issue, **changes)
    return replace(issue, digest=hashlib.sha256(repr(issue).encode()).hexdigest())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "templates" / "partials").mkdir(parents=True)
    return tmp_path


def _render(root: Path, **changes: Any) -> RenderResult:
    known = {"newsletter": changes.pop("newsletter", NEWSLETTER)}
    known |= {"theme": changes.pop("theme")} if "theme" in changes else {}
    return render_issue(_issue(**changes), list_=READERS, root=root, planned=PLANNED, **known)


def _fixed(template: Template) -> str:
    """The text of a part, slots in square brackets."""
    return "".join(
        piece if isinstance(piece, str) else f"[{piece.expression}]" for piece in template
    )


def _slots(template: Template) -> list[tuple[str, Place]]:
    return [(piece.expression, piece.place) for piece in template if isinstance(piece, Slot)]


def _tree(root: Path, **changes: Any) -> Any:
    markup = _fixed(_render(root, **changes).rendering.html)
    return html5lib.parse(markup, namespaceHTMLElements=False)


def _elements(tree: Any) -> Iterator[Any]:
    return (element for element in tree.iter() if isinstance(element.tag, str))


# --- M-27: what the HTML part is ------------------------------------------------------------------


def test_the_head_says_what_clients_need(root: Path) -> None:
    """M-27: doctype, lang, dir, title, charset, viewport, colour schemes."""
    markup = _fixed(_render(root).rendering.html)
    assert markup.startswith("<!DOCTYPE html>")
    tree = html5lib.parse(markup, namespaceHTMLElements=False)
    assert (tree.get("lang"), tree.get("dir")) == ("en", "ltr")
    assert tree.find("head/title").text == 'Winter [subscriber.city or "here"] & "there"'
    metas = {meta.get("name") or meta.get("http-equiv"): meta for meta in tree.iter("meta")}
    assert metas["Content-Type"].get("content") == "text/html; charset=UTF-8"
    assert "width=device-width" in metas["viewport"].get("content")
    assert metas["color-scheme"].get("content") == "light dark"


def test_nothing_that_mail_must_not_hold(root: Path) -> None:
    """M-27, case 11: an allow-list by what a parser sees, not by patterns."""
    for element in _elements(_tree(root)):
        assert element.tag not in FORBIDDEN
        for name, value in element.attrib.items():
            assert not name.startswith("on")
            assert not re.match(r"\s*(javascript|data|vbscript):", value, re.IGNORECASE)


def test_layout_tables_say_so_and_data_tables_do_not(root: Path) -> None:
    """M-27: role=presentation on layout tables only."""
    for table in _tree(root).iter("table"):
        holds_data = table.get("class") == "data"
        assert holds_data == (table.get("role") != "presentation")


def test_every_image_has_alt_and_a_width_that_fits(root: Path) -> None:
    """M-27: one column of at most 640 px."""
    images = list(_tree(root).iter("img"))
    assert len(images) == 3
    for image in images:
        assert image.get("alt") is not None
        assert 0 < int(image.get("width")) <= 536
        assert image.get("src").startswith("https://")


def test_every_link_is_absolute_or_a_slot_or_in_the_page(root: Path) -> None:
    """M-27."""
    for link in _tree(root).iter("a"):
        assert re.match(r"https://|\[|#", link.get("href", "#"))


def test_styles_are_inlined_and_dark_mode_stays_a_rule(root: Path) -> None:
    """M-27: CSS inlined plus a media-query block, which must beat what is inlined."""
    tree = _tree(root)
    for tag in ("h1", "h2", "p", "li", "pre", "code", "blockquote"):
        assert all(element.get("style") for element in tree.find("body").iter(tag)), tag
    css = "".join(style.text or "" for style in tree.iter("style"))
    dark = css.partition("@media (prefers-color-scheme: dark)")[2]
    declarations = re.findall(r"[a-z-]+: [^;{}]+;", dark)
    assert len(declarations) > 20
    assert all(" !important;" in declaration for declaration in declarations)
    assert len(css.encode()) < 8192
    assert not re.search(r"@media[^{]*\{[^{}]*(\{[^{}]*\}[^{}]*)*@", css)
    assert tree.find("body").find(".//style") is None


def test_conditional_comments_balance(root: Path) -> None:
    markup = _fixed(_render(root).rendering.html)
    assert markup.count("<!--[if") == markup.count("<![endif]-->")
    assert "tok" not in re.sub(r"<[^>]*>", "", markup)


# --- M-29: the preheader --------------------------------------------------------------------------


def test_the_preheader_is_hidden_first_and_escaped(root: Path) -> None:
    """M-29: first in the body, invisible, escaped, with filler; not in the text part."""
    result = _render(root)
    markup = _fixed(result.rendering.html)
    body = html5lib.parse(markup, namespaceHTMLElements=False).find("body")
    first = next(element for element in body.iter() if (element.text or "").strip())
    assert first.text.startswith(_issue().preheader)
    assert "\u034f\u200c\xa0" * 20 in first.text
    style = first.get("style")
    for rule in ("display:none", "max-height:0", "overflow:hidden", "mso-hide:all"):
        assert rule in style
    assert "why the garden" not in _fixed(result.rendering.text)
    assert "\u034f" not in _fixed(result.rendering.text)


def test_an_issue_without_preheader_has_the_name_of_the_newsletter_there(root: Path) -> None:
    """M-29: else the inbox list would show whatever is at the top of the mail."""
    markup = _fixed(_render(root, preheader="").rendering.html)
    hidden = re.search(r"<div[^>]*display:none[^>]*>(.*?)</div>", markup)
    assert hidden is not None
    assert html_module.unescape(hidden[1]).startswith('The "Weekly" & more\u034f')


# --- slots ----------------------------------------------------------------------------------------


def test_slots_survive_everything_with_their_places(root: Path) -> None:
    """Architecture §6: in text, in a URL, as a URL, in alt, in title and subject."""
    rendering = _render(root).rendering
    assert _slots(rendering.subject) == [('subscriber.city or "here"', Place.TEXT)]
    assert {
        ('subscriber.city or "here"', Place.HTML),
        ('subscriber.name or "reader"', Place.HTML),
        ("subscriber.name", Place.HTML),
        ("subscriber.id", Place.URL_PART),
        ("subscriber.website", Place.URL),
        ("unsubscribe_url", Place.URL),
    } == set(_slots(rendering.html))
    markup = _fixed(rendering.html)
    assert 'alt="Portrait of [subscriber.name]"' in markup
    assert 'href="https://example.org/me?u=[subscriber.id]&amp;x=1"' in markup
    assert "tok" not in re.sub(r"<[^>]*>", "", markup)
    assert {Place.TEXT, Place.URL_PART} == {place for _, place in _slots(rendering.text)}


def test_other_braces_and_code_stay_text(root: Path) -> None:
    for part in (_render(root).rendering.html, _render(root).rendering.text):
        shown = html_module.unescape(re.sub(r"<[^>]+>", "", _fixed(part)))
        assert "{{ page.title }} stays" in shown
        assert "{{ subscriber.name }}" in shown
        assert "# {{ subscriber.name }}" in shown


def test_slots_know_their_lines_in_the_file(root: Path) -> None:
    lines = {
        piece.expression: piece.line
        for piece in _render(root).rendering.text
        if isinstance(piece, Slot)
    }
    assert lines['subscriber.name or "reader"'] == 7
    assert lines["subscriber.id"] == 11


@pytest.mark.parametrize(
    ("line", "body"),
    [
        (7, "one\n\nHello {{ subscriber.name.upper() }}"),
        (5, "[x]({{ view_url }})"),
        (6, "one\nHello {{ subscriber.name"),
        (5, "[x]({{ subscriber.site }}/path)"),
    ],
)
def test_an_expression_that_cannot_be_filled_names_file_and_line(
    root: Path, line: int, body: str
) -> None:
    """E204, decisions 13 and 17: nothing is rendered."""
    with pytest.raises(CheckError) as caught:
        _render(root, body=body)
    assert ("E204", f"issues/winter.md:{line}") == (caught.value.code, caught.value.where)


# --- both parts -----------------------------------------------------------------------------------


def test_no_word_of_the_issue_is_lost(root: Path) -> None:
    """M-26: both parts have all words of the source, and the links."""
    without = re.sub(r"\{\{.*?\}\}|<script.*?</script>|\]\([^)]*\)|https?://\S+", " ", BODY)
    expected = set(re.findall(r"\w+", without)) - {"python", "1"}
    rendering = _render(root).rendering
    shown = html_module.unescape(re.sub(r"<[^>]+>", " ", _fixed(rendering.html)))
    alts = " ".join(re.findall(r'alt="([^"]*)"', _fixed(rendering.html)))
    assert set() == expected - set(re.findall(r"\w+", f"{shown} {alts}"))
    assert set() == expected - set(re.findall(r"\w+", _fixed(rendering.text)))
    assert "https://example.org/garden.png" in _fixed(rendering.html)
    assert "https://example.org/garden.png" in _fixed(rendering.text)


def test_both_parts_have_address_reason_and_unsubscribe_link(root: Path) -> None:
    """L-15, M-26: postal address, why it came, and the way out."""
    rendering = _render(root).rendering
    shown = " ".join(html_module.unescape(re.sub(r"<[^>]+>", " ", _fixed(rendering.html))).split())
    text = " ".join(_fixed(rendering.text).split())
    for part in (shown, text):
        assert "subscribed to Readers & friends." in part
        assert "1 Example Street, 12345 Exampleton" in part
        assert 'The "Weekly" & more' in part
        assert "24 November 2026" in part
        assert "Ann O'Hara" in part
    assert '<a href="[unsubscribe_url]"' in _fixed(rendering.html)
    assert "Unsubscribe: [unsubscribe_url]" in text


def test_the_text_part_is_plain(root: Path) -> None:
    """M-26: wrapped, without markup or entities, without piles of blank lines."""
    text = _fixed(_render(root).rendering.text)
    assert not re.search(r"</?(p|div|td|a|strong)\b|&amp;|&quot;", text)
    assert "\n\n\n" not in text
    assert text.endswith("Exampleton\n")
    assert [
        line
        for line in text.split("\n")
        if len(line) > 78 and not re.search(r"https://|\[subscriber", line)
    ] == []


@pytest.mark.parametrize(
    ("language", "direction", "word"),
    [
        ("de", "ltr", "Abmelden"),
        ("fr-CA", "ltr", "désabonner"),
        ("ar", "rtl", "إلغاء"),
        ("xx", "ltr", "Unsub"),
    ],
)
def test_the_theme_speaks_the_language_of_the_issue(
    root: Path, language: str, direction: str, word: str
) -> None:
    rendering = _render(root, language=language).rendering
    assert f'lang="{language}" dir="{direction}"' in _fixed(rendering.html)
    assert word in _fixed(rendering.html)
    assert word in _fixed(rendering.text)
    assert language == rendering.language


def test_right_to_left_mirrors_bars_and_indents(root: Path) -> None:
    body = "> اقتباس من رسالة\n\n- بند أول\n- بند ثان"
    markup = _fixed(_render(root, language="ar", body=body).rendering.html)
    assert "border-right:4px solid" in markup
    assert "border-left:4px solid" not in markup
    assert "padding:0 24px 0 0" in markup


def test_an_issue_without_author_has_no_byline(root: Path) -> None:
    rendering = _render(root, byline=None).rendering
    assert "byline" not in _fixed(rendering.html).partition("</head>")[2]
    assert "By " not in _fixed(rendering.text)


# --- hostile values -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        '"><script>alert(1)</script>',
        "{{ 7*7 }}{% raw %}",
        "a\u0301 \u200d \xad\xa0 \\",
        "<!-- --> ]]>",
    ],
)
def test_values_of_configuration_and_front_matter_are_shown_literally(
    root: Path, value: str
) -> None:
    """X-4, case 12: escaped for HTML, never rendered a second time, unharmed by MJML."""
    byline = Byline(author=value, site="", image="https://example.org/a.png")
    newsletter = replace(NEWSLETTER, name=value)
    markup = _fixed(
        _render(root, byline=byline, newsletter=newsletter, subject=f"S {value}").rendering.html
    )
    tree = html5lib.parse(markup, namespaceHTMLElements=False)
    assert f"S {value}" == tree.find("head/title").text
    assert value == tree.find(".//strong").text or value in "".join(tree.itertext())
    assert list(tree.iter("script")) == []


# --- templates of the newsletter's own ------------------------------------------------------------


def test_one_file_of_the_newsletter_replaces_one_of_the_theme(root: Path) -> None:
    """Interface §1.0: files here win over the built-in theme, one by one."""
    (root / "templates/partials/footer.mjml").write_text(
        "<mj-section><mj-column><mj-text>MINE</mj-text></mj-column></mj-section>"
    )
    rendering = _render(root).rendering
    assert "MINE" in _fixed(rendering.html)
    assert "subscribed to" not in _fixed(rendering.html)
    assert "subscribed to" in _fixed(rendering.text)
    assert 'class="cell content"' in _fixed(rendering.html)


def test_colours_of_the_newsletter_reach_the_mail(root: Path) -> None:
    look = ThemeConfig(light={**LIGHT, "link": "#123456"}, dark={**DARK, "link": "#abcdef"})
    markup = _fixed(_render(root, theme=look).rendering.html)
    assert "color:#123456" in markup
    assert ".content a { color: #abcdef !important; }" in markup


def test_front_matter_reaches_templates(root: Path) -> None:
    (root / "templates/partials/byline.mjml").write_text(
        "<mj-text>colour {{ issue.meta.colour }}</mj-text>"
    )
    assert "colour blue" in _fixed(_render(root).rendering.html)


@pytest.mark.parametrize(
    ("code", "source"),
    [
        ("E204", "{{ ''.__class__ }}"),
        ("E205", "{{ 'a'*10**10 }}"),
        ("E205", "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"),
        ("E204", "{{ issue.nothing }}"),
        ("E201", "<mj-nothing></mj-nothing>"),
        ("E201", '<mj-text colour="#fff">x</mj-text>'),
        ("E201", '<mj-text padding="10">x</mj-text>'),
        ("E202", "<mj-section></mj-section>"),
        ("E203", "<mj-text>"),
    ],
)
def test_a_bad_template_is_a_clean_error_and_others_go_on(
    root: Path, code: str, source: str
) -> None:
    """X-4, X-5, case 13: under 5 s, with file and line, and the next issue is rendered."""
    (root / "templates/partials/byline.mjml").write_text(f"\n{source}")
    started = time.monotonic()
    with pytest.raises(CheckError) as caught:
        _render(root)
    assert (code, "templates/partials/byline.mjml:2") == (caught.value.code, caught.value.where)
    assert time.monotonic() - started < 5
    (root / "templates/partials/byline.mjml").unlink()
    assert _render(root).rendering.html


# --- the same again -------------------------------------------------------------------------------


def test_equal_inputs_give_equal_bytes(root: Path, tmp_path: Path) -> None:
    """Decisions 12: the dry run's digest is the frozen one's, wherever the folder stands."""
    other = tmp_path / "elsewhere"
    other.mkdir()
    assert _render(root).rendering.dump() == _render(other).rendering.dump()


def test_what_is_shown_changes_the_digest(root: Path) -> None:
    first = _render(root).rendering.dump()
    assert first != _render(root, subject="Other").rendering.dump()
    assert first != _render(root, date=datetime(2023, 8, 4)).rendering.dump()  # noqa: DTZ001  as written


def test_findings_of_the_content_come_along(root: Path) -> None:
    """Case 11: what the sanitiser took away is said, with file and line."""
    (script,) = [finding for finding in _render(root).findings if "script" in finding.message]
    assert (script.id, script.file) == ("W113", "issues/winter.md")


def test_a_rendering_is_fast_once_warm(root: Path) -> None:
    """Under 100 ms once warm (the bound is loose for slow CI)."""
    _render(root)
    best = min(_seconds(root) for _ in range(3))
    assert best < 0.3


def _seconds(root: Path) -> float:
    started = time.perf_counter()
    _render(root)
    return time.perf_counter() - started
