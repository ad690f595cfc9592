"""Attempts on PostgreSQL that meet in a bucket: they wait for each other, and never in a circle."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice, permutations

import psycopg
import pytest

from gatepass.sessions import Bucket
from gatepass.stores.sql import SqlStore
from tests.budget import PATIENCE_S
from tests.servers.postgres import shared_server
from tests.stores import crowd
from tests.stores.crowd import CALLERS, call
from tests.stores.plans import DAY
from tests.stores.postgres_backend import DATABASE, empty_url

_WAITING = (
    "SELECT 1 FROM pg_stat_activity"  # noqa: S608
    f" WHERE datname = '{DATABASE}' AND wait_event_type = 'Lock'"
)


@pytest.fixture
def store() -> Iterator[SqlStore]:
    store = SqlStore.from_url(empty_url())
    assert store.subject_epoch("ada") == 0
    yield store
    store.close()


def bucket(name: str, limit: int) -> Bucket:
    return Bucket(key=name.encode().ljust(16), limit=limit, window_ms=DAY)


@pytest.mark.parametrize("is_undone", [False, True])
def test_an_attempt_waits_for_one_that_was_not_committed_yet(
    store: SqlStore, *, is_undone: bool
) -> None:
    only = bucket("only", 1)
    listed = json.dumps([[only.key.hex(), only.limit, only.window_ms, only.cost]])

    with ThreadPoolExecutor(1) as threads:
        with psycopg.connect(shared_server().url_of(DATABASE)) as other:
            other.execute("SELECT gatepass_take(%s::json, NULL)", (listed,))
            running = threads.submit(store.take, [only])
            until = time.monotonic() + PATIENCE_S
            while not running.done() and not shared_server().run(_WAITING):
                assert time.monotonic() < until
            assert not running.done()
            if is_undone:
                other.rollback()
        assert (running.result() == 0) == is_undone


def test_attempts_that_name_their_buckets_in_any_order_never_deadlock(store: SqlStore) -> None:
    before = shared_server().log.stat().st_size
    orders = cycle(permutations([bucket(name, 1_000_000) for name in "abcd"]))

    with crowd.threads(store) as everybody:
        for _ in range(20):
            attempts = [call("take", order) for order in islice(orders, CALLERS)]
            assert everybody.all_at_once(attempts) == [0] * CALLERS
            everybody.all_at_once([call("give_back", *one.arguments) for one in attempts])

    assert b"deadlock" not in shared_server().log.read_bytes()[before:]
