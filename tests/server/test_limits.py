"""Which addresses are one guesser, and how long a guesser waits."""

import time

import pytest

from gatepass.server.limits import AT_ONCE, LoginLimit, Window, rate

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
    await fail(limit, one)

    assert (await limit.begin(other) is not None) is same


async def test_log_ins_that_succeed_leave_the_limit_on_failures_as_it_was() -> None:
    limit = LoginLimit("1/minute")
    for _ in range(5):
        assert await limit.begin("unknown") is None
        assert await limit.begin("unknown") is not None
        await limit.end("unknown", failed=False)

    await fail(limit, "unknown")
    assert await limit.begin("unknown") is not None


async def fail(limit: LoginLimit, address: str) -> None:
    assert await limit.begin(address) is None
    await limit.end(address, failed=True)


async def test_an_address_logs_in_only_so_often_whether_it_fails_or_not() -> None:
    limit = LoginLimit("1000/minute", "5/minute")
    for _ in range(5):
        assert await limit.begin("unknown") is None
        await limit.end("unknown", failed=False)
    wait = await limit.begin("unknown")

    assert wait is not None
    assert 1 <= wait <= 60
    assert await limit.begin("198.51.100.8") is None


async def test_an_address_has_a_fair_share_of_the_log_ins_under_way() -> None:
    limit = LoginLimit("1000/minute", "1000/minute")
    begun = [await limit.begin("unknown") for _ in range(20)]

    assert begun.count(None) == AT_ONCE
    assert begun[-1] == 1.0
    assert await limit.begin("198.51.100.8") is None
    await limit.end("unknown", failed=False)
    assert await limit.begin("unknown") is None


def test_workers_share_a_rate_and_keep_one_each() -> None:
    assert [rate(10, workers) for workers in (1, 3, 64)] == ["10/minute", "3/minute", "1/minute"]


async def test_a_wall_clock_that_is_set_back_locks_nobody_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    steady = [1_000.0]
    limit = LoginLimit("2/minute", clock=lambda: steady[0])
    await fail(limit, "unknown")
    steady[0] += 20
    await fail(limit, "unknown")
    monkeypatch.setattr(time, "time", lambda: 0.0)

    assert await limit.begin("unknown") == 40
    steady[0] += 40
    assert await limit.begin("unknown") is None
    assert await limit.begin("unknown") == 20


def test_what_is_a_minute_old_is_forgotten() -> None:
    steady = [0.0]
    window = Window("2/minute", clock=lambda: steady[0])
    for second in range(200):
        steady[0] = float(second)
        window.wait(f"address {second % 7}")
        window.count(f"address {second}")

    assert len(window._counted) == 60
