"""DKIM signatures as dkimpy verifies them, and what breaks them."""

from __future__ import annotations

import hashlib
from base64 import b64decode
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from mailer.compose.dkim import Signer
from mailer.compose.mime import MessageTemplate
from mailer.compose.signingkeys import read_key, strings
from mailer.errors import ConfigError
from mailer.model import Instant, Mailbox, Place, Slot
from tests.samples import messages
from tests.samples.messages import KEYRING, recipient, rendering
from tests.samples.signing import (
    DATE,
    key,
    pem,
    records,
    signatures,
    signer,
    tags,
    template,
    valid,
)

LIST_FIELDS = {"list-id", "list-unsubscribe", "list-unsubscribe-post", "feedback-id"}
WANTED = {"from", "to", "subject", "date", "message-id", "mime-version", "content-type"}


def content(*kinds: str) -> bytes:
    return template(by=signer(*kinds)).compose(recipient(), date=DATE).content


# --- what is signed ------------------------------------------------------------------------------


def test_a_message_is_signed_by_each_key_in_order() -> None:
    """Both verify by what the DNS would say: RSA, and Ed25519 by RFC 8463."""
    signed = content("ed25519", "rsa")
    assert [True, True] == valid(signed)
    found = [tags(field) for field in signatures(signed)]
    assert ["ed25519-sha256", "rsa-sha256"] == [one["a"] for one in found]
    assert ["ed255190", "rsa0"] == [one["s"] for one in found]
    assert found[0]["bh"] == found[1]["bh"]


def test_the_signature_is_the_first_field_and_its_lines_are_short() -> None:
    """M-2."""
    signed = content("rsa", "ed25519")
    fields = signatures(signed)
    assert signed.startswith(fields[0] + fields[1] + b"Date: ")
    assert max(len(line) for field in fields for line in field.split(b"\r\n")) < 78


def test_a_long_domain_and_selector_are_folded_too() -> None:
    domain = ".".join(["a" * 30, "b" * 20, "org"])
    long = replace(key("rsa"), selector="s" * 40)
    by = Signer(domain=domain, keys=(long,))
    made = template(by=by, sender=Mailbox(name="", address=f"weekly@{domain}"))
    signed = made.compose(recipient(), date=DATE).content
    (field,) = signatures(signed)
    assert max(len(line) for line in field.split(b"\r\n")) < 78
    assert [True] == valid(signed, {f"{'s' * 40}._domainkey.{domain}": long.record})


def test_the_fields_that_matter_are_signed_and_those_of_a_list() -> None:
    """D-3, L-4, L-13: From and all others of which there may be one once more than they occur."""
    one = template(reply_to=Mailbox(name="", address="hello@example.org"))
    (field,) = signatures(one.compose(recipient(), date=DATE).content)
    names = [name.lower() for name in tags(field)["h"].split(":")]
    assert set(names) >= WANTED | LIST_FIELDS | {"reply-to"}
    twice = {name for name in names if names.count(name) == 2}
    both = {"list-unsubscribe", "list-unsubscribe-post"}
    assert twice == WANTED | both | {"reply-to"}


def test_nothing_that_weakens_a_signature_is_said() -> None:
    """X-18: no l=; and x= would make late mail unsigned."""
    (field,) = signatures(content("rsa"))
    assert {"v", "a", "c", "d", "s", "t", "bh", "h", "b"} == set(tags(field))
    assert "relaxed/relaxed" == tags(field)["c"]


def test_the_time_of_the_signature_is_the_stored_date() -> None:
    """Decisions 2: a later attempt is the first one byte for byte, its signatures included."""
    first = template(by=signer("rsa", "ed25519")).compose(recipient(), date=DATE)
    again = template(by=signer("rsa", "ed25519"))
    assert first == again.compose(recipient(), date=DATE, values=first.values)
    later = again.compose(recipient(), date=Instant(DATE + 60_000_000))
    assert str(DATE // 1_000_000) == tags(signatures(first.content)[0])["t"]
    assert str(DATE // 1_000_000 + 60) == tags(signatures(later.content)[0])["t"]


def test_what_is_signed_by_ed25519_is_the_digest() -> None:
    """RFC 8463 §3: the signature has 64 octets, and is the same each time."""
    (first,), (second,) = signatures(content("ed25519")), signatures(content("ed25519"))
    assert first == second
    assert 64 == len(b64decode(tags(first)["b"]))


def test_only_the_signature_is_added() -> None:
    signed = template().compose(recipient(), date=DATE)
    plain = template().unsigned().compose(recipient(), date=DATE)
    assert signed.content.removeprefix(signatures(signed.content)[0]) == plain.content
    assert [] == signatures(plain.content)
    assert replace(signed, pieces=()) == replace(plain, pieces=())


def test_parts_are_measured_without_the_signature() -> None:
    made = template()
    message = made.compose(recipient(), date=DATE)
    unsigned = made.unsigned()
    assert unsigned.measure(unsigned.compose(recipient(), date=DATE)) == made.measure(message)


@pytest.mark.parametrize("subject", ["Grüße an {}, und zwar viele", "{}  has  two blanks", "{}"])
def test_a_personal_subject_is_signed_as_it_is_folded(subject: str) -> None:
    before, after = subject.split("{}")
    name = Slot(expression="subscriber.name", place=Place.TEXT)
    issue = rendering(subject=tuple(filter(None, (before, name, after))))
    person = recipient(name="Žofie with a name that takes more than the one line of a header")
    assert [True] == valid(template(issue).compose(person, date=DATE).content)


@pytest.mark.parametrize("text", ["a  b\t\tc \n\n\n", "每周新闻简报 " * 20, " \n \n", "x" * 500])
def test_blanks_of_a_body_are_canonicalised(text: str) -> None:
    """RFC 6376 §3.4.4; quoted-printable and base64, values and fixed text."""
    name = Slot(expression="subscriber.name", place=Place.TEXT)
    issue = rendering(text=(text, name, text, "\n"), html=(f"<p>{text}", name, "</p>"))
    signed = template(issue).compose(recipient(name="a  b\tc \n d"), date=DATE).content
    assert [True] == valid(signed)


def test_an_address_that_is_not_ascii_is_signed() -> None:
    """M-13."""
    signed = template().compose(recipient(email="jörg@exämple.test"), date=DATE).content
    assert [True] == valid(signed)


def test_embedded_images_are_signed() -> None:
    """M-20."""
    issue = replace(rendering(), images=(messages.image(1), messages.image(2)))
    signed = template(issue).compose(recipient(), date=DATE).content
    assert [True] == valid(signed)


# --- what hops do --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("was", "is_"),
    [
        (b"List-Unsubscribe: <", b"List-Unsubscribe:\r\n <"),
        (b"Subject: Winter opening hours", b"SUBJECT:   Winter  opening\r\n\thours  "),
        (b"--\r\n", b"--\r\n\r\n\r\n"),
        (b"Date: ", b"Received: from a by b\r\nDate: "),
    ],
)
def test_a_hop_may_fold_squeeze_and_add_a_trace(was: bytes, is_: bytes) -> None:
    signed = content("rsa")
    assert [True] == valid(signed.replace(was, is_, 1)) != []
    assert was in signed


@pytest.mark.parametrize(
    ("was", "is_"),
    [
        (b"From: The Weekly", b"From: The Daily"),
        (b"Subject: Winter", b"Subject: Summer"),
        (b"To: ann@", b"To: eve@"),
        (b"List-Unsubscribe: <https://news", b"List-Unsubscribe: <https://evil"),
        (b"List-Unsubscribe=One-Click", b"List-Unsubscribe=One-Clack"),
        (b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n", b""),
        (b"Hello =", b"Hullo ="),
        (b"<p>Hello", b"<p>Hullo"),
        (b"--\r\n", b"--\r\nmore\r\n"),
        (b"Date: ", b"From: Eve <eve@evil.test>\r\nDate: "),
        (b"MIME-Version: ", b"From: Eve <eve@evil.test>\r\nMIME-Version: "),
        (b"MIME-Version: ", b"Subject: Another\r\nMIME-Version: "),
        (b"MIME-Version: ", b"Reply-To: eve@evil.test\r\nMIME-Version: "),
        (b"MIME-Version: ", b"List-Unsubscribe: <https://evil.test>\r\nMIME-Version: "),
        (b"MIME-Version: ", b"Content-Type: text/plain\r\nMIME-Version: "),
    ],
)
def test_whoever_changes_or_adds_what_matters_breaks_the_signatures(was: bytes, is_: bytes) -> None:
    """L-4, RFC 6376 §8.15: From, Subject, both list headers, the body, and a second From."""
    signed = content("rsa", "ed25519")
    assert was in signed
    assert [False, False] == valid(signed.replace(was, is_, 1))


# --- frozen keys ---------------------------------------------------------------------------------


def frozen_with(by: Signer) -> MessageTemplate:
    """The issue that was frozen with RSA, compiled with other keys at hand."""
    domain, marks = signer("rsa").frozen(messages.revision().sender)
    revision = messages.revision(signing_domain=domain, signing_keys=marks)
    return MessageTemplate(rendering(), revision, KEYRING, by)


def test_a_mailing_keeps_the_keys_that_it_was_frozen_with() -> None:
    """Decisions 2: a key that came later does not sign it, and neither does another order."""
    both = frozen_with(signer("ed25519", "rsa")).compose(recipient(), date=DATE)
    assert template().compose(recipient(), date=DATE) == both


def test_a_frozen_key_that_left_stops_the_mailing() -> None:
    with pytest.raises(ConfigError, match="E437") as caught:
        frozen_with(signer("ed25519"))
    assert "put the key rsa0 back until its mailings are over" in caught.value.next


def test_another_key_under_the_name_of_a_frozen_one_is_not_that_key() -> None:
    other = replace(key("rsa", 1), selector="rsa0")
    with pytest.raises(ConfigError, match="E437"):
        frozen_with(Signer(domain="", keys=(other,)))


def test_what_was_frozen_unsigned_stays_unsigned() -> None:
    made = MessageTemplate(rendering(), messages.revision(), KEYRING, signer("rsa"))
    assert made.compose(recipient(), date=DATE) == messages.template().compose(
        recipient(), date=DATE
    )


# --- alignment -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("domain", "sender", "signs"),
    [
        ("", "weekly@news.example.org", "news.example.org"),
        ("", "weekly@Exämple.org", "xn--exmple-cua.org"),
        ("example.org", "weekly@news.example.org", "example.org"),
        ("mail.example.org", "weekly@example.org", "mail.example.org"),
        ("localhost", "weekly@localhost", "localhost"),
    ],
)
def test_the_domain_that_signs_is_aligned_with_from(domain: str, sender: str, signs: str) -> None:
    """D-5: as DMARC compares them by default."""
    assert signs == signer("rsa", domain=domain).frozen(Mailbox(name="", address=sender))[0]


@pytest.mark.parametrize("domain", ["example.com", "org", "ample.org", "other.example.com"])
def test_a_domain_that_says_nothing_about_from_is_refused(domain: str) -> None:
    """D-5."""
    with pytest.raises(ConfigError, match="E436"):
        signer("rsa", domain=domain).frozen(Mailbox(name="", address="weekly@example.org"))


# --- keys ----------------------------------------------------------------------------------------


def rsa_pem(
    bits: int,
    shape: PrivateFormat = PrivateFormat.PKCS8,
    lock: KeySerializationEncryption = NoEncryption(),  # noqa: B008  a constant
) -> bytes:
    private = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    return private.private_bytes(Encoding.PEM, shape, lock)


def test_both_shapes_of_rsa_keys_are_read() -> None:
    read = read_key("m1", rsa_pem(1024, PrivateFormat.TraditionalOpenSSL))
    assert ("rsa-sha256", 1024, True) == (read.algorithm, read.bits, read.is_short)
    assert not key("rsa").is_short
    assert not key("ed25519").is_short


@pytest.mark.parametrize(
    ("private", "reason"),
    [
        (b"", "no private key in PEM"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "no private key"),
        (rsa_pem(512 * 2, lock=BestAvailableEncryption(b"secret")), "encrypted"),
        (
            generate_private_key(SECP256R1()).private_bytes(
                Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
            ),
            "neither an RSA nor an Ed25519",
        ),
    ],
)
def test_what_cannot_sign_is_refused(private: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read_key("m1", private)


def test_a_short_rsa_key_is_refused() -> None:
    """RFC 8301 §3.2; D-3. `cryptography` makes none, so this one is of two Mersenne primes."""
    p, q, e = 2**607 - 1, 2**127 - 1, 65537
    d = pow(e, -1, (p - 1) * (q - 1))
    numbers = rsa.RSAPrivateNumbers(
        p=p,
        q=q,
        d=d,
        dmp1=d % (p - 1),
        dmq1=d % (q - 1),
        iqmp=pow(q, -1, p),
        public_numbers=rsa.RSAPublicNumbers(e=e, n=p * q),
    )
    short = numbers.private_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(ValueError, match="734 bits; receivers take 1024 to 4096"):
        read_key("m1", short)


def test_a_record_is_split_into_strings_of_255_octets() -> None:
    """RFC 1035 §3.3, RFC 6376 §3.6.1."""
    record = key("rsa").record
    assert record.startswith("v=DKIM1; k=rsa; p=MIIBIjANBgkqh")
    assert [255, len(record) - 255] == [len(one) for one in strings(record)]
    assert record == "".join(strings(record))
    assert 32 == len(b64decode(key("ed25519").record.removeprefix("v=DKIM1; k=ed25519; p=")))


def test_a_key_is_known_by_its_public_half() -> None:
    assert read_key("other", pem("rsa", 0)).fingerprint == key("rsa").fingerprint
    assert key("rsa", 1).fingerprint != key("rsa").fingerprint
    assert hashlib.sha256(key("rsa").public).hexdigest().startswith(key("rsa").fingerprint)
    assert {"rsa0._domainkey.example.org"} == set(records("rsa"))
