"""How long rendering takes, and how large the mail becomes, beside two plain pipelines.

Usage: python benchmarks/render.py     (part of make bench)

*premailer* is Python-Markdown with `extra` and `codehilite`, its HTML in an `mj-text`, mrml, and
premailer: our libraries as their documentation shows them. *juice* is marked, mjml and juice on
node. All three get the same texts and our style sheet; only ours has a text part, a masthead, dark
mode, and checked addresses and images. The two in Python take turns; node runs just before them.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import markdown
from mjml import mjml2html
from pygments.formatters import HtmlFormatter

from benchmarks.content import LIST, NEWSLETTER, PLANNED, render
from benchmarks.issues import samples
from mailer.config import ThemeConfig
from mailer.content.issue import read_issue
from mailer.render.context import names
from mailer.render.theme import Theme

HERE: Final = Path(__file__).parent
ROUNDS: Final = 7


@dataclass(frozen=True, slots=True)
class Figures:
    """One issue: milliseconds warm, and kilobytes of the HTML part; None where it failed."""

    ours: float
    size: float
    premailer: float | None
    premailer_size: float | None
    juice: float | None


def style_sheet() -> str:
    """Our theme's, for the peers."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        file = root / "issue.md"
        file.write_text("# A harbour\n")
        known = names(
            read_issue(file, root=root),
            newsletter=NEWSLETTER,
            list_=LIST,
            planned=PLANNED,
            look=ThemeConfig(),
            page="",
        )
        theme = Theme(root, pack=str)
        return theme.render("default", "css", {**known, "lean": False}, where="").text


def ours(body: str) -> str:
    """The whole of what this program does before it knows a recipient."""
    return "".join(piece for piece in render(body).html if isinstance(piece, str))


def plain(css: str) -> Callable[[str], str]:
    """The same libraries, one after the other."""
    from premailer import Premailer  # noqa: PLC0415  after ours, which sizes its cache

    colours: str = HtmlFormatter().get_style_defs(".codehilite")  # type: ignore[no-untyped-call]

    def run(body: str) -> str:
        content = markdown.markdown(body, extensions=["extra", "codehilite"])
        shell = f'<mj-text css-class="content">{content}</mj-text>'
        shell = f"<mj-body><mj-section><mj-column>{shell}</mj-column></mj-section></mj-body>"
        html = mjml2html(f"<mjml>{shell}</mjml>")
        inlined: str = Premailer(
            html,
            css_text=[css, colours],
            allow_network=False,
            disable_validation=True,
            cssutils_logging_level=logging.CRITICAL,
        ).transform()
        return inlined

    return run


def measured(run: Callable[[str], str], body: str) -> tuple[float, float]:
    """Milliseconds and kilobytes of one run."""
    begun = time.perf_counter()
    html = run(body)
    return (time.perf_counter() - begun) * 1000, len(html.encode()) / 1000


def on_node(issues: dict[str, str], css: str) -> dict[str, float]:
    """Milliseconds of marked, mjml and juice; empty without node."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return {}
    quiet = ["--no-audit", "--no-fund", "--silent", "--no-save"]
    subprocess.run([npm, "install", *quiet], cwd=HERE, check=True)
    with tempfile.TemporaryDirectory() as folder:
        texts, sheet = Path(folder) / "issues.json", Path(folder) / "theme.css"
        texts.write_text(json.dumps(issues))
        sheet.write_text(css)
        command = [node, str(HERE / "mjml.mjs"), str(texts), str(ROUNDS), str(sheet)]
        done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def measure() -> dict[str, Figures]:
    """Every sample by every pipeline."""
    css, issues = style_sheet(), samples()
    naive, juice = plain(css), on_node(issues, css)
    found: dict[str, Figures] = {}
    for name, body in issues.items():
        mine, other = list[tuple[float, float]](), list[tuple[float, float]]()
        for _ in range(ROUNDS + 1):  # the first is cold
            mine.append(measured(ours, body))
            try:
                other.append(measured(naive, body))
            except ValueError:  # mrml refuses ordinary HTML such as an unclosed <br>
                continue
        found[name] = Figures(
            ours=_median(mine),
            size=mine[-1][1],
            premailer=_median(other) if other else None,
            premailer_size=other[-1][1] if other else None,
            juice=juice.get(name),
        )
    return found


def _median(runs: list[tuple[float, float]]) -> float:
    return statistics.median(milliseconds for milliseconds, _ in runs[1:])


def table() -> str:
    """The figures as Markdown."""
    lines = [
        (
            "| rendering, warm | mailer | HTML part "
            "| Python-Markdown, mrml, premailer | marked, mjml, juice |"
        ),
        "|---|--:|--:|--:|--:|",
    ]
    for name, one in measure().items():
        peer = "refused" if one.premailer is None else f"{one.premailer / one.ours:.1f} times"
        if one.premailer_size is not None:
            peer += f", {one.premailer_size:.0f} KB"
        node = "" if one.juice is None else f"{one.juice / one.ours:.1f} times"
        lines.append(f"| {name} | {one.ours:.0f} ms | {one.size:.0f} KB | {peer} | {node} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    print(f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, medians of {ROUNDS} rounds")
    print(table())
