"""Addresses as machines and proxies write them, and who of a row of proxies is believed."""

from __future__ import annotations

import ipaddress

import pytest

from api.addresses import Networks, address_of, client_behind


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("192.0.2.1", "192.0.2.1"),
        (" 192.0.2.1:4711 ", "192.0.2.1"),
        ("2001:DB8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ('"[2001:db8::1]:80"', "2001:db8::1"),
        ("::ffff:127.0.0.1", "127.0.0.1"),
        ("fe80::1%eth0", "fe80::1"),
    ],
)
def test_an_address_is_read_however_it_is_written(text: str, found: str) -> None:
    assert str(address_of(text)) == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "unknown",
        "_hidden",
        "localhost",
        "192.0.2.1:http",
        "192.0.2",
        "192.0.2.1/24",
        "[::1",
        "[::1]x",
        "::1]",
        "٣.1.1.1",
    ],
)
def test_what_is_no_address_is_none(text: str) -> None:
    assert address_of(text) is None


def test_networks_hold_their_addresses_and_an_ipv6_socket_fools_nobody() -> None:
    trusted = Networks(("10.0.0.0/8", "127.0.0.1", "fd00::1/64"))
    inside = ("10.200.3.4", "127.0.0.1", "::ffff:10.0.0.1", "fd00::7")
    outside = ("11.0.0.1", "127.0.0.2", "::ffff:11.0.0.1", "fd01::7", "::1")
    assert [one for one in (*inside, *outside) if address_of(one) in trusted] == list(inside)
    assert None not in trusted
    assert address_of("127.0.0.1") not in Networks(())


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "client"),
    [
        ("203.0.113.9", "10.0.0.1", "203.0.113.9"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "6.6.6.6, 198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "6.6.6.6, 198.51.100.7, 10.0.0.2:80", "198.51.100.7"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "198.51.100.7, unknown", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.7, unknown, 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", ",,", "10.0.0.1"),
        ("10.0.0.1", "[2001:db8::5]:99", "2001:db8::5"),
    ],
)
def test_the_client_is_the_first_from_the_right_whom_nobody_trusts(peer: str, forwarded_for: str, client: str) -> None:
    found = client_behind(ipaddress.ip_address(peer), forwarded_for, Networks(("10.0.0.0/24",)))
    assert str(found) == client
