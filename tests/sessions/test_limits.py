"""The sliding window as a pure function, against a list of every attempt that passed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepass.sessions.limits import Bucket, Tally, ends_ms, give_back, slide, take

NOW = 1_800_000_000_000
WINDOW = 60_000


def bucket(limit: int = 10, window_ms: int = WINDOW, cost: int = 1, name: str = "a") -> Bucket:
    return Bucket(key=name.encode().ljust(16), limit=limit, window_ms=window_ms, cost=cost)


def attempts(tally: Tally | None, of: Bucket, *times: int) -> Tally | int:
    """The tally after attempts at these times, or the wait of the first that does not pass."""
    for at_ms in times:
        outcome = take([tally], [of], at_ms)
        if isinstance(outcome, int):
            return outcome
        [tally] = outcome
    assert tally is not None
    return tally


def test_the_limit_passes_and_no_attempt_more() -> None:
    full = attempts(None, bucket(), *[NOW] * 10)

    assert full == Tally(start_ms=NOW, previous=0, current=10)
    assert attempts(full, bucket(), NOW + WINDOW - 1) == 1


@pytest.mark.parametrize(
    ("at_ms", "wait_ms"),
    [
        pytest.param(0, WINDOW, id="full"),
        pytest.param(WINDOW - 1, 1, id="a moment before"),
        pytest.param(-1, 0, id="before the window began"),
        pytest.param(-WINDOW, 0, id="a window before"),
        pytest.param(2 * WINDOW, 0, id="over"),
    ],
)
def test_an_attempt_on_a_full_bucket_waits(at_ms: int, wait_ms: int) -> None:
    outcome = take([Tally(start_ms=NOW, previous=0, current=10)], [bucket()], NOW + at_ms)

    assert (outcome if isinstance(outcome, int) else 0) == wait_ms


def test_after_a_burst_attempts_pass_evenly() -> None:
    tally: Tally | int = Tally(start_ms=NOW, previous=0, current=10)
    passed = []
    for at_ms in range(NOW + WINDOW, NOW + 2 * WINDOW, 100):
        assert isinstance(tally, Tally)
        outcome = take([tally], [bucket()], at_ms)
        if not isinstance(outcome, int):
            [tally] = outcome
            passed.append(at_ms - NOW - WINDOW)

    assert passed == list(range(0, WINDOW, WINDOW // 10))


def test_all_buckets_count_or_none_and_the_longest_wait_is_told() -> None:
    full, fuller, free = bucket(name="a"), bucket(window_ms=2 * WINDOW, name="b"), bucket(name="c")
    tally = Tally(start_ms=NOW, previous=0, current=10)

    assert take([tally, tally, None], [full, fuller, free], NOW) == 2 * WINDOW
    assert take([], [], NOW) == []


def test_a_dear_attempt_waits_for_two_windows_at_most() -> None:
    tally = Tally(start_ms=NOW, previous=0, current=10)

    wait_ms = take([tally], [bucket(cost=10)], NOW)

    assert wait_ms == 2 * WINDOW - 1 - (WINDOW - 1) // 10
    assert take([tally], [bucket(cost=10)], NOW + wait_ms) != 1


@pytest.mark.parametrize(
    ("tally", "at_ms", "left"),
    [
        pytest.param((NOW, 5, 3), 0, (NOW, 5, 2), id="from the current window"),
        pytest.param((NOW, 5, 3), WINDOW, (NOW + WINDOW, 2, 0), id="from the one before"),
        pytest.param((NOW, 0, 0), 0, (NOW, 0, 0), id="never below 0"),
        pytest.param((NOW, 5, 3), 2 * WINDOW, (NOW + 2 * WINDOW, 0, 0), id="over"),
    ],
)
def test_giving_back(tally: tuple[int, int, int], at_ms: int, left: tuple[int, int, int]) -> None:
    start_ms, previous, current = tally
    kept = Tally(start_ms=start_ms, previous=previous, current=current)

    given = give_back(kept, bucket(), NOW + at_ms)

    assert (given.start_ms, given.previous, given.current) == left


def test_a_dear_attempt_is_given_back_from_both_windows() -> None:
    kept = Tally(start_ms=NOW, previous=5, current=1)

    assert give_back(kept, bucket(cost=3), NOW) == Tally(start_ms=NOW, previous=3, current=0)


@pytest.mark.parametrize(
    ("size", "limit", "window_ms", "cost"),
    [
        pytest.param(15, 1, 1, 1, id="a short key"),
        pytest.param(16, 0, 1, 1, id="no limit"),
        pytest.param(16, 1, 0, 1, id="no window"),
        pytest.param(16, 1, 1, 0, id="no cost"),
        pytest.param(16, 1, 1, 2, id="dearer than the limit"),
        pytest.param(16, 2**30, 2**24, 1, id="more than a double holds"),
    ],
)
def test_a_bucket_that_no_store_could_count_is_rejected(
    size: int, limit: int, window_ms: int, cost: int
) -> None:
    with pytest.raises(ValueError, match="out of range"):
        Bucket(key=bytes(size), limit=limit, window_ms=window_ms, cost=cost)


@given(
    limit=st.integers(1, 12),
    window_ms=st.integers(1, 500),
    steps=st.lists(st.tuples(st.integers(-50, 700), st.integers(1, 3)), max_size=40),
)
def test_any_attempts(limit: int, window_ms: int, steps: list[tuple[int, int]]) -> None:
    now_ms, tally = NOW, None
    passed: list[tuple[int, int]] = []
    for forward, cost in steps:
        now_ms += forward
        of = bucket(limit, window_ms, min(cost, limit))
        if tally is not None and now_ms < tally.start_ms:
            passed = []  # the clock was ahead
        outcome = take([tally], [of], now_ms)
        if isinstance(outcome, int):
            assert 0 < outcome <= (window_ms if of.cost == 1 else 2 * window_ms)
            assert not isinstance(take([tally], [of], now_ms + outcome), int)
            assert take([tally], [of], now_ms + outcome - 1) == 1
        else:
            [tally] = outcome
            passed.append((now_ms, of.cost))
            assert now_ms < ends_ms(tally, of)
            assert slide(tally, of, ends_ms(tally, of)).current == 0
            since = tally.start_ms
            assert sum(cost for at_ms, cost in passed if since <= at_ms) == tally.current <= limit
