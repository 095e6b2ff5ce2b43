"""What the pages list of issues, templates, people and deliveries is what the program has."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mailer.bounces import providers
from mailer.compose.expressions import compile_expression
from mailer.config.look import TOKENS
from mailer.config.parse import duration
from mailer.content.frontmatter.split import KEYS
from mailer.content.issue import read_issue
from mailer.delivery.policy import RETRIES
from mailer.ledger.entries import Verdict
from mailer.model import BounceClass, DeliveryState, MailingState, OnDoubt
from mailer.render import context
from mailer.render.allowed import FILTERS
from mailer.render.library import Library, shipped
from mailer.render.parts import parts
from tests.samples import pages
from tests.samples.studio import SHOWCASE, Studio

if TYPE_CHECKING:
    from pathlib import Path

ISSUES = pages.read("docs/issues.md")
DELIVERY = pages.read("docs/delivery.md")
TEMPLATES = pages.read("docs/templates.md")


def names(cell: str) -> list[str]:
    """What stands in backquotes."""
    return re.findall(r"`([^`]+)`", cell)


def test_every_key_of_front_matter_is_listed_and_no_other() -> None:
    cells = [row[0] for row in pages.rows(pages.sections(ISSUES)["Front matter"])]
    listed = {name for cell in cells for name in names(cell) if re.fullmatch("[a-z_]+", name)}
    assert KEYS == listed


def test_the_example_of_an_issue_has_nothing_wrong_with_it(tmp_path: Path) -> None:
    path = tmp_path / "issues" / "winter.md"
    path.parent.mkdir()
    path.write_text(pages.blocks(ISSUES, "md")[0], encoding="utf-8")
    assert () == read_issue(path, root=tmp_path).findings


def test_every_expression_that_a_page_shows_can_be_filled() -> None:
    shown = [
        expression
        for page in ("docs/issues.md", "docs/templates.md", "docs/errors.md")
        for expression in re.findall(r"\{\{ ([^{}]+) \}\}", pages.read(page))
        if expression.startswith(("subscriber.", '"')) and "…" not in expression
    ]
    assert len(shown) > 5
    for expression in shown:
        compile_expression(expression)


def test_every_file_of_the_theme_is_listed() -> None:
    text = pages.read("docs/templates.md")
    theme = shipped("templates")
    files = [path.name for path in theme.rglob("*") if path.is_file()]
    assert [] == [name for name in files if name not in text]


def test_every_colour_is_listed_with_its_defaults() -> None:
    found = re.search(r"<!-- colours -->\n(.*)<!-- /colours -->", TEMPLATES, re.DOTALL)
    assert found is not None
    expected = [[f"`{one.name}`", f"`{one.light}`", f"`{one.dark}`", one.doc] for one in TOKENS]
    assert expected == pages.rows(found[1])


def test_every_filter_that_templates_may_use_is_listed() -> None:
    found = re.search(r"<!-- filters -->\n(.*)<!-- /filters -->", TEMPLATES, re.DOTALL)
    assert found is not None
    assert FILTERS == set(names(found[1]))


def test_every_block_of_a_template_is_listed() -> None:
    rows = pages.rows(pages.sections(TEMPLATES)["One block"])
    listed = {file: set(names(blocks)) for files, blocks in rows for file in names(files)}
    # No newsletter has templates among the built-in ones.
    found = parts(Library(shipped("templates")), "default")
    assert listed.items() >= {one.file.name: set(one.blocks) for one in found if one.blocks}.items()


def test_every_name_that_templates_know_is_listed(tmp_path: Path) -> None:
    cells = [row[0] for row in pages.rows(pages.sections(TEMPLATES)["What templates know"])]
    listed = {name for cell in cells for name in names(cell)}
    config = Studio(tmp_path).config
    known: Any = context.names(
        read_issue(SHOWCASE, root=tmp_path),
        newsletter=config.newsletter,
        list_=config.lists["weekly"],
        planned=datetime(2026, 11, 24, tzinfo=UTC),
        look=config.theme,
        page="",
    )
    given = {f"{table}.{name}" for table, values in known.items() for name in values}
    assert set() == given - {f"newsletter{name}" if name[0] == "." else name for name in listed}


def test_every_verdict_of_an_import_is_explained() -> None:
    text = pages.read("docs/subscribers.md")
    assert [] == [verdict.label for verdict in Verdict if verdict.label not in text]


def test_every_class_of_a_bounce_is_explained() -> None:
    listed = [name for row in pages.rows(pages.read("docs/bounces.md")) for name in names(row[0])]
    assert sorted(BounceClass) == sorted(listed)


def test_every_policy_for_doubt_is_explained() -> None:
    section = DELIVERY.partition("## In doubt")[2].partition("\n## ")[0]
    listed = [name for row in pages.rows(section) for name in names(row[0])]
    assert sorted(OnDoubt) == sorted(listed)


def test_every_code_of_a_provider_is_explained() -> None:
    """Standards §2.2: what it means and what to do, as the program says it."""
    section = DELIVERY.partition("## The guard")[2].partition("\n## ")[0]
    listed = [row for row in pages.rows(section) if row[0].startswith("`")]
    assert [(hint.codes, hint.means, hint.mend) for hint in providers.TABLE] == [
        (codes.replace("`", ""), means, mend) for codes, means, mend in listed
    ]


def test_every_state_is_drawn() -> None:
    drawn = DELIVERY.partition("## The one rule")[0]
    states = [*MailingState, *DeliveryState]
    assert [] == [state for state in states if state.replace("_", " ") not in drawn]


def test_the_times_of_retries_are_those_of_the_policy() -> None:
    said = re.search(r"after ([\d, ]+) and (\d+) minutes, then every (\d) hours", DELIVERY)
    assert said is not None
    minutes = [int(number) for number in (*said[1].split(","), said[2])]
    assert list(RETRIES) == [*(60 * each for each in minutes), duration(f"{said[3]}h")]
