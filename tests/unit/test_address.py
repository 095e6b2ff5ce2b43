"""What is an address and what is none (X-8, B-22, M-13, cases 19 to 21, decisions 14)."""

from __future__ import annotations

import email_validator
import pytest

from mailer.address import RESERVED, Address, AddressError, normalise, parse


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a@x.y, b@x.y", "several addresses"),
        ("a@x.y\r\nRCPT TO:<b@x.y>", "control character"),
        ("<a@x.y>", "angle brackets"),
        ("a@x.y (c)", "parentheses"),
        (".a@x.y", "begins with a dot"),
        ("a..b@x.y", "before the @ holds two dots"),
        ("a@x..y", "domain holds two dots"),
        ("a@-x.y", "hyphen"),
        ("a@[127.0.0.1]", "IP address"),
        ("a@localhost", "no dot"),
        ("a" * 65 + "@x.yz", "longer than 64 octets"),
        ("a@" + "b." * 126 + "org", "longer than 254 octets"),
    ],
)
def test_case_19_bad_addresses_are_refused_with_a_reason(text: str, reason: str) -> None:
    with pytest.raises(AddressError) as caught:
        parse(text)

    assert reason in caught.value.reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "It is empty."),
        ("ann", "It holds no @."),
        ("a@b@c.org", "It holds more than one @."),
        ("@x.org", "There is nothing before the @."),
        ("ann@", "There is nothing after the @."),
        ("ann@example,org", "The domain holds a comma."),
        ("ann,b@example.org", "The part before the @ holds a comma."),
        ("ann smith@example.org", "It holds a space."),
        ("Ann <ann@example.org>", "It holds angle brackets: only the bare address belongs here."),
        ('"odd local"@x.test', "It holds a quotation mark: quoted addresses are not supported."),
        ("ann.@example.org", "The part before the @ ends with a dot."),
        ("ann@example.org.", "The domain begins or ends with a dot."),
        ("ann@exam_ple.org", "The domain holds a character that no domain has."),
        ("mailto:ann@example.org", "The part before the @ holds a character that no address has."),
        ("ann@" + "b" * 64 + ".org", "A part of the domain is longer than 63 octets."),
        ("ann@printer.local", "The domain is reserved and receives no mail."),
        ("ann@example.INVALID", "The domain is reserved and receives no mail."),
        ("ann\u200b@example.org", "It holds an invisible character."),
        ("ann\u202e@example.org", "It holds an invisible character."),
        ("ann@example.org\x00", "It holds a control character."),
        ("ä" * 33 + "@example.org", "The part before the @ is longer than 64 octets."),
        ("a" * 1_000_000, "It is longer than 254 octets."),
    ],
)
def test_x_8_a_refusal_says_why_in_plain_words(text: str, reason: str) -> None:
    with pytest.raises(AddressError) as caught:
        parse(text)

    assert reason == caught.value.reason


def test_x_8_what_email_validator_alone_refuses_is_refused_in_its_words() -> None:
    with pytest.raises(AddressError, match="not valid IDNA"):
        parse("ann@xn--zz.org")


def test_an_ordinary_address_is_kept_as_given_and_compared_in_lower_case() -> None:
    assert (
        Address(
            given="Ann.Smith+News@Mail.Example.ORG",
            normalised="ann.smith+news@mail.example.org",
            domain="mail.example.org",
            needs_smtputf8=False,
        )
    ) == parse("Ann.Smith+News@Mail.Example.ORG")


def test_the_wire_form_keeps_the_local_part_and_lowers_the_domain() -> None:
    assert parse("Ann@Example.ORG").wire == "Ann@example.org"


@pytest.mark.parametrize("text", ["o'brien@x.test", "a+tag@x.test", "a_b-c@x.test", "1@2.test"])
def test_case_20_unusual_but_legal_local_parts_are_addresses(text: str) -> None:
    assert text == parse(text).normalised


def test_case_20_spellings_that_differ_by_case_are_one_address() -> None:
    assert parse("a@x.test").normalised == parse("A@X.TEST").normalised


def test_b_22_dots_and_tags_stay_because_they_are_other_mailboxes() -> None:
    spellings = ["ann.b@x.test", "annb@x.test", "ann.b+news@x.test"]

    assert len(spellings) == len({normalise(text) for text in spellings})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ann@bücher.example", "ann@xn--bcher-kva.example"),
        ("ann@BÜCHER.example", "ann@bücher.example"),
        ("j\u00f6rg@x.test", "jo\u0308rg@x.test"),
        ("JÖRG@x.test", "jörg@x.test"),
        ("Σίσυφος@x.test", "σίσυφοσ@x.test"),
        ("ann@ex\uff0eorg", "ann@ex.org"),
    ],
)
def test_b_22_equal_mailboxes_compare_equal(one: str, other: str) -> None:
    assert normalise(one) == normalise(other)


def test_case_21_a_local_part_outside_ascii_needs_smtputf8() -> None:
    address = parse("jörg@exämple.test")

    assert address.needs_smtputf8
    assert address.wire == "jörg@xn--exmple-cua.test"


def test_case_21_a_domain_outside_ascii_travels_as_a_label() -> None:
    address = parse("joerg@exämple.test")

    assert not address.needs_smtputf8
    assert address.given == "joerg@exämple.test"
    assert address.wire == "joerg@xn--exmple-cua.test"


def test_m_13_a_look_alike_of_an_ascii_letter_still_needs_smtputf8() -> None:
    assert parse("\u212a@x.test").needs_smtputf8


def test_x_8_the_reserved_domains_are_those_that_email_validator_refuses() -> None:
    assert set(email_validator.SPECIAL_USE_DOMAIN_NAMES) - {"test"} == RESERVED
