"""Proofs for checks: a few lines of Markdown as `prepare` would hand them over, without a theme."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from mailer.check.proof import Proof
from mailer.config import CheckConfig, Newsletter
from mailer.content.markdown import convert
from mailer.content.web import Web
from mailer.model import Mailbox, Rendering
from mailer.render.slots import protect
from tests.samples import issues

PLANNED: Final = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
NEWSLETTER: Final = Newsletter(
    name="The Weekly",
    sender=Mailbox(name="The Weekly", address="weekly@shop.dev"),
    reply_to=None,
    url="https://news.shop.dev",
    site="https://shop.dev",
    page="https://shop.dev/posts/{id}/",
    address="1 Example Street, Exampleton",
)
ISSUE: Final = issues.issue(
    "",
    body_line=1,
    subject="Winter opening hours",
    preheader="We open later, and what that is good for.",
)
PAGE: Final = """\
<!DOCTYPE html><html lang="en"><head><title>t</title><style>{css}</style></head>
<body style="background-color:#eef1f4"><div class="content" \
style="background-color:#fffffe;color:#24292f;font-size:16px;line-height:26px">{body}</div></body>
</html>"""


def proof(
    body: str = "Words.",
    *,
    html: str = "",
    css: str = "",
    language: str = "en",
    config: CheckConfig | None = None,
    newsletter: Newsletter = NEWSLETTER,
    root: Path = Path("/nowhere"),
    message: bytes = b"",
    **issue: Any,
) -> Proof:
    """The proof of an issue with this body.

    Args:
        body: Markdown; its first line is line 1 of the file.
        html: the whole HTML part; by default the body in a plain page.
        css: the style sheet of that page.
        language: of the rendering.
        config: the configured checks.
        newsletter: whose issue it is.
        root: the newsletter's folder.
        message: the composed message.
        issue: other fields of the issue.
    """
    made = replace(ISSUE, body=body, **issue)
    subject, slots = protect(made.subject, seed="subject")
    words, more = protect(body, seed="body")
    slots |= more
    document = convert(
        words,
        title=subject,
        file=made.file,
        body_line=1,
        web=Web.of(made, newsletter, root=root),
        language=language,
    )
    page = html or PAGE.format(css=css, body=document.html)
    return Proof(
        issue=made,
        newsletter=newsletter,
        config=config or CheckConfig(),
        rendering=Rendering(
            language=language,
            subject=slots.split(subject, html=False),
            html=slots.split(page, html=True),
            text=slots.split(document.text, html=False),
            images=document.images,
        ),
        content=slots.split(document.html, html=True),
        planned=PLANNED,
        root=root,
        compose=lambda: message,
    )
