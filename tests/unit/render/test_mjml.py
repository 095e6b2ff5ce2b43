"""MJML to HTML: parcels pass unharmed, errors name the template's line (E201 to E203)."""

from __future__ import annotations

import pytest
from jinja2 import Environment
from markupsafe import escape

from mailer.errors import CheckError
from mailer.render.marks import Rendered
from mailer.render.mjml import Parcels, compile_shell

SHELL = """<mjml lang="en" dir="ltr">
<mj-head><mj-title>HEAD</mj-title></mj-head>
<mj-body><mj-section><mj-column>
<mj-text>
BODY
</mj-text>
</mj-column></mj-section></mj-body>
</mjml>"""


def _shell(text: str) -> Rendered:
    offsets = [0, *(place + 1 for place, sign in enumerate(text) if sign == "\n")]
    lines = enumerate(offsets, start=1)
    return Rendered(text=text, origins=tuple((offset, f"x.mjml:{line}") for line, offset in lines))


@pytest.mark.parametrize(
    "value",
    [
        'a "quoted" \\ text',
        "no-break\xa0space, soft\xadhyphen, joiner\u200d, e\u0301",
        "a < b && c > d",
        "<i>c</i>\n<b>d</b>",
        "https://example.org/?a=1&b=%20",
        "--> {{ x }} {% y %}",
        "日本語 🚀",
    ],
)
@pytest.mark.parametrize("place", ["<p>{}</p>", '<img src="x" alt="{}" />', "<b>{}</b>\n<i>x</i>"])
def test_a_value_passes_the_compiler_unharmed(value: str, place: str) -> None:
    """The compiler alone would glue words, break attributes and refuse some of these."""
    parcels = Parcels("seed")
    environment = Environment(autoescape=True, finalize=parcels.pack)
    printed = environment.from_string(place.format("{{ value }}")).render(value=value)
    html = parcels.unpack(compile_shell(_shell(SHELL.replace("BODY", printed))))
    assert escape(value) in html


def test_plain_words_and_markup_are_no_parcels() -> None:
    """MJML must read measures and colours, and a macro makes MJML."""
    parcels = Parcels("seed")
    environment = Environment(autoescape=True, finalize=parcels.pack)
    source = "{% macro m() %}<mj-text>{% endmacro %}{{ m() }}{{ '600px' }} {{ '#fff' }} {{ 3 }}"
    assert environment.from_string(source).render() == "<mj-text>600px #fff 3"


def test_parcels_depend_on_seed_and_order_alone() -> None:
    """Decisions 12."""
    assert Parcels("a").pack_html("x") == Parcels("a").pack_html("y")
    assert Parcels("a").pack_html("x") != Parcels("b").pack_html("x")


@pytest.mark.parametrize(
    ("code", "line", "message", "body"),
    [
        ("E201", 5, "There is no <mj-foo>", "</mj-text><mj-foo></mj-foo><mj-text>"),
        ("E202", 5, "belongs into <mj-section>", "</mj-text><mj-group></mj-group><mj-text>"),
        ("E203", 4, "not closed before <mj-image>", "<mj-image src='x' />"),
        ("E202", 5, "{% include %}", "</mj-text><mj-include path='x' /><mj-text>"),
        ("E202", 5, "stand only once", "</mj-text><mjml></mjml><mj-text>"),
        ("E203", 5, "parse", "a < b"),
        ("E203", 6, "parse", "fine\n<p class=x>unquoted</p>"),
        ("E203", 5, "end of stream", "<p>never closed"),
        ("E203", 6, "unexpected", "x\n</p>\ny"),
        ("E203", 4, "<mj-text> is not closed", "<p>x</p></mj-column>"),
        ("E203", 8, "closes nothing", "</mj-text></mj-column></mj-section></mj-body></mjml>\n\n"),
    ],
)
def test_an_error_names_the_line(code: str, line: int, message: str, body: str) -> None:
    """E201, E202 and E203; the compiler itself says where only for some, and not all of them."""
    with pytest.raises(CheckError) as caught:
        compile_shell(_shell(SHELL.replace("BODY", body)))
    assert (code, f"x.mjml:{line}") == (caught.value.code, caught.value.where)
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("line", "message", "body"),
    [
        (6, "<mj-image> has no attribute sizes", '<mj-image\n sizes="1"\n alt="x" />'),
        (7, 'width="9" on <mj-image> is not', '<mj-image\n alt="a > b"\n width="9" />'),
        (5, "<mj-text> has no attribute style", "<mj-text style='color: red'>x</mj-text>"),
    ],
)
def test_an_attribute_without_effect_names_its_own_line(line: int, message: str, body: str) -> None:
    """E201: the compiler says nothing of it."""
    with pytest.raises(CheckError) as caught:
        compile_shell(_shell(SHELL.replace("BODY", f"</mj-text>{body}<mj-text>")))
    assert ("E201", f"x.mjml:{line}") == (caught.value.code, caught.value.where)
    assert message in caught.value.message


def test_defaults_take_what_any_element_knows_and_html_takes_everything() -> None:
    head = "<mj-attributes><mj-all href='x' /><mj-class name='x' border-width='1px' />"
    head += "<mj-text color='red' /></mj-attributes>"
    text = SHELL.replace("<mj-title>", f"{head}<mj-title>")
    compile_shell(_shell(text.replace("BODY", '<p style="x" class="y" data-z="1">x</p>')))


def test_a_default_for_one_element_must_be_an_attribute_of_it() -> None:
    head = "<mj-attributes>\n<mj-text href='x' /></mj-attributes>"
    with pytest.raises(CheckError, match="<mj-text> has no attribute href") as caught:
        compile_shell(_shell(SHELL.replace("<mj-title>", f"{head}<mj-title>")))
    assert "x.mjml:3" == caught.value.where


@pytest.mark.parametrize("text", ["", "hello", "<p>x</p>"])
def test_what_is_no_mjml_at_all_is_an_error(text: str) -> None:
    with pytest.raises(CheckError) as caught:
        compile_shell(_shell(text))
    assert (caught.value.code, caught.value.where) == ("E203", "x.mjml:1")


def test_byte_offsets_of_the_compiler_become_lines() -> None:
    """It counts bytes: without care every ü before an error would move it."""
    text = SHELL.replace("HEAD</mj-title>", "ü" * 300 + "</mj-title>\n<p>no place</p>")
    with pytest.raises(CheckError) as caught:
        compile_shell(_shell(text))
    assert caught.value.where == "x.mjml:3"


def test_comments_may_show_tags_and_defaults_may_name_any() -> None:
    head = "<mj-attributes><mj-all padding='0' /><mj-class name='x' /><mj-text /></mj-attributes>"
    text = SHELL.replace("<mj-title>", f"{head}<!-- <mj-foo> --><mj-title>")
    assert "BODY" in compile_shell(_shell(text))
