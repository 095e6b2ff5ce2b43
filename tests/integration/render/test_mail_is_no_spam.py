"""SpamAssassin finds next to nothing in what we mail (standards §7)."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from mailer import prepare
from tests.samples.messages import DATE
from tests.samples.studio import RIGHT_TO_LEFT, TEMPLATES, Studio, front, showcase
from tests.wire.spamassassin import Verdict, verdicts

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT: Final = Path(__file__).parents[3]
DIALECTS: Final = ROOT / "tests/samples/dialects"
FORBIDDEN: Final = (
    "MIME_HTML_ONLY",
    "MPART_ALT_DIFF*",
    "MISSING_*",
    "INVALID_*",
    "*_EXCESS_BASE64",
    "HTML_TAG_BALANCE_*",
)
WORDS: Final = {
    "fr": "La capitainerie a rouvert à midi. Les bateaux rentrent, les mouettes aussi.\n\n",
    "ru": "Гавань снова открыта. Лодки возвращаются, а с ними и чайки.\n\n",
    "ar": "فتح الميناء أبوابه من جديد. تعود القوارب ومعها النوارس.\n\n",
    "ja": "港が再び開きました。船が戻り、カモメも戻ってきます。\n\n",
}
COIN: Final = "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"
"""What looks like an address of a currency, as hashes in code do, is worse in mail to oneself."""

HTML_ONLY: Final = (
    b"Date: Thu, 26 Nov 2026 08:00:00 +0000\r\nFrom: a@example.org\r\nTo: ann@example.net\r\n"
    b"Content-Type: text/html\r\n\r\n<p>cheap<div>pills</p>\r\n"
)


def _mails(folder: Path) -> Mapping[str, bytes]:
    """Every sample that there is, by name."""
    texts = {
        **{f"{name}.md": showcase(template=name) for name in TEMPLATES},
        **{f"{code}.md": front(text * 9, language=code) for code, text in WORDS.items()},
        "three words.md": front("Closed on Friday.", title="Opening hours"),
        "coins.md": front(f"A coin at {COIN} and `code`, `code`.", title="Where the coins are"),
        **{
            file.name: file.read_text("utf-8")
            for file in (RIGHT_TO_LEFT, *ROOT.glob("issues/*.md"), *DIALECTS.iterdir())
            if "refused" not in file.name
        },
    }
    studio = Studio(folder)
    mails = {name: studio.mail(text, name=name).content for name, text in texts.items()}
    coins = prepare.sample(studio.prepared(texts["coins.md"]), now=DATE)
    return {**mails, "coins for nobody": coins.content}


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Verdict]:
    mails = {**_mails(tmp_path_factory.mktemp("studio")), "html only": HTML_ONLY}
    return dict(zip(mails, verdicts(mails.values()), strict=True))


def test_no_mail_looks_like_spam(judged: Mapping[str, Verdict]) -> None:
    ours = {name: verdict for name, verdict in judged.items() if name != "html only"}
    assert {} == {name: one for name, one in ours.items() if one.score >= 1.0}
    assert {} == {name: bad for name, one in ours.items() if (bad := _forbidden(one))}


def test_a_bad_mail_would_be_found(judged: Mapping[str, Verdict]) -> None:
    assert judged["html only"].score > 0.5
    assert {"MIME_HTML_ONLY", "MISSING_SUBJECT"} <= set(_forbidden(judged["html only"]))


def _forbidden(verdict: Verdict) -> list[str]:
    return [
        rule for rule in verdict.rules if any(fnmatchcase(rule, pattern) for pattern in FORBIDDEN)
    ]
