"""The fast path never accepts more than email-validator, and what is accepted is safe (X-8)."""

from __future__ import annotations

import re

from email_validator import EmailNotValidError, validate_email
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mailer.address import AddressError, normalise, parse, wire

ATOM = "abzAZ059!#$%&'*+/=?^_`{|}~-."
NEAR = st.builds(
    "{}@{}".format,
    st.text(alphabet=ATOM + '"(),:;<>@[\\] äÉß\u0301\u212a', min_size=0, max_size=66),
    st.lists(
        st.text(alphabet="abzXN059--ä\u0301_", min_size=0, max_size=64), min_size=1, max_size=5
    ).map(".".join),
)
PLAIN = st.builds(
    "{}@{}.{}".format,
    st.text(alphabet=ATOM, min_size=1, max_size=66),
    st.lists(st.text(alphabet="abXN05-", min_size=1, max_size=64), min_size=1, max_size=5).map(
        ".".join
    ),
    st.sampled_from(
        ["org", "test", "local", "INVALID", "localhost", "onion", "arpa", "x", "a1", "xn--p1ai"]
    ),
)


def accepts(text: str) -> str | None:
    """The domain that email-validator finds, or None if it refuses."""
    try:
        found = validate_email(
            text,
            check_deliverability=False,
            allow_quoted_local=False,
            allow_domain_literal=False,
            strict=True,
            test_environment=True,
        )
    except EmailNotValidError:
        return None
    return found.ascii_domain


@given(st.one_of(NEAR, PLAIN, st.emails()))
@example("a@xn--a.org")
@example("a@ab--cd.org")
@example("a@b.x--y")
@example("a@b.org\n")
@settings(max_examples=400, deadline=None)
def test_decisions_14_whatever_we_accept_email_validator_accepts(text: str) -> None:
    try:
        address = parse(text)
    except AddressError:
        return

    assert accepts(text) == address.domain


@given(st.one_of(NEAR, PLAIN, st.emails(), st.text(max_size=40).map(lambda t: t + "@x.test")))
@example("\u0345a@x.test")
@example("ŉ@x.test")
@example("İ@x.test")
@settings(max_examples=400, deadline=None)
def test_b_22_normalising_twice_changes_nothing(text: str) -> None:
    try:
        once = normalise(text)
    except AddressError:
        return

    if len(once.rpartition("@")[0].encode()) <= 64:
        assert once == normalise(once)


@given(st.one_of(st.text(max_size=60), NEAR, st.text(max_size=20).map("a{}@x.test".format)))
@example("a@x.test\r\nRCPT TO:<b@x.test>")
@example("a\x00@x.test")
@example("a@x.test\x85")
@settings(max_examples=400, deadline=None)
def test_x_8_no_address_can_carry_a_command_or_a_second_address(text: str) -> None:
    try:
        address = parse(text)
    except AddressError:
        return

    for form in (address.given, address.normalised, address.wire):
        assert not re.search(r"[\x00-\x20\x7f-\x9f<>,;\u2028\u2029\ud800-\udfff]", form)
        assert form.count("@") == 1
    assert len(f"RCPT TO:<{address.wire}>\r\n".encode()) <= 512


@given(st.one_of(NEAR, PLAIN))
@settings(max_examples=200, deadline=None)
def test_the_two_ways_to_normalise_and_to_write_agree(text: str) -> None:
    try:
        expected = parse(text).normalised, parse(text).wire
    except AddressError:
        expected = None

    try:
        found = normalise(text), wire(text)
    except AddressError:
        found = None
    assert expected == found
