"""Signed mailings through a real Postfix arrive with signatures that hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.samples.newsletter import ISSUE, ended
from tests.samples.recomposed import recomposed
from tests.samples.signing import key, pem, signatures, valid

if TYPE_CHECKING:
    from tests.samples.newsletter import News
    from tests.wire.postfix import Postfix


def configure_keys(news: News, *kinds: str) -> dict[str, str]:
    """Write keys into the folder and the configuration; what the DNS says of them."""
    (news.folder / "dkim").mkdir()
    lines = ["[dkim.keys]"]
    for kind in kinds:
        file = news.folder / "dkim" / f"{kind}.pem"
        file.touch(0o600)
        file.write_bytes(pem(kind, 0))
        lines.append(f'{kind}0 = "dkim/{kind}.pem"')
    news.configure("\n".join(lines))
    return {f"{kind}0._domainkey.example.org": key(kind).record for kind in kinds}


def test_what_was_signed_arrives_signed(postfix: Postfix, news: News) -> None:
    """M-2, L-4: long header lines, folded ones, blanks and dots go through a relay unharmed."""
    known = configure_keys(news, "rsa", "ed25519")
    subject = "Öffnungszeiten im Winter ❄️ " + "und noch viel mehr davon 🎄" * 4
    blanks = "\n\n```\n.a  b\n\tFrom c\n```\n\n" + "x" * 2000 + "\n"
    news.issue(ISSUE.replace("Winter opening hours\n", f"{subject}\n", 1) + blanks)
    news.people("ann@a.test,Ann", "bea@b.test,Žofie  🎄", header="email,name")
    news.relay(
        postfix.port,
        newsletter_url="https://news.example.org/".ljust(700, "a"),
        newsletter_from='"Die Wöchentliche, mit einem sehr langen Namen" <weekly@example.org>',
    )
    done = ended(news.start("send", "winter", "--yes"))
    assert 0 == done.code, done
    arrived = postfix.settled()
    assert 2 == len(arrived)
    for one in arrived:
        below = one.content[one.content.index(b"DKIM-Signature:") :]
        assert 2 == len(signatures(below))
        assert [True, True] == valid(below, known)
    assert {message.content for message in recomposed(news).values()} == {
        one.content[one.content.index(b"DKIM-Signature:") :] for one in arrived
    }
