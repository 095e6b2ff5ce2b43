"""What clients do not support (interface §4: W170), by the bundled data."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from mailer.check import clients
from mailer.config import CheckConfig, ThemeConfig
from mailer.content.issue import read_issue
from mailer.model import CLIENTS
from mailer.render import render_issue
from tests.samples.proofs import NEWSLETTER, PAGE, PLANNED, proof

if TYPE_CHECKING:
    from pathlib import Path

    from tests.samples.newsletter import News


def found(body: str = "", css: str = "", *, families: tuple[str, ...] = ("gmail",)) -> list[str]:
    """The messages about a mail with this body and style sheet."""
    made = proof(html=PAGE.format(css=css, body=body), config=CheckConfig(clients=families))
    return [one.message for one in clients.check_clients(made)]


@pytest.mark.parametrize(
    ("body", "css", "said"),
    [
        ("<video src='/a.mp4'></video>", "", "<video> element: not in Gmail"),
        ("<svg></svg>", "", "Embedded <svg> image: not in Gmail"),
        ("<p style='position:absolute'>a</p>", "", "position: not in Gmail"),
        ("<p style='color:var(--a)'>a</p>", "", "CSS Variables (Custom Properties): not in Gmail"),
        ("<p style='margin-inline-start:2px'>a</p>", "", "margin-inline-start"),
        ("", "p::before { content: 'a' }", "::before: not in Gmail"),
        ("", "@import url(/a.css);", "@import: not in Gmail"),
        ("", "p { color: red; a { color: blue } }", "CSS Nesting: not in Gmail"),
        ("<img src='/a.mp4?b'>", "", "Video as Image Assets: not in Gmail"),
        ("<p hidden>a</p>", "", "hidden attribute: not in Gmail"),
    ],
)
def test_w170_what_a_client_cannot_do_is_told(body: str, css: str, said: str) -> None:
    assert any(said in one for one in found(body, css)), found(body, css)


@pytest.mark.parametrize(
    ("body", "css"),
    [
        ("<p style='border-radius:4px;max-width:9px;letter-spacing:1px'>a</p>", ""),
        ("<p style='background:#fff'>a</p>", ""),
        ("<p>var(--a), 3vh, position: absolute, @import, &lt;video&gt;</p>", ""),
        ("", "/* p::before { content: 'a' } */ p { color: red }"),
        ("", "p { background-image: none }"),
        ("", "@media (max-width: 480px) { p { display: flex } p::after { content: 'a' } }"),
        ("<a style='color:red' href='https://x.net/var(x)/3rem'>a</a>", ""),
    ],
)
def test_w170_what_only_decorates_or_is_text_is_none(body: str, css: str) -> None:
    assert [] == found(body, css, families=CLIENTS)


def test_w170_only_the_configured_clients_count_and_all_are_named() -> None:
    flex = "<p style='display: flex'>a</p>"
    assert [] == found(flex, families=("gmail", "apple-mail"))
    assert ["display:flex: not in classic Outlook for Windows, GMX"] == found(
        flex, families=("apple-mail", "outlook-windows", "gmx")
    )


def test_the_data_knows_every_family_that_can_be_configured() -> None:
    data = clients.features()
    assert sorted(CLIENTS) == sorted(data["families"])
    assert {len(CLIENTS)} == {len(marks) for _, _, marks in data["features"].values()}
    assert set("yanu") >= set("".join(marks for _, _, marks in data["features"].values()))


def test_the_data_is_small_and_has_its_licence() -> None:
    folder = clients.DATA.parent
    assert clients.DATA.stat().st_size < 14_000
    assert "Permission is hereby granted" in (folder / "LICENSE").read_text(encoding="utf-8")


@pytest.mark.parametrize("template", ["default", "letter", "digest"])
def test_w170_the_built_in_templates_ask_for_nothing_else(
    template: str, news: News, tmp_path: Path
) -> None:
    """The baseline that is subtracted is what the untouched theme uses, and no more."""
    issue = read_issue(news.issue(), root=news.folder)
    list_ = news.config.lists["weekly"]
    result = render_issue(
        replace(issue, body="Words.\n\n> quoted\n\n```\ncode\n```\n"),
        newsletter=NEWSLETTER,
        list_=list_,
        root=tmp_path,
        planned=PLANNED,
        theme=ThemeConfig(template=template),
    )
    made = replace(proof(config=CheckConfig(clients=CLIENTS)), rendering=result.rendering)
    assert [] == [one.message for one in clients.check_clients(made)]
    known = set(clients.features()["features"])
    assert clients.THEME == clients.uses(made.mail) & known
