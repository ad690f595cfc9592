"""Connections of blocking code: their callbacks, their one thread, and a fork."""

import logging
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatepass.errors import StoreUnavailable
from tests.stores.twins import Runner
from tests.watches.world import World


@pytest.fixture
def blocking(runner: Runner, tmp_path: Path) -> Iterator[World]:
    world = World("sqlite", "sync", runner, tmp_path)
    yield world
    world.close()


def test_a_callback_that_fails_is_logged_and_harms_nobody(
    blocking: World, caplog: pytest.LogCaptureFixture
) -> None:
    world = blocking
    pair = world.log_in()
    claims, line = world.manager.verify(pair.access_token), world.hold(pair.access_token)
    with caplog.at_level(logging.ERROR), world.inner.watch(claims, lambda _: 1 / 0):
        world.elsewhere.revoke_session(pair.session_id)
        world.until_told(line, "token_revoked")
        world.until(lambda: "on_end" in caplog.text)
    next_one = world.hold(world.log_in().access_token)
    world.elsewhere.revoke_all()
    world.until_told(next_one, "token_revoked")


def test_a_system_without_threads_is_an_error(
    blocking: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_thread(_: object) -> None:
        raise RuntimeError("can't start new thread")

    world = blocking
    token = world.log_in().access_token
    world.manager.verify(token)
    monkeypatch.setattr(threading.Thread, "start", no_thread)

    with pytest.raises(StoreUnavailable, match="threads"):
        world.hold(token)
    assert len(world.watches) == 0


def test_a_forked_child_watches_nothing_of_its_parents(blocking: World) -> None:
    line = blocking.hold(blocking.log_in().access_token)
    child = os.fork()
    if not child:
        os._exit(0 if len(blocking.watches) == 0 and not blocking.watches._tickers else 1)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    blocking.elsewhere.revoke_all()
    blocking.until_told(line, "token_revoked")


def test_a_watch_is_entered_once(blocking: World) -> None:
    line = blocking.hold(blocking.log_in().access_token)

    with pytest.raises(RuntimeError, match="once"):
        line.watch.__enter__()
