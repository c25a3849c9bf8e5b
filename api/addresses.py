"""Addresses of machines as they come: of a TCP peer, in a setting, in X-Forwarded-For."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def address_of(text: str) -> Address | None:
    """An address, with a port or without: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]:80`; None for
    anything else.

    An IPv4 address that came in through an IPv6 socket (`::ffff:192.0.2.1`) is the IPv4 address, and a zone
    (`fe80::1%eth0`) does not count.
    """
    host = text.strip().strip('"')
    if host.startswith("["):
        host, closed, rest = host[1:].partition("]")
        if not closed or (rest and not (rest[0] == ":" and rest[1:].isdecimal())):
            return None
    elif host.count(":") == 1:
        host, _, port = host.partition(":")
        if not port.isdecimal():
            return None
    try:
        found = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, ipaddress.IPv6Address) else found


class Networks:
    """Addresses and networks of a setting, which has checked them."""

    def __init__(self, listed: Iterable[str]) -> None:
        self.networks: tuple[Network, ...] = tuple(ipaddress.ip_network(one, strict=False) for one in listed)

    def __contains__(self, address: Address | None) -> bool:
        return address is not None and any(address in network for network in self.networks)


def client_behind(peer: Address, forwarded_for: str, trusted: Networks) -> Address:
    """Who the call comes from, told by what proxies wrote into X-Forwarded-For: each appends whom it was called by.

    Read from the right, where the nearest one wrote, as far as those that wrote are trusted; further left anybody may
    have written anything. What is no address ends the reading.
    """
    client = peer
    for hop in reversed(forwarded_for.split(",")):
        if client not in trusted:
            break
        found = address_of(hop)
        if found is None:
            break
        client = found
    return client
