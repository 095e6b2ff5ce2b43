"""MJML's attributes: those in the table do something, all others are errors (E201)."""

from __future__ import annotations

import re

import pytest
from mjml import mjml2html

from mailer.render.attributes import ATTRIBUTES, what_is_wrong

IMAGE = "https://example.org/i.png"
TEXT = "<mj-text>x</mj-text>"
COLUMN = f"<mj-column>{TEXT}</mj-column>"


def _body(markup: str) -> str:
    own = 'name="own" color="#654" padding="9px" width="33px" font-size="9px" src="x"'
    own += ' border="1px solid #654" background-color="#654"'
    head = f"<mj-head><mj-attributes><mj-class {own} /></mj-attributes></mj-head>"
    return f"<mjml>{head}<mj-body>{markup}</mj-body></mjml>"


def _column(markup: str) -> str:
    return _body(f"<mj-section><mj-column>{markup}</mj-column></mj-section>")


def _head(markup: str) -> str:
    body = f"<mj-body><mj-section>{COLUMN}</mj-section></mj-body>"
    return f"<mjml><mj-head>{markup}</mj-head>{body}</mjml>"


def _accordion(element: str = "", title: str = "", text: str = "") -> str:
    inner = f"<mj-accordion-title {title}>T</mj-accordion-title>"
    inner += f"<mj-accordion-text {text}>X</mj-accordion-text>"
    return f"<mj-accordion-element {element}>{inner}</mj-accordion-element>"


CAROUSEL = "<mj-carousel-image {} /><mj-carousel-image />"
SHELLS: dict[str, list[str]] = {
    "mjml": [f"<mjml {{}}><mj-body><mj-section>{COLUMN}</mj-section></mj-body></mjml>"],
    "mj-body": [f"<mjml><mj-body {{}}><mj-section>{COLUMN}</mj-section></mj-body></mjml>"],
    "mj-breakpoint": [_head("<mj-breakpoint {} />")],
    "mj-font": [
        _head('<mj-font name="A" {} /><mj-attributes><mj-all font-family="A" /></mj-attributes>'),
        _head('<mj-font href="x" {} /><mj-attributes><mj-all font-family="own" /></mj-attributes>'),
    ],
    "mj-section": [
        _body(f"<mj-section {{}}>{COLUMN}</mj-section>"),
        _body(f'<mj-section background-url="{IMAGE}" {{}}>{COLUMN}</mj-section>'),
    ],
    "mj-wrapper": [
        _body(f"<mj-wrapper {{}}><mj-section>{COLUMN}</mj-section></mj-wrapper>"),
        _body(
            f'<mj-wrapper background-url="{IMAGE}" {{}}><mj-section>{COLUMN}</mj-section>'
            "</mj-wrapper>"
        ),
    ],
    "mj-group": [_body(f"<mj-section><mj-group {{}}>{COLUMN}{COLUMN}</mj-group></mj-section>")],
    "mj-column": [
        _body(f"<mj-section><mj-column {{}}>{TEXT}</mj-column></mj-section>"),
        _body(f'<mj-section><mj-column padding="3px" {{}}>{TEXT}</mj-column></mj-section>'),
    ],
    "mj-text": [_column("<mj-text {}>x</mj-text>")],
    "mj-image": [
        _column("<mj-image {} />"),
        _column(f'<mj-image src="{IMAGE}" href="https://example.org" {{}} />'),
    ],
    "mj-button": [
        _column("<mj-button {}>x</mj-button>"),
        _column('<mj-button href="x" {}>x</mj-button>'),
    ],
    "mj-divider": [_column("<mj-divider {} />")],
    "mj-spacer": [_column("<mj-spacer {} />")],
    "mj-table": [_column("<mj-table {}><tr><td>x</td></tr></mj-table>")],
    "mj-hero": [
        _body(f"<mj-hero {{}}>{TEXT}</mj-hero>"),
        _body(
            f'<mj-hero background-url="{IMAGE}" background-width="600px" background-height="300px"'
            f' height="300px" {{}}>{TEXT}</mj-hero>'
        ),
    ],
    "mj-social": [
        _column('<mj-social {}><mj-social-element name="x">F</mj-social-element></mj-social>'),
        _column(
            '<mj-social mode="vertical" {}><mj-social-element name="x">F</mj-social-element>'
            "</mj-social>"
        ),
    ],
    "mj-social-element": [
        _column("<mj-social><mj-social-element {}>F</mj-social-element></mj-social>"),
        _column(
            f'<mj-social><mj-social-element src="{IMAGE}" href="https://example.org" {{}}>F'
            "</mj-social-element></mj-social>"
        ),
    ],
    "mj-navbar": [
        _column('<mj-navbar {}><mj-navbar-link href="/a">A</mj-navbar-link></mj-navbar>'),
        _column(
            '<mj-navbar hamburger="hamburger" {}><mj-navbar-link href="/a">A</mj-navbar-link>'
            "</mj-navbar>"
        ),
    ],
    "mj-navbar-link": [_column("<mj-navbar><mj-navbar-link {}>A</mj-navbar-link></mj-navbar>")],
    "mj-accordion": [_column(f"<mj-accordion {{}}>{_accordion()}</mj-accordion>")],
    "mj-accordion-element": [_column(f"<mj-accordion>{_accordion(element='{}')}</mj-accordion>")],
    "mj-accordion-title": [_column(f"<mj-accordion>{_accordion(title='{}')}</mj-accordion>")],
    "mj-accordion-text": [_column(f"<mj-accordion>{_accordion(text='{}')}</mj-accordion>")],
    "mj-carousel": [_column(f"<mj-carousel {{}}>{CAROUSEL.format('')}</mj-carousel>")],
    "mj-carousel-image": [
        _column(f"<mj-carousel>{CAROUSEL}</mj-carousel>"),
        _column(
            f'<mj-carousel>{CAROUSEL.format(f"""href="x" src="{IMAGE}" {{}}""")}</mj-carousel>'
        ),
    ],
}
VALUES = re.findall(
    r"\S+",
    """7px #123456 right italic 2px_solid_#123456 https://e.org/x.png auto fixed rtl bottom top
    middle underline uppercase dotted 300 3 own hidden vertical true full-width hamburger
    no-repeat 20% left facebook center""",
)
COUNTED = re.compile(r"carousel-[0-9a-f]+|(?<=[\"-])[0-9a-f]{8,}")


def _compile(shell: str, attribute: str = "") -> str:
    return COUNTED.sub("", mjml2html(shell.replace("{}", attribute), fonts={}))


@pytest.mark.parametrize("tag", ATTRIBUTES)
def test_what_the_table_has_changes_what_the_compiler_makes(tag: str) -> None:
    """rendering: the compiler says nothing of an attribute that it ignores."""
    idle = set(ATTRIBUTES[tag])
    for shell in SHELLS[tag]:
        plain = _compile(shell)
        for name in sorted(idle):
            if re.search(rf"<{tag}\b[^>]* {name}=", shell):
                continue
            values = (value.replace("_", " ") for value in VALUES)
            if any(_compile(shell, f'{name}="{value}"') != plain for value in values):
                idle.discard(name)
    assert set() == idle


@pytest.mark.parametrize(
    ("tag", "name"),
    [
        ("mj-button", "title"),
        ("mj-column", "inner-radius"),
        ("mj-hero", "border-radius"),
        ("mj-hero", "mode"),
        ("mj-image", "sizes"),
        ("mj-section", "gutter"),
        ("mj-section", "color"),
        ("mj-table", "role"),
        ("mj-social", "border"),
        ("mj-social-element", "icon-position"),
        ("mj-accordion-title", "font-weight"),
        ("mj-body", "id"),
        ("mj-style", "inline"),
        ("mj-head", "lang"),
        ("mj-text", "class"),
        ("mj-text", "style"),
        ("mj-all", "font-famly"),
    ],
)
def test_what_the_compiler_would_ignore_is_wrong(tag: str, name: str) -> None:
    wrong = what_is_wrong(tag, name, "x")
    assert wrong is not None
    assert f"<{tag}> has no attribute {name}" == wrong[0]


@pytest.mark.parametrize(
    ("step", "tag", "name"),
    [
        ("did you mean color?", "mj-text", "colour"),
        ("did you mean background-color?", "mj-body", "backgroundcolor"),
        ("take it out, or use width", "mj-breakpoint", "x"),
        ("take it out, or use an element that has it", "mj-title", "x"),
    ],
)
def test_the_next_step_is_an_attribute_that_is_near(step: str, tag: str, name: str) -> None:
    wrong = what_is_wrong(tag, name, "x")
    assert wrong is not None
    assert step == wrong[1]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("padding", "0"),
        ("padding", "0 32px"),
        ("padding", "36px 0 18px"),
        ("padding", "1px 2px 3px 4px"),
        ("padding", "5%"),
        ("color", "#0a58ca"),
        ("color", "#FFF"),
        ("color", "rgb(1, 2, 3)"),
        ("color", "tomato"),
        ("font-size", "16px"),
        ("line-height", "1.5"),
        ("line-height", "26px"),
        ("letter-spacing", "-0.3px"),
        ("font-weight", "700"),
        ("align", "right"),
        ("font-family", "Georgia, serif"),
        ("color", "tok0123456789v3e"),
        ("padding", "tok0123456789v3e"),
        ("text-decoration", "underline dotted"),
    ],
)
def test_values_that_css_knows_are_fine(name: str, value: str) -> None:
    assert what_is_wrong("mj-text", name, value) is None


@pytest.mark.parametrize(
    ("tag", "name", "value"),
    [
        ("mj-text", "padding", "10"),
        ("mj-text", "padding", "1px 2px 3px 4px 5px"),
        ("mj-text", "padding", "px"),
        ("mj-text", "padding-left", "wide"),
        ("mj-text", "color", "#12345"),
        ("mj-text", "color", "0a58ca"),
        ("mj-text", "color", "{{ red }}"),
        ("mj-text", "font-size", "16"),
        ("mj-text", "font-weight", "heavy"),
        ("mj-text", "align", "start"),
        ("mj-text", "text-transform", "upper"),
        ("mj-column", "width", "50"),
        ("mj-column", "direction", "down"),
        ("mj-section", "full-width", "true"),
        ("mj-section", "border-top", "1px; color: red"),
        ("mj-section", "background-color", ""),
        ("mj-image", "fluid-on-mobile", "yes"),
        ("mj-divider", "border-style", "wavy"),
        ("mjml", "dir", "right"),
    ],
)
def test_values_that_would_be_ignored_are_wrong(tag: str, name: str, value: str) -> None:
    wrong = what_is_wrong(tag, name, value)
    assert wrong is not None
    assert wrong[0].startswith(f'{name}="{value}" on <{tag}> is not ')
