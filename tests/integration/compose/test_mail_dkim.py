"""Signatures as Debian's Mail::DKIM sees them: a second opinion beside dkimpy's."""

from __future__ import annotations

from tests.samples import messages
from tests.samples.messages import recipient, rendering
from tests.samples.signing import DATE, records, signer, template, valid
from tests.wire.mail_dkim import verdicts

CHANGES = [
    (b"From: The Weekly", b"From: The Daily"),
    (b"Subject: Winter", b"Subject: Summer"),
    (b"List-Unsubscribe: <https://news", b"List-Unsubscribe: <https://evil"),
    (b"List-Unsubscribe=One-Click", b"List-Unsubscribe=One-Clack"),
    (b"Hello =", b"Hullo ="),
    (b"Date: ", b"From: Eve <eve@evil.test>\r\nDate: "),
    (b"MIME-Version: ", b"From: Eve <eve@evil.test>\r\nMIME-Version: "),
]


def test_mail_dkim_agrees_with_dkimpy_on_what_is_valid() -> None:
    """D-3, L-4, X-18: the record in strings of 255 octets; whatever is changed fails."""
    long = rendering(text=("a  b\t\tc \n\n" * 50, messages.NAME_IN_TEXT, "\n\n"))
    chinese = rendering(text=("每周新闻简报 " * 50, messages.NAME_IN_TEXT, "\n"))
    person = recipient(name="Žofie  🎄")
    issues = [rendering(), long, chinese]
    sound = [template(one).compose(person, date=DATE).content for one in issues]
    broken = [sound[0].replace(was, is_, 1) for was, is_ in CHANGES]
    found = verdicts([*sound, *broken], records("rsa"))
    assert [{"rsa0": "pass"}] * len(sound) + [{"rsa0": "fail"}] * len(broken) == found
    assert [[True]] * len(sound) + [[False]] * len(broken) == [
        valid(one) for one in (*sound, *broken)
    ]


def test_who_does_not_know_ed25519_still_accepts_the_other_signature() -> None:
    """RFC 8463 §5: this version knows RSA only, so RSA must be there as long as such are."""
    both = template(by=signer("rsa", "ed25519")).compose(recipient(), date=DATE).content
    (found,) = verdicts([both], records("rsa", "ed25519"))
    assert "pass" == found["rsa0"]
