"""What a mail that is too large gives up, in which order (M-28)."""

from __future__ import annotations

import pytest

from mailer.config import CheckConfig
from mailer.render.blocks import unmark
from mailer.render.ladder import Draft, fit
from tests.samples.issues import issue

LIMITS = CheckConfig(size_warn=800, size_max=1000)
PLAIN = "<h2>One</h2>\n<p>first</p>\n<h2>Two</h2>\n<p>second</p>\n<h2>Three</h2>\n<p>third</p>\n"
CODE = '<h2>One</h2>\n<pre><code><span class="k">if</span> x</code></pre>\n<h2>Two</h2>\n<p>b</p>\n'


def _page(draft: Draft, *, finish: int, colours: int, rest: int) -> str:
    """A document whose size depends on what the draft still has."""
    size = rest + (0 if draft.lean else finish) + (colours if "<span" in draft.content else 0)
    return draft.content + "x" * (size - len(unmark(draft.content)))


@pytest.mark.parametrize(
    ("expected", "size", "content", "parts"),
    [
        ([], 800, PLAIN, {"finish": 100, "colours": 0, "rest": 700}),
        (["I154"], 700, PLAIN, {"finish": 101, "colours": 0, "rest": 700}),
        (["I154"], 900, CODE, {"finish": 200, "colours": 100, "rest": 800}),
        (["I154", "W155"], 950, CODE, {"finish": 100, "colours": 100, "rest": 950}),
        (["I154", "W155"], 1200, CODE, {"finish": 100, "colours": 100, "rest": 1200}),
        (["I154"], 1200, PLAIN, {"finish": 100, "colours": 0, "rest": 1200}),
        (["W155"], 950, CODE, {"finish": 0, "colours": 100, "rest": 950}),
        ([], 1200, PLAIN, {"finish": 0, "colours": 0, "rest": 1200}),
    ],
)
def test_each_step_is_taken_only_where_the_one_before_was_not_enough(
    expected: list[str], size: int, content: str, parts: dict[str, int]
) -> None:
    fitted = fit(
        content,
        issue=issue("text"),
        make=lambda draft: _page(draft, **parts),
        octets=len,
        limits=LIMITS,
    )
    assert expected == [finding.id for finding in fitted.findings]
    assert size == len(fitted.html)
    assert "<!--" not in fitted.html


def test_a_finding_says_what_was_saved() -> None:
    fitted = fit(
        PLAIN,
        issue=issue("text"),
        make=lambda draft: _page(draft, finish=250, colours=0, rest=700),
        octets=len,
        limits=LIMITS,
    )
    (finding,) = fitted.findings
    assert "250 bytes less" in finding.message
    assert "issues/winter.md" == finding.file


@pytest.mark.parametrize(("rest", "names"), [(800, []), (801, ["One", "Two", "Three"])])
def test_the_parts_are_known_where_the_mail_stays_large(rest: int, names: list[str]) -> None:
    fitted = fit(
        PLAIN,
        issue=issue("text"),
        make=lambda draft: _page(draft, finish=100, colours=0, rest=rest),
        octets=len,
        limits=LIMITS,
    )
    assert names == [block.name for block in fitted.blocks]
