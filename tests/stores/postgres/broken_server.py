"""Stores on a server that tests break, and what becomes of them afterwards."""

import time

from gatepass.errors import StoreUnavailable
from gatepass.stores.sql import AsyncSqlStore, SqlStore
from tests.stores.broken import READS, WRITES, outcomes
from tests.stores.twins import Runner

StoreTwin = SqlStore | AsyncSqlStore
OPERATIONS = READS | WRITES


def made(twin: str, url: str) -> StoreTwin:
    return SqlStore.from_url(url) if twin == "sync" else AsyncSqlStore.from_url(url)


def closed(store: StoreTwin, runner: Runner) -> None:
    if isinstance(store, AsyncSqlStore):
        runner.run(store.close())
    else:
        store.close()


def heals(store: StoreTwin, runner: Runner, *, within_s: float = 20) -> None:
    """Sooner or later everything is answered again, and what was revoked is revoked."""
    until = time.monotonic() + within_s
    while StoreUnavailable in outcomes(store, runner, OPERATIONS).values():
        assert time.monotonic() < until
    assert outcomes(store, runner, READS)["is_revoked, once more"] is True
