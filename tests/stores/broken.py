"""Ways to break a SQLite file, and what every operation of a store then has to do."""

import asyncio
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gatepass.errors import StoreUnavailable
from gatepass.revocations.sqlite import AsyncSqliteReplica, SqliteReplica
from gatepass.stores.sql import AsyncSqlStore, SqlStore
from tests.budget import PATIENCE_S, require_short
from tests.stores.plans import log_in, present
from tests.stores.twins import Runner

LIMIT_S = 2.5

READS: dict[str, Callable[[Any], Any]] = {
    "is_revoked": lambda store: store.is_revoked("live", "token"),
    "is_revoked, once more": lambda store: store.is_revoked("revoked", None),
    "sessions": lambda store: store.sessions("ada"),
    "subject_epoch": lambda store: store.subject_epoch("ada"),
}
WRITES: dict[str, Callable[[Any], Any]] = {
    "issue": lambda store: store.issue(log_in()),
    "issue with an epoch": lambda store: store.issue(log_in(epoch=0)),
    "rotate": lambda store: store.rotate(present("live")),
    "rotate with longer tokens": lambda store: store.rotate(present("live", access_life=10**9)),
    "rotate what was reused": lambda store: store.rotate(present("rotated", leeway=0)),
    "revoke_session": lambda store: store.revoke_session("live", reason="log-out"),
    "revoke_token": lambda store: store.revoke_token("token"),
    "revoke_subject": lambda store: store.revoke_subject("ada", reason="log-out"),
    "revoke_all": lambda store: store.revoke_all(reason="log-out"),
    "purge": lambda store: store.purge(),
}


def fill(url: str) -> None:
    """Make a file with a live, a rotated and a revoked session in it."""
    store = SqlStore.from_url(url)
    for name in ("live", "rotated", "revoked"):
        store.issue(log_in(session_id=name))
    store.rotate(present("rotated"))
    store.revoke_session("revoked", reason="log-out")
    store.close()


def outcomes(
    store: SqlStore | AsyncSqlStore, runner: Runner, operations: dict[str, Callable[[Any], Any]]
) -> dict[str, object]:
    """What each of the operations, all begun at once, came to; none may take long."""

    async def awaited(operation: Callable[[Any], Any]) -> object:
        try:
            return await asyncio.wait_for(operation(store), PATIENCE_S)
        except StoreUnavailable as error:
            return type(error)

    def called(operation: Callable[[Any], Any]) -> object:
        try:
            return operation(store)
        except StoreUnavailable as error:
            return type(error)

    async def gathered() -> list[object]:
        return await asyncio.gather(*map(awaited, operations.values()))

    began = time.monotonic()
    if isinstance(store, AsyncSqlStore):
        answers = runner.run(gathered())
    else:
        with ThreadPoolExecutor(len(operations)) as threads:
            answers = list(threads.map(called, operations.values()))
    require_short(time.monotonic() - began, LIMIT_S)
    return dict(zip(operations, answers, strict=True))


def replica_answer(
    replica: SqliteReplica | AsyncSqliteReplica, runner: Runner, session_id: str
) -> object:
    """What a replica says of a session; an answer or `StoreUnavailable`, soon."""
    began = time.monotonic()
    try:
        if isinstance(replica, SqliteReplica):
            return replica.is_revoked(session_id, None)
        return runner.run(replica.is_revoked(session_id, None))
    except StoreUnavailable as error:
        return type(error)
    finally:
        require_short(time.monotonic() - began, LIMIT_S)


def every(operations: dict[str, Callable[[Any], Any]]) -> dict[str, object]:
    """All of them unavailable."""
    return dict.fromkeys(operations, StoreUnavailable)


@contextmanager
def locked(path: Path, *, entirely: bool = False) -> Iterator[None]:
    """Another connection holds the write lock, or all locks there are."""
    other = sqlite3.connect(path, isolation_level=None)
    if entirely:
        other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
    else:
        other.execute("BEGIN IMMEDIATE")
    yield
    other.execute("ROLLBACK")
    other.close()


def delete(path: Path) -> None:
    path.unlink()


def delete_with_companions(path: Path) -> None:
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        path.with_name(name).unlink(missing_ok=True)


def delete_log(path: Path) -> None:
    path.with_name(f"{path.name}-wal").unlink()
    path.with_name(f"{path.name}-shm").unlink()


def replace_by_copy(path: Path) -> None:
    copy = path.with_name("copy")
    shutil.copy(path, copy)
    copy.replace(path)


def replace_by_empty(path: Path) -> None:
    delete_with_companions(path)
    path.touch()


def replace_by_folder(path: Path) -> None:
    delete_with_companions(path)
    path.mkdir()


def spoil_header(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"not a database, " * 6)


def spoil_pages(path: Path) -> None:
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (size - 4096))


def cut_short(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 4096 // 2 * 4096)


def fill_with_text(path: Path) -> None:
    path.write_text("this is somebody's shopping list\n" * 500)
