import pytest

from functions.edge.clients import UNKNOWN, client_address
from tests.unit.functions.edge.requests import request


def address_in(header: str | None, *, trusted_proxies: int = 1) -> str:
    headers = {} if header is None else {"x-forwarded-for": header}
    return client_address(request(headers=headers), trusted_proxies)


@pytest.mark.parametrize(
    ("header", "address"),
    [
        (None, UNKNOWN),
        ("", UNKNOWN),
        (" , ,", UNKNOWN),
        ("203.0.113.7", "203.0.113.7"),
        ("  203.0.113.7  ", "203.0.113.7"),
        ("203.0.113.7:51234", "203.0.113.7"),
        ("127.0.0.1, 203.0.113.7:51234", "203.0.113.7"),
        ("10.0.0.1, 198.51.100.9, 203.0.113.7", "203.0.113.7"),
        ("unknown, localhost, 203.0.113.7,", "203.0.113.7"),
        ("[2001:db8:1:2::9]:443", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::9]", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("[::ffff:203.0.113.7]:443", "203.0.113.7"),
    ],
)
def test_the_last_hop_is_the_client_whatever_the_client_wrote_before_it(
    header: str | None, address: str
) -> None:
    assert address_in(header) == address


@pytest.mark.parametrize(
    ("header", "address"),
    [
        ("198.51.100.9, 203.0.113.7, 10.0.0.1", "203.0.113.7"),
        ("203.0.113.7, 10.0.0.1:80", "203.0.113.7"),
        ("203.0.113.7", "203.0.113.7"),
        (None, UNKNOWN),
    ],
)
def test_behind_two_proxies_the_client_is_the_last_but_one(header: str | None, address: str) -> None:
    assert address_in(header, trusted_proxies=2) == address


def test_addresses_of_one_ipv6_network_are_one_client_and_of_two_networks_two() -> None:
    assert address_in("2001:db8::1") == address_in("2001:db8::2:3:4:5")
    assert address_in("2001:db8::1") != address_in("2001:db8:0:1::1")


@pytest.mark.parametrize("odd", ["x" * 5000, "\x00" * 5, "[", "::::", "a:b", "[fe80::1%eth0]:1", "%s'; --"])
def test_an_odd_address_becomes_short_and_can_be_stored(odd: str) -> None:
    address = address_in(odd)

    assert len(address) <= 100
    assert "\x00" not in address
