"""Which primaries are believed: by their replicas in `INFO`, and by whom most sentinels name."""

from collections.abc import Sequence

import pytest

from gatepass.stores.redis import RedisStore
from gatepass.stores.redis.primaries import Backing, count_good_replicas
from gatepass.stores.redis.target import target_of_url
from gatepass.stores.redis.wire import Exchange, Lost
from tests.stores.plans import present, sid

HERE = ("10.0.0.1", 6379)
ELSEWHERE = ("10.0.0.3", 6379)
TARGET = target_of_url("redis+sentinel://s1:1,s2:2,s3:3/main/0")


def info(*replicas: tuple[str, int]) -> bytes:
    """A primary's `INFO replication`; of each replica its state and lag."""
    lines = [
        f"slave{number}:ip=10.0.0.2,port=6379,state={state},offset=9,lag={lag}\r\n"
        for number, (state, lag) in enumerate(replicas)
    ]
    return "".join(["role:master\r\n", *lines]).encode()


GOOD = ("online", 1)


def believes(
    backing: Backing, who: bytes, names: Sequence[tuple[str, int] | None]
) -> tuple[bool, int]:
    """Whether the server is believed, and how many sentinels were asked; `None` is cut off."""
    steps = backing.is_believed(HERE, who, float("inf"))
    asked = 0
    try:
        next(steps)
        while True:
            name = names[asked]
            asked += 1
            if name is None:
                steps.throw(Lost("cut off"))
            else:
                steps.send([[name[0].encode(), str(name[1]).encode()]])
    except StopIteration as end:
        return end.value, asked


@pytest.mark.parametrize(
    ("replicas", "good"),
    [
        ([], 0),
        ([("online", 0)], 1),
        ([("online", 2), ("online", 0)], 2),
        ([("online", 3), ("online", 0)], 1),
        ([("wait_bgsave", 0)], 0),
    ],
)
def test_replicas_keep_up_that_have_told_so_lately(
    replicas: list[tuple[str, int]], good: int
) -> None:
    assert count_good_replicas(info(*replicas)) == good


def test_a_cut_off_primary_whose_clock_is_set_back_has_no_replica_that_keeps_up() -> None:
    assert count_good_replicas(info(("online", -55))) == 0


def test_a_primary_that_kept_all_its_replicas_is_believed_without_sentinels() -> None:
    backing = Backing(TARGET)

    assert believes(backing, info(GOOD), [HERE] * 3) == (True, 3)
    assert believes(backing, info(GOOD), []) == (True, 0)
    assert believes(backing, info(GOOD, GOOD), []) == (True, 0)
    assert believes(backing, info(GOOD), [HERE, HERE, None]) == (True, 3)


def test_an_old_primary_cut_off_with_one_of_two_replicas_is_not_believed() -> None:
    backing = Backing(TARGET)
    assert believes(backing, info(GOOD, GOOD), [HERE] * 3) == (True, 3)

    assert believes(backing, info(GOOD), [HERE, None, None]) == (False, 3)
    assert believes(backing, info(GOOD), [HERE, ELSEWHERE, ELSEWHERE]) == (False, 3)
    assert believes(backing, info(GOOD, GOOD), []) == (True, 0)


def test_a_verifier_that_starts_beside_an_old_primary_does_not_believe_it() -> None:
    assert believes(Backing(TARGET), info(GOOD), [HERE, None, None]) == (False, 3)


def test_a_reuse_is_confirmed_over_the_connection_that_its_script_came_over() -> None:
    """A look at the sentinels in between could put `WAIT` on another connection."""
    store = RedisStore.from_url("redis://localhost/0?replicas=1")
    steps = store.work.rotate(present(sid("rotated")))
    first = next(steps)
    second = steps.send([[b"reused", []]])

    assert isinstance(first, Exchange)
    assert isinstance(second, Exchange)
    assert second.commands[0] == first.commands[0]
    assert second.commands[1][0] == "WAIT"
    store.close()
