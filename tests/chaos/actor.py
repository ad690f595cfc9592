"""A process whose managers tell of events while a database breaks, and that writes both down.

Run as `python -m tests.chaos.actor URL FOLDER NAME TWIN`, until the folder holds a file `stop`.
Each caller has a file of its own: a line `begin`, the events of that operation, a line `end`.
"""

import asyncio
import sys
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar, copy_context
from functools import partial
from inspect import iscoroutinefunction
from pathlib import Path
from typing import Any, TextIO

from gatepass import AsyncTokenManager, TokenManager, TokenPair, TokenPolicy
from gatepass.errors import GatepassError, StoreUnavailable
from gatepass.events import Event
from gatepass.jose import SharedKey
from gatepass.stores.redis import AsyncRedisStore, RedisStore
from gatepass.stores.sql import AsyncSqlStore, SqlStore

CALLERS = 6
PAUSE_S = 0.02
LEEWAY_S = 60
"""A refresh whose answer was lost is repeated within a third of it, so that it is no reuse."""

_file: ContextVar[TextIO] = ContextVar("file")


def note(*fields: object) -> None:
    """Write a line into the file of the caller under way, at once."""
    _file.get().write(" ".join(map(str, [*fields, f"{time.monotonic():.6f}"])) + "\n")


def hook(event: Event) -> None:
    """Write an event down."""
    note("event", event.kind, event.subject or "-", event.session_id or "-", event.reason or "-")


async def waiting_hook(event: Event) -> None:
    """`hook` for a manager that awaits it."""
    await asyncio.sleep(0)
    hook(event)


class OnLoop:
    """An async manager for the threads of this process: coroutines run on one event loop.

    They run in the context of the thread that called, so that the hook finds its file.
    """

    def __init__(self, manager: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._manager, self._loop = manager, loop

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._manager, name)
        return partial(self._run, value) if iscoroutinefunction(value) else value

    def _run(self, function: Callable[..., Any], *args: Any, **options: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(function(*args, **options), self._loop).result()


def open_managers(url: str, twin: str) -> tuple[Any, Any]:
    """A manager that forgives a lost answer for long, and one that forgives nothing."""
    keys: dict[str, Any] = {
        "access_keys": SharedKey.generate(),
        "refresh_keys": SharedKey.generate(),
    }
    policies = [TokenPolicy(issuer="i", audience="a", rotation_leeway=s) for s in (LEEWAY_S, 0)]
    is_redis = url.startswith("redis")
    if twin == "sync":
        store = (RedisStore if is_redis else SqlStore).from_url(url)
        made = [TokenManager(one, **keys, store=store, on_event=hook) for one in policies]
        return made[0], made[1]
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    waiting = (AsyncRedisStore if is_redis else AsyncSqlStore).from_url(url)
    both = [
        AsyncTokenManager(one, **keys, store=waiting, on_event=waiting_hook) for one in policies
    ]
    return OnLoop(both[0], loop), OnLoop(both[1], loop)


class Caller:
    """One user after another: logs in, refreshes, and ends the session in some way."""

    def __init__(self, folder: Path, name: str, kind: int, managers: tuple[Any, Any]) -> None:
        self._lenient, self._strict = managers
        self._name, self._kind = name, kind
        self._stop = folder / "stop"
        self._file = (folder / f"{name}.{kind}.told").open("a", buffering=1)

    def run(self) -> None:
        """Go on until all end."""
        _file.set(self._file)
        step = 0
        while not self._stop.exists():
            step += 1
            self._play(f"{self._name}.{self._kind}.{step}", (self._kind + step) % 5)
            time.sleep(PAUSE_S)

    def _play(self, subject: str, how: int) -> None:
        manager = self._strict if how == 0 else self._lenient
        first = self._once("issue", subject, "-", partial(manager.issue, subject))
        if not isinstance(first, TokenPair):
            return
        session, pair = first.session_id, first
        for _ in range(1 if how == 0 else 3):
            refresh = partial(manager.refresh, pair.refresh_token)
            what = "strict_refresh" if how == 0 else "refresh"
            pair = self._repeat(what, subject, session, refresh)
            if not isinstance(pair, TokenPair):
                break
        if how == 0:
            self._repeat("reuse", subject, session, partial(manager.refresh, first.refresh_token))
        elif how == 1:
            log_out = partial(manager.log_out, refresh_token=first.refresh_token)
            for _ in range(2):
                self._repeat("log_out", subject, session, partial(self._race, log_out))
        elif how == 2:
            revoke = partial(manager.revoke_session, session, reason="admin")
            for _ in range(2):
                self._repeat("revoke_session", subject, session, revoke)
        elif how == 3:
            self._once("revoke_token", "-", "-", partial(manager.revoke_token, f"{session}-token"))
        else:
            revoke = partial(manager.revoke_subject, subject, reason="admin")
            self._once("revoke_subject", subject, "-", revoke)

    def _repeat(self, what: str, subject: str, session: str, call: Callable[[], Any]) -> Any:
        """Repeat while the outcome is unknown; `None` after too long, or at the end of all."""
        until = time.monotonic() + LEEWAY_S / 3
        while time.monotonic() < until:
            answer = self._once(what, subject, session, call)
            if not isinstance(answer, StoreUnavailable):
                return answer
            if self._stop.exists():
                break
            time.sleep(PAUSE_S)
        return None

    @staticmethod
    def _once(what: str, subject: str, session: str, call: Callable[[], Any]) -> Any:
        note("begin", what, subject, session)
        try:
            answer = call()
        except GatepassError as error:
            answer = error
        note("end", answer.code if isinstance(answer, GatepassError) else "ok")
        return answer

    @staticmethod
    def _race(call: Callable[[], Any]) -> None:
        """Two callers at once, in this process; without an answer to both it is unknown."""
        failed: list[GatepassError] = []

        def attempt() -> None:
            try:
                call()
            except GatepassError as error:
                failed.append(error)

        other = threading.Thread(target=partial(copy_context().run, attempt))
        other.start()
        attempt()
        other.join()
        if failed:
            raise failed[0]


def main(url: str, folder: str, name: str, twin: str) -> None:
    """Be the process that the arguments describe."""
    managers = open_managers(url, twin)
    callers = [Caller(Path(folder), name, kind, managers) for kind in range(CALLERS)]
    threads = [threading.Thread(target=caller.run) for caller in callers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    managers[0].close()


if __name__ == "__main__":
    main(*sys.argv[1:])
