"""Log-ins that meet a revocation whose transaction has not ended: they wait for it, and lose."""

import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from gatepass.stores.sql import SqlStore
from tests.budget import PATIENCE_S
from tests.servers.postgres import shared_server
from tests.stores.plans import log_in
from tests.stores.postgres_backend import DATABASE, empty_url

_WAITING = (
    "SELECT 1 FROM pg_stat_activity"  # noqa: S608
    f" WHERE datname = '{DATABASE}' AND wait_event_type = 'Lock'"
)


@pytest.mark.parametrize(
    "revoke",
    [
        "SELECT gatepass_revoke_subject('ada', NULL, 'theft', NULL, false)",
        "SELECT gatepass_revoke_all('', 1000, 'theft', NULL)",
    ],
)
def test_a_log_in_that_began_before_a_revocation_waits_for_its_end(revoke: str) -> None:
    store = SqlStore.from_url(empty_url())
    assert store.subject_epoch("ada") == 0

    with ThreadPoolExecutor(1) as threads:
        with psycopg.connect(empty_url()) as other:
            other.execute(revoke.encode())
            running = threads.submit(store.issue, log_in(epoch=0))
            until = time.monotonic() + PATIENCE_S
            while not running.done() and not shared_server().run(_WAITING):
                assert time.monotonic() < until
            assert not running.done()
        assert running.result() is None

    assert store.sessions("ada") == []
    store.close()
