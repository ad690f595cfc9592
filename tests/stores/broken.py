"""Ways to break a SQLite file, and what a replica of it then has to say."""

import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.budget import require_short
from tests.stores.outcomes import LIMIT_S, attempt


def replica_answer(replica: Any, session_id: str) -> object:
    """What a replica says of a session; an answer or `StoreUnavailable`, soon."""
    began = time.monotonic()
    answer = attempt(lambda replica: replica.is_revoked(session_id, None), replica)
    require_short(time.monotonic() - began, LIMIT_S)
    return answer


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
