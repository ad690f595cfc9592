"""An exception out of a signal handler during an operation: the store goes on."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import psycopg
import pytest

from gatepass.stores.redis import RedisStore
from gatepass.stores.sql import SqlStore
from gatepass.stores.sql.sqlite.connection import SqliteConnection, Write
from tests.servers.postgres import shared_server
from tests.servers.redis_server import eventually
from tests.servers.redis_sets import running
from tests.stores.interruptions import Interrupted, interrupted_when
from tests.stores.plans import sid
from tests.stores.postgres_backend import DATABASE, empty_url

EPOCH = 3

pytestmark = pytest.mark.faults


@contextmanager
def silent(kind: str) -> Iterator[None]:
    """Answer `is_revoked` only after this."""
    if kind == "postgres":
        with psycopg.connect(shared_server().url_of(DATABASE)) as holder:
            holder.execute("LOCK TABLE gatepass_revocations IN ACCESS EXCLUSIVE MODE")
            yield
        return
    server = running(kind).servers[0]
    server.freeze()
    try:
        yield
    finally:
        server.thaw()


@pytest.mark.parametrize("kind", ["postgres", "redis 8"])
def test_the_late_answer_to_an_interrupted_question_answers_no_other(kind: str) -> None:
    if kind == "postgres":
        sql = SqlStore.from_url(empty_url())
        store: Any = sql
        pool: Any = sql._runner
        slots = pool._slots
        idle: Callable[[], list[Any]] = lambda: pool._idle  # noqa: E731
    else:
        running(kind).flush()
        store = RedisStore.from_url(running(kind).url)
        slots = store._runner._pool.slots
        idle = lambda: [*chain(*store._runner._pool.idle.values())]  # noqa: E731
    for _ in range(EPOCH):
        store.revoke_subject("eve", reason="log-out")
    [used] = idle()
    most = slots.free()

    with silent(kind):
        with interrupted_when(lambda: not idle()):
            store.is_revoked(sid("never"), None)
        assert used not in idle()

    assert store.subject_epoch("eve") == EPOCH
    assert store.subject_epoch("nobody") == 0
    eventually(lambda: slots.free() == most, "every slot is free")
    store.close()


def test_an_interrupted_write_to_sqlite_is_rolled_back_and_blocks_nobody(tmp_path: Path) -> None:
    store = SqlStore.from_url(f"sqlite:///{tmp_path / 'gate.db'}")
    store.revoke_subject("eve", reason="log-out")
    database: Any = store._runner

    def change(connection: SqliteConnection) -> None:
        connection.execute("DELETE FROM gatepass_subjects")
        raise Interrupted

    for durable in (True, False):
        with pytest.raises(Interrupted):
            database.write(Write(change, durable))

    assert store.subject_epoch("eve") == 1
    assert store.revoke_subject("eve", reason="log-out") == 0
    assert store.subject_epoch("eve") == 2
    store.close()
