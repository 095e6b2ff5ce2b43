"""What an address is: given, as it is compared, as it goes into an envelope, or why it is none.

Most addresses are plain ASCII; one regular expression decides those in about a microsecond and
accepts only what email-validator accepts too (decisions 14). Everything else, also every refusal,
goes to email-validator. Nothing here asks the network whether a domain exists.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

LOCAL_OCTETS = 64  # RFC 5321 §4.5.3.1.1
ADDRESS_OCTETS = 254  # RFC 5321 §4.5.3.1.3 less the angle brackets

# Top-level names that never receive mail (RFC 6761 and its followers). `test` is not among them:
# the newsletters of tests live there.
RESERVED = frozenset({"arpa", "invalid", "local", "localhost", "onion"})

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
# `--` as third and fourth character marks an encoded label: those are for email-validator.
_LABEL = r"(?!..--)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_RESERVED = rf"(?!(?i:{'|'.join(sorted(RESERVED))})\Z)"
_PLAIN = re.compile(
    rf"(?=[^@]{{1,{LOCAL_OCTETS}}}@)(?=.{{1,{ADDRESS_OCTETS}}}\Z)"
    rf"{_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+{_RESERVED}[A-Za-z]{{2,63}}"
).fullmatch


class AddressError(ValueError):
    """The text is not an address that can be mailed; `reason` is a sentence for people."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """One mailbox.

    Attributes:
        given: as it was typed.
        normalised: equal for equal mailboxes (B-22): NFC, local part case-folded, domain as lower
            A-label; dots and +tags stay, because other mailboxes they are at most providers.
        domain: the domain as lower A-label.
        needs_smtputf8: the local part is not ASCII, so a relay needs SMTPUTF8 for it (M-13).
    """

    given: str
    normalised: str
    domain: str
    needs_smtputf8: bool

    @property
    def wire(self) -> str:
        """The address of envelopes and headers: local part as given, domain as A-label."""
        return f"{self.given.rpartition('@')[0]}@{self.domain}"


def parse(text: str) -> Address:
    """Understand one bare address; display names, lists, comments and routes are none (X-8).

    Raises:
        AddressError: the text is not an address, with the reason in plain words.
    """
    domain = _plain_domain(text)
    if domain is not None:
        return Address(given=text, normalised=text.lower(), domain=domain, needs_smtputf8=False)
    return _parse_with_care(text)


def normalise(text: str) -> str:
    """`parse(text).normalised`, faster: for an import that asks a million times."""
    return text.lower() if _PLAIN(text) else _parse_with_care(text).normalised


def wire(text: str) -> str:
    """`parse(text).wire`, faster: asked once per message.

    Raises:
        AddressError: the text is not an address.
    """
    domain = _plain_domain(text)
    if domain is None:
        return _parse_with_care(text).wire
    return text if text.endswith(domain) else f"{text[: -len(domain)]}{domain}"


def domain_of(address: str) -> str:
    """The domain of an accepted address as lower A-label: `parse(address).domain`, faster."""
    domain = address[address.rfind("@") + 1 :]
    return domain.lower() if domain.isascii() else _a_label(domain)


@lru_cache(maxsize=1024)
def _a_label(domain: str) -> str:
    return _parse_with_care(f"x@{domain}").domain


def _plain_domain(text: str) -> str | None:
    return text[text.rindex("@") + 1 :].lower() if _PLAIN(text) else None


def _parse_with_care(text: str) -> Address:
    # Before anything looks at each character: a cell may hold a megabyte.
    if len(text) > ADDRESS_OCTETS:
        raise AddressError(f"It is longer than {ADDRESS_OCTETS} octets.")
    for fault, reason in _FAULTS:
        if re.search(fault, text, re.IGNORECASE):
            raise AddressError(reason)
    from email_validator import (  # noqa: PLC0415  35 ms that plain addresses do not need
        EmailNotValidError,
        validate_email,
    )

    try:
        found = validate_email(
            text,
            check_deliverability=False,
            allow_quoted_local=False,
            allow_domain_literal=False,
            strict=True,
            test_environment=True,
        )
    except EmailNotValidError as error:
        raise AddressError(str(error)) from error
    local = text.rpartition("@")[0]
    if len(local.encode()) > LOCAL_OCTETS:
        raise AddressError(f"The part before the @ is longer than {LOCAL_OCTETS} octets.")
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", local).casefold())
    return Address(
        given=text,
        normalised=f"{folded}@{found.ascii_domain}",
        domain=found.ascii_domain,
        needs_smtputf8=not local.isascii(),
    )


# What people really type, first match wins; email-validator speaks about the rest.
# Compiled by `re` when a first address is refused: most runs see none.
_FAULTS: tuple[tuple[str, str], ...] = (
    (r"^ *\Z", "It is empty."),
    (r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]", "It holds a control character."),
    (r"[<>]", "It holds angle brackets: only the bare address belongs here."),
    (r"@.*[,;].*@", "It holds several addresses."),
    (r"\"", "It holds a quotation mark: quoted addresses are not supported."),
    (r"[()]", "It holds a comment in parentheses."),
    (r"^[^@]*\Z", "It holds no @."),
    (r"@.*@", "It holds more than one @."),
    (r"\s", "It holds a space."),
    (r"^@", "There is nothing before the @."),
    (r"@\Z", "There is nothing after the @."),
    (r"@.*,", "The domain holds a comma."),
    (r",", "The part before the @ holds a comma."),
    (r"@\[", "It names an IP address instead of a domain."),
    (
        rf"^[^@]{{{LOCAL_OCTETS + 1}}}",
        f"The part before the @ is longer than {LOCAL_OCTETS} octets.",
    ),
    (r"^\.", "It begins with a dot."),
    (r"\.@", "The part before the @ ends with a dot."),
    (r"@.*\.\.", "The domain holds two dots in a row."),
    (r"\.\.", "The part before the @ holds two dots in a row."),
    (r"@\.|\.\Z", "The domain begins or ends with a dot."),
    (r"@-|@.*(?:\.-|-\.|-\Z)", "A part of the domain begins or ends with a hyphen."),
    (r"@.*[!-,/:-?\[-`{-~]", "The domain holds a character that no domain has."),
    (r"^[^@]*[\[\]\\:;]", "The part before the @ holds a character that no address has."),
    (
        r"[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\ufeff]",
        "It holds an invisible character.",
    ),
    (r"@[a-z0-9-]+\Z", "The domain has no dot."),
    (r"@.*[a-z0-9-]{64}", "A part of the domain is longer than 63 octets."),
    (rf"\.(?:{'|'.join(sorted(RESERVED))})\Z", "The domain is reserved and receives no mail."),
)
