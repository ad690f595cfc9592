"""Slow and idle transactions: commits come in another order than their numbers, and none is missed.

Two other ways to follow the log are kept as controls: by sequence, which loses entries, and by
an upper bound, which one idle transaction in another database blinds.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

import psycopg
import pytest

from gatepass.revocations import Replica
from gatepass.stores.sql import SqlStore
from tests.budget import PATIENCE_S, require_short
from tests.servers.postgres import empty_database, shared_server
from tests.stores.postgres_backend import DATABASE, empty_url

WRITERS = 8
EACH = 40
SLOWEST_S = 0.12


class History:
    """Which entries were committed, and when."""

    def __init__(self) -> None:
        self.committed: dict[str, float] = {}

    def write(self, url: str, writer: int) -> None:
        """Revoke one token after another, each in a transaction that takes its time."""
        random = Random(writer)
        with psycopg.connect(url, autocommit=True) as connection:
            for step in range(EACH):
                name = f"{writer:02x}.{step}"
                with connection.transaction():
                    connection.execute(
                        "INSERT INTO gatepass_revocations (kind, id, at_ms)"
                        " VALUES ('t', %s, extract(epoch FROM clock_timestamp()) * 1000)",
                        (name,),
                    )
                    time.sleep(random.uniform(0, SLOWEST_S))  # the transaction is slow
                self.committed[name] = time.monotonic()

    def commit_in_reverse(self, url: str, meanwhile: Callable[[], None]) -> None:
        """Two revocations, of which the one with the lower number is committed last."""
        insert = "INSERT INTO gatepass_revocations (kind, id, at_ms) VALUES ('t', %s, 1e13)"
        with psycopg.connect(url) as slow, psycopg.connect(url, autocommit=True) as fast:
            slow.execute(insert, ("00slow",))
            fast.execute(insert, ("00fast",))
            meanwhile()
            slow.commit()
        self.committed |= dict.fromkeys(("00slow", "00fast"), time.monotonic())


class Poller:
    """Follows the log in some other way, every few milliseconds."""

    def __init__(self, url: str, statement: str, begin: int) -> None:
        self.seen: set[str] = set()
        self._connection = psycopg.connect(url, autocommit=True)
        self._statement = statement
        self._cursor = begin

    def look(self) -> None:
        rows = self._connection.execute(self._statement, {"cursor": self._cursor}).fetchall()
        for cursor, name in rows:
            self._cursor = max(self._cursor, cursor)
            if name is not None:
                self.seen.add(name)

    def close(self) -> None:
        self._connection.close()


BY_SEQUENCE = "SELECT seq, id FROM gatepass_revocations WHERE seq > %(cursor)s ORDER BY seq"
BELOW_A_BOUND = """
SELECT pg_snapshot_xmin(s)::text::bigint, r.id
FROM (SELECT pg_current_snapshot() AS s) c LEFT JOIN gatepass_revocations r
  ON r.xid >= %(cursor)s::text::xid8 AND r.xid < pg_snapshot_xmin(s)
"""


@pytest.fixture
def url() -> str:
    return empty_url()


@contextmanager
def idle_transaction(database: str) -> Iterator[None]:
    """One that has a number and does nothing any more."""
    with shared_server().connect(database) as connection:
        connection.execute("BEGIN")
        connection.execute("SELECT pg_current_xact_id()")
        yield
        connection.execute("ROLLBACK")


@contextmanager
def threads(*works: Callable[[], object]) -> Iterator[list[threading.Thread]]:
    started = [threading.Thread(target=work) for work in works]
    for thread in started:
        thread.start()
    yield started
    for thread in started:
        thread.join(60)
        assert not thread.is_alive()


def note_seen(replica: Replica, history: History, seen: dict[str, float]) -> None:
    """Note when each committed entry is held for the first time."""
    for name in set(history.committed) - seen.keys():
        if replica._denylist.is_held(None, name):
            seen[name] = time.monotonic()


def test_slow_and_idle_transactions_hide_no_revocation(url: str) -> None:
    empty_database("another")
    history, seen = History(), dict[str, float]()
    pollers = [Poller(url, BY_SEQUENCE, 0), Poller(url, BELOW_A_BOUND, 3)]
    with idle_transaction("another"), Replica.from_url(url) as replica:
        replica.start()
        works = [lambda writer=writer: history.write(url, writer) for writer in range(WRITERS)]
        pollers[0].look()
        history.commit_in_reverse(url, pollers[0].look)
        with threads(*works) as writers:
            while any(writer.is_alive() for writer in writers):
                for poller in pollers:
                    poller.look()
                note_seen(replica, history, seen)
                time.sleep(0.002)
        until = time.monotonic() + PATIENCE_S
        while len(seen) < WRITERS * EACH + 2:
            assert time.monotonic() < until, f"{WRITERS * EACH + 2 - len(seen)} were missed"
            note_seen(replica, history, seen)
            time.sleep(0.002)
        for poller in pollers:
            poller.look()
        by_sequence, below_a_bound = (len(poller.seen) for poller in pollers)
        latest = max(seen[name] - committed for name, committed in history.committed.items())

        assert len(history.committed) == WRITERS * EACH + 2
        require_short(latest, 2)
        assert replica.status().losses == 0
        assert by_sequence < WRITERS * EACH + 2, "the control by sequence should have missed some"
        assert below_a_bound == 0, "the control below a bound should have been blind"
    for poller in pollers:
        poller.close()


def test_an_idle_transaction_in_the_same_database_does_not_make_reads_longer(url: str) -> None:
    """Each pass takes only what the last one did not see, however old the oldest transaction."""
    store = SqlStore.from_url(url)
    with idle_transaction(DATABASE), Replica.from_url(url) as replica:
        for number in range(300):
            store.revoke_token(f"00{number}")
        until = time.monotonic() + PATIENCE_S
        while not (replica.fresh() and replica.status().entries == 300):
            assert time.monotonic() < until
            time.sleep(0.01)
        merged: list[int] = []
        merge = replica._denylist.merge

        def count(entries: Any, **how: Any) -> None:
            merged.append(len(entries))
            merge(entries, **how)

        replica._denylist.merge = count  # type: ignore[method-assign]
        store.revoke_token("00last")
        while not replica._denylist.is_held(None, "00last"):
            assert time.monotonic() < until
            time.sleep(0.01)

        assert sum(merged) == 1
    store.close()
