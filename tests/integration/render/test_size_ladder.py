"""A long issue gives up finish before it is refused, and says where it may be cut (M-28)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from mailer.check.mail import check_size
from mailer.compose.mime import MessageTemplate
from mailer.config import CheckConfig, ListConfig, Newsletter
from mailer.model import Mailbox
from mailer.render import RenderResult, render_issue
from tests.samples.issues import issue
from tests.samples.messages import KEYRING, revision

if TYPE_CHECKING:
    from pathlib import Path

    from mailer.model import Finding, Template

URL = "https://news.example.org"
PAGE = "https://example.org/letters/{id}/"
SENDER = Mailbox(name="The Weekly", address="weekly@example.org")
LIST = ListConfig(slug="weekly", title="The Weekly", sender=SENDER, language="en", timezone="UTC")
LIMITS = CheckConfig()
CODE = """\
- How [the door](https://example.org/door) opens:

```python
def opening(day: str) -> int:  # when the door opens
    return {"monday": 9, "sunday": 11}.get(day, 10)
```

"""


def _links(sections: int, each: int) -> str:
    """Lists of links, which cost most: each has an address, a colour and a margin."""
    link = "- [a link with some words](https://example.org/reports/{0}/{1}) and `code`\n"
    return "".join(
        f"## Reports of week {number}\n\n"
        + "".join(link.format(number, at) for at in range(each))
        + "\n"
        for number in range(sections)
    )


def _render(root: Path, body: str, *, page: str = PAGE, **changes: Any) -> RenderResult:
    newsletter = Newsletter(
        name="The Weekly",
        sender=SENDER,
        reply_to=None,
        url=URL,
        site="https://example.org",
        page=page,
        address="1 Example Street, Exampleton",
    )
    return render_issue(
        issue(body, **changes),
        newsletter=newsletter,
        list_=LIST,
        root=root,
        planned=datetime(2026, 11, 24, tzinfo=UTC),
        limits=LIMITS,
    )


def _size(result: RenderResult) -> int:
    template = MessageTemplate(result.rendering, revision(url=URL), KEYRING)
    return max(template.sizes.html_decoded, template.sizes.html_encoded)


def _ids(result: RenderResult) -> list[str]:
    return [finding.id for finding in result.findings if finding.id in ("I154", "W155")]


def _check(body: str, result: RenderResult) -> list[Finding]:
    sizes = MessageTemplate(result.rendering, revision(url=URL), KEYRING).sizes
    return list(check_size(sizes, issue(body), limits=LIMITS, blocks=result.blocks, cut=result.cut))


def _fixed(template: Template) -> str:
    return "".join(piece for piece in template if isinstance(piece, str))


def test_an_ordinary_issue_gives_up_nothing(tmp_path: Path) -> None:
    result = _render(tmp_path, _links(5, 10) + CODE)
    assert [] == _ids(result)
    assert () == result.blocks
    assert "" == result.cut


def test_a_long_issue_gives_up_what_each_element_repeats(tmp_path: Path) -> None:
    result = _render(tmp_path, _links(10, 40))
    assert ["I154"] == _ids(result)
    html = _fixed(result.rendering.html)
    assert "<!--block" not in html
    assert 'href="https://example.org/reports/9/39"' in html
    assert _size(result) < LIMITS.size_max


def test_a_longer_one_gives_up_the_colours_of_code_too(tmp_path: Path) -> None:
    body = "## Code\n\n" + CODE * 90
    coloured = _fixed(_render(tmp_path, CODE).rendering.html)
    assert '<span class="k"' in coloured
    result = _render(tmp_path, body)
    assert ["I154", "W155"] == _ids(result)
    html = _fixed(result.rendering.html)
    assert '<span class="k"' not in html
    assert 90 == html.count("when the door opens")
    assert _size(result) <= LIMITS.size_max


@pytest.mark.parametrize(
    "changes", [{"page": ""}, {"cut_after": "Reports of week 4"}], ids=["no page", "cut already"]
)
def test_no_cut_is_offered_that_could_not_be_made(tmp_path: Path, changes: dict[str, str]) -> None:
    """The one next step of E150 must lead somewhere."""
    body = _links(6, 150)
    assert "" != _render(tmp_path, body).cut
    result = _render(tmp_path, body, **changes)
    assert "" == result.cut
    step = "shorten the issue and link to the rest"
    assert all(step == one.next_step for one in _check(body, result) if one.id == "E150")


def test_what_is_still_too_long_is_refused_with_its_largest_parts(tmp_path: Path) -> None:
    """M-28, case 16: named with line and bytes, and where a cut makes it fit."""
    body = _links(4, 90) + "## Everything else\n\n" + _links(1, 300).partition("\n\n")[2]
    result = _render(tmp_path, body)
    (finding,) = _check(body, result)
    assert "E150" == finding.id
    assert '"Everything else" (line 377, ' in finding.message
    assert 3 == finding.message.count("bytes)")
    assert 'cut_after: "Reports of week 3"' in finding.next_step
    assert 377 == finding.line
    assert _size(result) == pytest.approx(sum(b.octets for b in result.blocks), rel=0.2)


def test_the_cut_that_is_offered_makes_it_fit(tmp_path: Path) -> None:
    body = _links(9, 90)
    refused = _render(tmp_path, body)
    assert _size(refused) > LIMITS.size_max
    result = _render(tmp_path, body, cut_after=refused.cut)
    assert LIMITS.size_max * 0.6 < _size(result) <= LIMITS.size_max
    for part in (result.rendering.html, result.rendering.text):
        assert "https://example.org/letters/winter/" in _fixed(part)
        assert "Continue online" in _fixed(part)
        assert "Reports of week 8" not in _fixed(part)


def test_equal_issues_give_equal_bytes_on_every_step(tmp_path: Path) -> None:
    """Decisions 12: the digest of a dry run is the frozen one's."""
    for body in (_links(10, 40), "## Code\n\n" + CODE * 90):
        assert _render(tmp_path, body).rendering == _render(tmp_path, body).rendering
