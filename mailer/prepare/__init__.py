"""The one way a mailing begins: find → render → check → audience → freeze, dry run or test copy."""

from __future__ import annotations

from mailer.prepare.audience import count_audience, preflight, recipients
from mailer.prepare.devtools import found as find_browser
from mailer.prepare.ends import (
    copy_for,
    freeze,
    refuse_draft,
    refuse_errors,
    refuse_nobody,
    test_copies,
)
from mailer.prepare.files import (
    SAMPLES,
    never_imported,
    sample,
    write_excluded,
    write_parts,
    write_pictures,
    write_samples,
)
from mailer.prepare.finding import pick_issue, read_issues, require_unique
from mailer.prepare.preparing import Prepared, prepare
from mailer.prepare.revision import Revised, revise

__all__ = [
    "SAMPLES",
    "Prepared",
    "Revised",
    "copy_for",
    "count_audience",
    "find_browser",
    "freeze",
    "never_imported",
    "pick_issue",
    "preflight",
    "prepare",
    "read_issues",
    "recipients",
    "refuse_draft",
    "refuse_errors",
    "refuse_nobody",
    "require_unique",
    "revise",
    "sample",
    "test_copies",
    "write_excluded",
    "write_parts",
    "write_pictures",
    "write_samples",
]
