"""Which machines a link may be verified at: those of the public net, and those that are listed."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final

_WEB_PORTS: Final = frozenset({80, 443})
_FIRST_FREE_PORT: Final = 1024
_NAT64: Final = IPv6Network("64:ff9b::/96")
# Teredo, and translators of one's own network: what is behind them cannot be told.
_TUNNELS: Final = (IPv6Network("2001::/32"), IPv6Network("64:ff9b:1::/48"))


def may_visit(address: str, port: int) -> bool:
    """Whether a resolved address is on the public net, and the port one that web servers use.

    Private, loopback, link-local (with the metadata services of clouds), shared and reserved
    addresses are not, nor are addresses of version 6 that carry such a one of version 4.
    """
    if port < _FIRST_FREE_PORT and port not in _WEB_PORTS:
        return False
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, IPv4Address):
        return _is_public(found)
    meant = found.ipv4_mapped or (_low(found) if found in _NAT64 else None)
    if meant is not None:
        return _is_public(meant)
    inside = found.sixtofour
    tunnelled = any(found in tunnel for tunnel in _TUNNELS)
    public = _is_public(found) and not found.is_site_local  # some networks still use these
    return public and not tunnelled and (inside is None or _is_public(inside))


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    return address.is_global and not address.is_multicast and not address.is_reserved


def _low(address: IPv6Address) -> IPv4Address:
    """The last 32 bits: where a translator (RFC 6052) leads to."""
    return IPv4Address(int(address) & 0xFFFFFFFF)


def is_listed(host: str, port: int, listed: tuple[str, ...]) -> bool:
    """Whether `[check] hosts` names this host, with this port or with none."""
    name = f"[{host}]" if ":" in host else host
    return name in listed or f"{name}:{port}" in listed
