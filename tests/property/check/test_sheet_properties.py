"""Style sheets and colours are read whatever stands in them; nothing raises, nothing hangs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mailer.check import clients, colours, paint, sheets
from tests.samples.proofs import PAGE, proof

CSS = st.text(alphabet=st.sampled_from("ab{}@;:!/*\"'(), #.%0px>\n"), max_size=80)
NAMES = st.sampled_from(["color", "display", "font-size", "margin-top", "text-align"])
VALUES = st.text(alphabet=st.sampled_from("abc019#%. -"), min_size=1, max_size=8).map(str.strip)


@given(css=CSS)
def test_any_sheet_is_read(css: str) -> None:
    for rule in sheets.read(css):
        assert rule.selector
        assert rule.values
    sheets.declarations(css)


@given(rules=st.lists(st.tuples(NAMES, VALUES.filter(bool)), min_size=1, max_size=5))
def test_what_a_rule_says_last_holds(rules: list[tuple[str, str]]) -> None:
    body = ";".join(f" {name} : {value} " for name, value in rules)
    (rule,) = sheets.read(f"@media x {{ /* a {{ */ .a, {{}} b {{ {body} }} }}".replace(", {}", ""))
    assert {name: " ".join(value.split(" ")) for name, value in rules} == dict(rule.values)
    assert ("@media x",) == rule.at


@given(value=st.text(alphabet=st.sampled_from("#rgb(a0123456789,./% )redl"), max_size=24))
def test_any_value_is_a_colour_or_none(value: str) -> None:
    found = colours.parse(value, upon=colours.WHITE)
    assert found is None or all(0 <= part <= 255 for part in found)
    paint.pixels(value, of=16.0)


@given(red=st.integers(0, 255), green=st.integers(0, 255), blue=st.integers(0, 255))
def test_a_colour_is_read_as_it_is_shown(red: int, green: int, blue: int) -> None:
    assert (red, green, blue) == colours.parse(colours.shown((red, green, blue)))
    assert (red, green, blue) == colours.parse(f"rgb({red}, {green}, {blue})")


@given(css=CSS, style=CSS)
def test_any_mail_is_painted_and_read(css: str, style: str) -> None:
    safe = style.replace('"', "").replace("<", "")
    html = PAGE.format(css=css.replace("<", ""), body=f'<p style="{safe}">Words</p>')
    made = proof(html=html)
    for run in paint.runs(made.mail):
        assert run.text.strip()
    clients.uses(made.mail)


LEAF = st.sampled_from(["word", '<a href="/">word</a>', '<b style="color:#999">word</b>', ""])
TREE = st.recursive(
    LEAF,
    lambda inner: st.tuples(
        st.sampled_from(["p", "div", "ul", "li"]),
        st.sampled_from(["", ' style="color:#888"', ' class="k"', ' bgcolor="#333"']),
        st.lists(inner, max_size=5),
    ).map(lambda it: f"<{it[0]}{it[1]}>{''.join(it[2])}</{it[0]}> tail"),
    max_leaves=20,
)


@given(body=TREE)
def test_a_thinned_mail_is_painted_alike(body: str) -> None:
    mail = proof(html=PAGE.format(css=".k { color: #777 !important }", body=body)).mail
    whole, thin = paint.runs(mail), paint.runs(paint.thinned(mail))
    assert {run.look for run in whole} == {run.look for run in thin}
    assert len(thin) <= len(whole)
