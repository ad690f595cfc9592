"""Watches on a copy that is out of date: one question for all, and then the policy."""

from collections.abc import Iterator
from math import inf
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from gatepass.errors import StoreUnavailable
from gatepass.revocations.lease import steady_now
from gatepass.revocations.staleness import WhenStale
from tests.revocations.worlds import empty_backend
from tests.servers.proxy import Proxy
from tests.stores.twins import Runner
from tests.watches.world import World

COUNT = 60
LONG_S = 60.0
ACCEPT = WhenStale.ACCEPT_TOKENS_THAT_MAY_BE_REVOKED


@pytest.fixture(params=["postgres", "redis 8"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["sync", "async"])
def make(
    request: pytest.FixtureRequest, backend: str, runner: Runner, tmp_path: Path
) -> Iterator[Any]:
    """Worlds behind a proxy, with a staleness that no test waits for."""
    made: list[World] = []

    def world(when_stale: WhenStale) -> tuple[World, Proxy]:
        url = make_url(empty_backend(backend))
        proxy = Proxy(int(url.port or 0)).start()
        behind = url.set(host="127.0.0.1", port=proxy.port).render_as_string(hide_password=False)
        options: dict[str, Any] = {"max_staleness": LONG_S, "when_stale": when_stale}
        made.append(World(backend, str(request.param), runner, tmp_path, url=behind, **options))
        world = made[-1]
        fresh = world.replica.fresh
        world.until(lambda: world.runner.run(fresh()) if world.is_async else fresh())
        return world, proxy

    yield world
    for each in made:
        each.close()


def go_stale(world: World, *, is_cut_off: bool = False) -> None:
    """Stop reading the log, long ago."""
    readers = world.replica._readers
    readers.stop()
    if world.is_async:
        world.runner.run(readers.join())
    else:
        readers.join()
        world.until(lambda: not any(thread.is_alive() for thread in readers._threads))
    if is_cut_off:
        world.replica._state.cut_off.add(0)
    world.replica._lease.lapse()


def ask_again(world: World) -> None:
    """Let the store's last answer be old."""
    world.replica._vouching._asked = [-LONG_S * 1000]


def until_asked(world: World) -> None:
    """Wait for the store's answer."""
    world.until(lambda: world.replica._vouching._asked[0] > 0)


def test_a_stale_copy_asks_once_for_all(make: Any) -> None:
    world, proxy = make(WhenStale.ASK)
    pairs = [world.elsewhere.issue(f"subject {number}") for number in range(COUNT)]
    lines = [world.hold(pair.access_token) for pair in pairs]
    go_stale(world)
    until_asked(world)  # which may connect, and send the script
    trips = proxy.trips
    ask_again(world)
    until_asked(world)
    assert all(line.watch.reason is None for line in lines)
    assert proxy.trips <= trips + 2  # a reader may just have said goodbye

    store = world.elsewhere.store
    store.revoke_session(pairs[3].session_id, reason="log-out")
    store.revoke_token(lines[5].watch.claims.token_id)
    ask_again(world)
    world.until_told(lines[3], "token_revoked")
    world.until_told(lines[5], "token_revoked")
    assert len(world.watches) == COUNT - 2


def test_without_an_answer_they_end_with_that_reason(make: Any) -> None:
    world, proxy = make(WhenStale.ASK)
    line = world.hold(world.log_in().access_token)
    go_stale(world)
    world.replica._vouching._asked = [steady_now() - LONG_S / 2]
    proxy.cut()
    rounds = looks(world)
    world.until(lambda: len(rounds) > 1)
    assert line.watch.reason is None  # the last answer still counts
    ask_again(world)

    world.until_told(line, "store_unavailable")


def looks(world: World) -> list[None]:
    """Grows with every look from now on."""
    rounds: list[None] = []
    look = world.watches._look

    def counted() -> Any:
        rounds.append(None)
        return look()

    world.watches._look = counted
    return rounds


def test_a_copy_that_denies_or_accepts_asks_nobody(make: Any) -> None:
    for when_stale in (WhenStale.DENY, ACCEPT):
        world, _ = make(when_stale)
        line = world.hold(world.log_in().access_token)
        go_stale(world)
        if when_stale is WhenStale.DENY:
            world.until_told(line, "store_unavailable")
        else:
            rounds = looks(world)
            world.until(lambda seen=rounds: len(seen) > 1)
            assert line.watch.reason is None
        assert world.replica._vouching._asked == [-inf]


def test_an_answer_of_a_server_that_was_replaced_does_not_count(make: Any) -> None:
    world, _ = make(WhenStale.ASK)
    line = world.hold(world.log_in().access_token)
    go_stale(world, is_cut_off=True)

    world.until_told(line, "store_unavailable")


def until_polled(world: World) -> None:
    """Wait for the first look at the log."""
    world.until(lambda: world.replica._log_end is not None)


def test_a_file_that_was_replaced_ends_them(
    runner: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gatepass.revocations.sqlite.MAX_STALENESS_S", 0.2)
    for twin in ("sync", "async"):
        folder = tmp_path / twin
        folder.mkdir()
        world = World("sqlite", twin, runner, folder)
        line = world.hold(world.log_in().access_token)
        until_polled(world)
        (folder / "gate.db").rename(folder / "elsewhere.db")

        world.until_told(line, "store_unavailable")
        with pytest.raises(StoreUnavailable):
            world.hold(line.watch.claims)
        world.lines.clear()


def test_a_log_that_grew_by_much_or_became_shorter_is_looked_up(
    runner: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gatepass.revocations.sqlite._MOST_READ", 2)
    for twin in ("sync", "async"):
        folder = tmp_path / twin
        folder.mkdir()
        world = World("sqlite", twin, runner, folder)
        pairs = [world.log_in(f"subject {number}") for number in range(6)]
        lines = [world.hold(pair.access_token) for pair in pairs]
        world.elsewhere.revoke_subject("subject 0")
        world.until_told(lines[0], "token_revoked")
        world.replica._log_end = 1_000
        world.elsewhere.revoke_subject("subject 1")
        world.until_told(lines[1], "token_revoked")
        world.elsewhere.revoke_all()
        for line in lines[2:]:
            world.until_told(line, "token_revoked")
        assert world.replica._log_end == 6
        world.close()
