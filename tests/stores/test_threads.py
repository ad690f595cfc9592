"""The threads of the async SQLite store end with it, whatever they were doing."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from gatepass.errors import StoreUnavailable
from gatepass.revocations.sqlite import AsyncSqliteReplica
from gatepass.stores.sql import AsyncSqlStore
from tests.budget import PATIENCE_S
from tests.threads import ours


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'gate.db'}"


def test_a_store_that_was_closed_has_left_no_thread(url: str) -> None:
    before = ours()

    async def use() -> set[threading.Thread]:
        store = AsyncSqlStore.from_url(url)
        await asyncio.gather(*(store.sessions("ada") for _ in range(8)))
        await store.close()
        return ours() - before

    assert asyncio.run(use()) == set()


def test_work_whose_caller_left_is_waited_for_by_close_and_keeps_no_loop_from_running(
    url: str,
) -> None:
    before = ours()
    begun, may_end, ended = (threading.Event() for _ in range(3))

    def work() -> None:
        begun.set()
        may_end.wait(PATIENCE_S)
        ended.set()

    async def use() -> set[threading.Thread]:
        store = AsyncSqlStore.from_url(url)
        runner: Any = store._runner
        caller = asyncio.create_task(runner.in_thread(work))
        assert await asyncio.to_thread(begun.wait, PATIENCE_S)
        caller.cancel()
        closing = asyncio.create_task(store.close())
        await asyncio.sleep(0.05)
        assert not closing.done()
        with pytest.raises(StoreUnavailable):
            await runner.in_thread(work)
        may_end.set()
        await closing
        return ours() - before

    assert asyncio.run(use()) == set()
    assert ended.is_set()


def test_a_machine_without_room_for_one_more_thread_still_closes(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def use() -> None:
        store = AsyncSqlStore.from_url(url)
        await store.sessions("ada")

        def no_room(_: threading.Thread) -> None:
            raise RuntimeError("can't start new thread")

        monkeypatch.setattr(threading.Thread, "start", no_room)
        await store.close()

    asyncio.run(use())


def test_a_machine_without_room_for_one_more_thread_is_an_outage(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def use() -> None:
        store = AsyncSqlStore.from_url(url)
        replica = AsyncSqliteReplica(store)

        def no_room(_: threading.Thread) -> None:
            raise RuntimeError("can't start new thread")

        with monkeypatch.context() as scarce:
            scarce.setattr(threading.Thread, "start", no_room)
            for attempt in (
                lambda: store.sessions("ada"),
                lambda: store.revoke_token("00t"),
                lambda: replica.is_revoked(None, "00t"),
            ):
                with pytest.raises(StoreUnavailable, match="thread"):
                    await attempt()
        await store.revoke_token("00u")
        assert await replica.is_revoked(None, "00u")
        await store.close()

    asyncio.run(use())
