"""An exception out of a signal handler, anywhere in an operation: the store is not spoiled."""

import gc
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from gatepass.sessions import Store
from gatepass.stores.places import Places
from gatepass.stores.redis import RedisStore
from gatepass.stores.sql import SqlStore
from tests.servers.postgres import shared_server
from tests.servers.redis_server import eventually
from tests.servers.redis_sets import running
from tests.stores.interruptions import Interrupter, Storm
from tests.stores.plans import sid
from tests.stores.postgres_backend import DATABASE, empty_url

MOST = 20_000
SOON_S = 10
EPOCH = 3
KINDS = ("postgres", "redis 8", "sqlite")

pytestmark = [
    pytest.mark.faults,
    # redis-py and psycopg complain about what an exception took from them; that is closed
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@dataclass
class Backend:
    """Where the sessions are, and what can be seen of a store from there."""

    kind: str
    path: Path

    @property
    def url(self) -> str:
        if self.kind == "postgres":
            return empty_url()
        if self.kind == "sqlite":
            return f"sqlite:///{self.path}"
        running(self.kind).flush()
        return running(self.kind).url

    @property
    def most(self) -> int:
        """Connections of a store that two threads use; on SQLite writers have one of their own."""
        return 4 if self.kind == "sqlite" else 3

    def make(self, url: str) -> Any:
        return RedisStore.from_url(url) if "redis" in self.kind else SqlStore.from_url(url)

    def connections(self) -> int:
        """How many connections there are."""
        gc.collect()
        if self.kind == "postgres":
            found = shared_server().run(
                f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{DATABASE}'"  # noqa: S608
            )
            return int(found[0][0])
        if self.kind == "sqlite":
            # of the database itself SQLite keeps what it closed while another one has a lock
            return sum(name.startswith(f"{self.path}-wal") for name in _open_files())
        return len(running(self.kind).servers[0].client().client_list(_type="normal"))

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Answer `is_revoked` only after this."""
        if self.kind == "postgres":
            with psycopg.connect(shared_server().url_of(DATABASE)) as holder:
                holder.execute("LOCK TABLE gatepass_revocations IN ACCESS EXCLUSIVE MODE")
                yield
        else:
            server = running(self.kind).servers[0]
            server.freeze()
            try:
                yield
            finally:
                server.thaw()


def _open_files() -> Iterator[str]:
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 (one that lists itself is gone)
        with suppress(OSError):
            yield os.readlink(f"/proc/self/fd/{name}")  # noqa: PTH115 (as above)


@pytest.fixture(params=KINDS)
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Backend:
    return Backend(request.param, tmp_path / "gate.db")


def places_of(store: Any) -> Places[Any]:
    if isinstance(store, RedisStore):
        return store._run._pool.places
    try:
        return store.sqlite.database._writing  # type: ignore[no-any-return]
    except Exception:  # noqa: BLE001 (it is on PostgreSQL)
        return store.postgres._pool._places  # type: ignore[no-any-return]


def in_time(work: Callable[[], Any]) -> Any:
    """What comes of work in another thread, which may hang."""
    answer: Future[Any] = Future()

    def do() -> None:
        try:
            answer.set_result(work())
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            answer.set_exception(error)

    threading.Thread(target=do, daemon=True).start()
    return answer.result(SOON_S)


def require_sound(store: Store) -> None:
    """It has the answer that no other question has, and all places are free."""
    assert in_time(lambda: store.subject_epoch("eve")) == EPOCH

    def is_free() -> bool:
        places_of(store).tidy()
        return len(places_of(store)) == 0

    eventually(is_free, "all places are free, also of those whose connection came late", SOON_S)


def seen(store: Any) -> None:
    for _ in range(EPOCH):
        store.revoke_subject("eve", reason="log-out")
    assert store.subject_epoch("eve") == EPOCH


@pytest.mark.parametrize("kind", ["opcode", "call"])
@pytest.mark.parametrize("operation", ["is_revoked", "revoke_token"])
def test_an_operation_interrupted_at_any_step(backend: Backend, kind: str, operation: str) -> None:
    before, url = backend.connections(), backend.url
    store = backend.make(url)
    seen(store)
    arguments = (sid("never"), None) if operation == "is_revoked" else ("0token",)

    for place in range(1, MOST):
        interrupter = Interrupter(kind, place)
        with interrupter.at_work():
            getattr(store, operation)(*arguments)
        require_sound(store)
        assert place % 100 or backend.connections() - before <= backend.most
        if not interrupter.has_raised:
            break

    store.revoke_token("0after")
    assert store.is_revoked(None, "0after")
    store.close()
    eventually(lambda: backend.connections() == before, "every connection is closed")
    assert 20 < place < MOST - 1


def test_a_first_use_interrupted_at_any_step(backend: Backend) -> None:
    before, url = backend.connections(), backend.url
    store = backend.make(url)
    seen(store)
    store.close()

    for place in range(1, MOST):
        store = backend.make(url)
        interrupter = Interrupter("call", place)
        with interrupter.at_work():
            store.is_revoked(sid("never"), None)
        require_sound(store)
        store.close()
        if not interrupter.has_raised:
            break

    eventually(lambda: backend.connections() == before, "every connection is closed")
    assert 20 < place < MOST - 1


def test_a_storm_of_time_limits(backend: Backend) -> None:
    before, url = backend.connections(), backend.url
    store = backend.make(url)
    seen(store)
    storm = Storm(1, 0.00002, 0.0012)
    stop, wrong = threading.Event(), []

    def ask() -> None:
        while not stop.is_set():
            wrong.extend([1] * (store.subject_epoch("eve") != EPOCH))

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    until = time.monotonic() + 4
    while time.monotonic() < until:
        storm.strike(lambda: store.is_revoked(sid("never"), None))
        storm.strike(lambda: store.revoke_token("0token"))
    stop.set()
    for thread in threads:
        thread.join(SOON_S)

    assert storm.hits > 50
    assert not wrong
    assert not any(thread.is_alive() for thread in threads)
    require_sound(store)
    store.close()
    eventually(lambda: backend.connections() == before, "every connection is closed")


@pytest.mark.parametrize("backend", ["postgres", "redis 8"], indirect=True)
def test_the_late_answer_to_an_interrupted_question_answers_no_other(backend: Backend) -> None:
    store = backend.make(backend.url)
    seen(store)
    idle = backend.connections()
    storm = Storm(1, 0.3, 0.3, anywhere=True)

    with backend.silent():
        storm.strike(lambda: store.is_revoked(sid("never"), None))

    assert storm.hits == 1
    eventually(lambda: backend.connections() < idle, "the connection is closed")
    require_sound(store)
    assert store.subject_epoch("nobody") == 0
    store.close()
