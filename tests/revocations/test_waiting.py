"""How long a check waits for a read at most, whatever others do meanwhile."""

import asyncio
import threading
import time
from contextvars import ContextVar
from typing import Any

from gatepass.revocations.reader_tasks import ReaderTasks
from gatepass.revocations.reader_threads import ReaderThreads
from gatepass.revocations.state import CHECK_WAIT_S, ReplicaState
from tests.budget import require_short

RENEWED_S = 60.0
SOON_S = 0.5


def no_reader(_partition: int) -> Any:
    raise AssertionError


def test_what_reads_on_an_event_loop_runs_in_no_context_of_a_caller() -> None:
    caller = ContextVar("caller", default="nobody")
    callers: list[str] = []
    read = asyncio.Event()

    class Reader:
        async def read(self, _: float) -> None:
            callers.append(caller.get())
            read.set()
            await asyncio.Event().wait()

        async def close(self) -> None: ...

        def abandon(self) -> None: ...

    async def check() -> None:
        caller.set("a request")
        readers = ReaderTasks(ReplicaState(["log"], 2), lambda _: Reader())
        readers.ensure()
        await read.wait()
        await readers.join()

    asyncio.run(check())
    assert set(callers) == {"nobody"}


def test_somebody_who_logs_out_everywhere_again_and_again_keeps_no_check_waiting() -> None:
    state = ReplicaState(["log"], 2)
    readers = ReaderThreads(state, no_reader)
    over = threading.Event()

    def renew() -> None:
        until = time.monotonic() + RENEWED_S
        while time.monotonic() < until and not over.wait(0.1):
            state.revoked_many()

    state.revoked_many()
    renewing = threading.Thread(target=renew)
    renewing.start()
    began = time.monotonic()
    readers.wait("session", None)
    took = time.monotonic() - began
    is_renewed = renewing.is_alive()
    over.set()
    renewing.join()

    assert is_renewed
    require_short(took, CHECK_WAIT_S + SOON_S)
    assert not readers._waiting


def test_nor_where_reads_of_other_partitions_wake_it_on_an_event_loop() -> None:
    state = ReplicaState(["log"], 2)

    async def wait() -> float:
        readers = ReaderTasks(state, no_reader)
        readers._loop = asyncio.get_running_loop()

        async def renew() -> None:
            for _ in range(int(RENEWED_S / 0.1)):
                state.revoked_many()
                readers._news.set()
                readers._news = asyncio.Event()
                await asyncio.sleep(0.1)

        state.revoked_many()
        renewing = asyncio.create_task(renew())
        began = time.monotonic()
        await readers.wait("session", None)
        took = time.monotonic() - began
        assert not renewing.done()
        renewing.cancel()
        return took

    require_short(asyncio.run(wait()), CHECK_WAIT_S + SOON_S)
