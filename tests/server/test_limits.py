"""How many logins of one customer are under way at once."""

from contextlib import ExitStack

import pytest

from gatepass.http import RequestRefused
from gatepass.http.problems import RATE_LIMITED
from gatepass.server.limits import AT_ONCE, AtOnce


@pytest.mark.parametrize(
    ("mine", "others"),
    [
        (["198.51.100.7"], ["198.51.100.8", "unknown", "2001:db8::1"]),
        (["2001:db8::1", "2001:db8:0:ff::2"], ["2001:db8:0:100::1", "198.51.100.7"]),
        (["unknown"], ["198.51.100.7"]),
    ],
    ids=["IPv4", "IPv6", "no address"],
)
def test_a_customer_has_a_fair_share_of_the_logins_under_way(
    mine: list[str], others: list[str]
) -> None:
    at_once = AtOnce()
    with ExitStack() as under_way:
        for number in range(AT_ONCE):
            under_way.enter_context(at_once.hold(mine[number % len(mine)]))
        for address in mine:
            with pytest.raises(RequestRefused) as refused, at_once.hold(address):
                pass
            assert refused.value.problem is RATE_LIMITED
            assert refused.value.retry_after == 1
        for address in others:
            with at_once.hold(address):
                pass
    with at_once.hold(mine[0]):
        pass


def test_a_login_that_breaks_off_leaves_its_slot() -> None:
    at_once = AtOnce(1)
    for _ in range(3):
        with pytest.raises(KeyError), at_once.hold("198.51.100.7"):
            raise KeyError
    with at_once.hold("198.51.100.7"):
        pass
