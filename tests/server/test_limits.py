"""Which addresses are one guesser, and how long a guesser waits."""

import pytest

from gatepass.server.limits import LoginLimit

pytestmark = pytest.mark.anyio


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
async def test_a_guesser_is_an_address_or_an_ipv6_network(
    one: str, other: str, *, same: bool
) -> None:
    limit = LoginLimit("1/minute")
    await limit.failed(one)

    assert (await limit.check(other) is not None) is same


async def test_a_guesser_waits_no_longer_than_the_window() -> None:
    limit = LoginLimit("2/minute")
    assert await limit.check("unknown") is None
    await limit.failed("unknown")
    assert await limit.check("unknown") is None
    await limit.failed("unknown")
    wait = await limit.check("unknown")

    assert wait is not None
    assert 1 <= wait <= 60
