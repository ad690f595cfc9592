"""What `INFO` says of a primary, and whether a replica of it is one that keeps up."""

import pytest

from gatepass.stores.redis.primaries import has_good_replica


@pytest.mark.parametrize(
    ("state", "lag", "keeps_up"),
    [
        ("online", "0", True),
        ("online", "2", True),
        ("online", "3", False),
        ("wait_bgsave", "0", False),
    ],
)
def test_a_replica_keeps_up_that_has_told_so_lately(
    state: str,
    lag: str,
    *,
    keeps_up: bool,
) -> None:
    who = f"role:master\r\nslave0:ip=10.0.0.2,port=6379,state={state},offset=9,lag={lag}\r\n"

    assert has_good_replica(who.encode()) is keeps_up


def test_a_cut_off_primary_whose_clock_is_set_back_has_no_replica_that_keeps_up() -> None:
    who = b"role:master\r\nslave0:ip=10.0.0.2,port=6379,state=online,offset=9,lag=-55\r\n"

    assert not has_good_replica(who)
