"""Issues as `content` would have read them, for what only renders or checks them."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

from mailer.model import Issue, Release


def issue(body: str, **changes: Any) -> Issue:
    """An issue of this body, whose front matter has four lines."""
    made = Issue(
        id="winter",
        file="issues/winter.md",
        digest=hashlib.sha256(body.encode("utf-8", "surrogatepass")).hexdigest(),
        body=body,
        body_line=5,
        subject="Winter",
        preheader="When we open in winter",
        heading="",
        date=None,
        byline=None,
        language="",
        list="",
        template="",
        reply_to="",
        release=Release.BY_HAND,
        send_at="",
        feed=True,
    )
    return replace(made, **changes)
