"""Which machines a link may be verified at (X-rules of requests that others cause: SSRF)."""

from __future__ import annotations

import pytest

from mailer.check.addresses import is_listed, may_visit


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.9.9.9",
        "0.0.0.0",  # noqa: S104  nothing binds here
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fec0::1",
        "fe80::1%eth0",
        "fd00:ec2::254",
        "ff02::1",
        "2001:db8::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1.1.1.1",
        "2002:7f00:1::",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "no address",
    ],
)
def test_private_local_and_reserved_addresses_are_not_visited(address: str) -> None:
    assert not may_visit(address, 443)


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "9.9.9.9", "2606:4700:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"],
)
def test_addresses_of_the_public_net_are(address: str) -> None:
    assert may_visit(address, 443)
    assert may_visit(address, 80)
    assert may_visit(address, 8443)


@pytest.mark.parametrize("port", [22, 25, 53, 110, 445, 993])
def test_ports_of_other_services_are_not(port: int) -> None:
    """A request to a mail server could be read as commands."""
    assert not may_visit("1.1.1.1", port)


@pytest.mark.parametrize(
    ("listed", "result"),
    [
        (("wiki.shop.dev",), True),
        (("wiki.shop.dev:8080",), True),
        (("wiki.shop.dev:80",), False),
        (("shop.dev",), False),
        ((), False),
    ],
)
def test_a_host_is_listed_with_its_port_or_with_none(
    listed: tuple[str, ...], *, result: bool
) -> None:
    assert result is is_listed("wiki.shop.dev", 8080, listed)


def test_an_address_of_version_6_is_listed_in_brackets() -> None:
    assert is_listed("::1", 8080, ("[::1]:8080",))
