"""Which addresses are one client."""

import pytest

from gatepass.http.addresses import block_of, blocks_of


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("198.51.100.7", "198.51.100.7", True),
        ("198.51.100.7", "198.51.100.8", False),
        ("2001:db8::1", "2001:db8::2", True),
        ("2001:db8::1", "2001:db8:0:0:ffff::1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:198.51.100.7", "198.51.100.7", True),
        ("::ffff:198.51.100.7", "::ffff:198.51.100.8", False),
        ("fe80::1%eth0", "fe80::2%eth0", True),
        ("unknown", "unknown", True),
        ("unknown", "198.51.100.7", False),
    ],
)
def test_a_client_is_an_address_or_an_ipv6_network(one: str, other: str, *, same: bool) -> None:
    assert (block_of(one) == block_of(other)) is same


def test_an_ipv6_address_counts_in_three_networks_with_more_and_more_shares() -> None:
    assert blocks_of("2001:db8:1:2ff::9") == (
        ("2001:db8:1:2ff::/64", 1),
        ("2001:db8:1:200::/56", 4),
        ("2001:db8:1::/48", 16),
    )
    assert blocks_of("198.51.100.7") == (("198.51.100.7", 1),)
    assert blocks_of("::ffff:198.51.100.7") == blocks_of("198.51.100.7")


def test_a_customer_of_ipv6_has_a_56() -> None:
    assert block_of("2001:db8:1:2ff::9", customer=True) == "2001:db8:1:200::/56"
    assert block_of("198.51.100.7", customer=True) == "198.51.100.7"
    assert block_of("unknown", customer=True) == "unknown"
