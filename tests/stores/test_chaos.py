"""Writers to SQLite and a PostgreSQL killed in the middle of their work, again and again."""

import os
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from gatepass.errors import StoreUnavailable
from gatepass.stores.sql import SqlStore
from tests.budget import TIMES, require_short
from tests.servers.postgres import PostgresServer
from tests.servers.postgres_binaries import require_binaries
from tests.stores.outcomes import LIMIT_S
from tests.stores.postgres_backend import make_tables
from tests.stores.writers import FORK, KINDS, Said, missing_of, writers

LONG = pytest.mark.chaos


@pytest.mark.parametrize("runs", [2, pytest.param(8 * TIMES, marks=LONG)])
def test_nothing_acknowledged_is_missing_after_kill_9_of_writers(
    url: str, path: Path, tmp_path: Path, runs: int
) -> None:
    random, said = Random(runs), Said()
    for run in range(runs):
        with writers(url, run, tmp_path) as at_work:
            time.sleep(random.uniform(0, 0.3))
        said += at_work.said()

    with closing(SqlStore.from_url(url)) as store:
        assert missing_of(store, said) == []
    assert {what for what, *_ in said} == KINDS
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


@pytest.mark.parametrize(
    ("commits", "kills"),
    [("off", 1), *(pytest.param(how, 4 * TIMES, marks=LONG) for how in ("on", "off"))],
)
def test_nothing_acknowledged_is_missing_and_nobody_is_logged_out_after_kill_9_of_postgres(
    tmp_path: Path, kills: int, commits: str
) -> None:
    """Where the database does not wait for the disk, rotations are lost, and heal."""
    server, random = PostgresServer(require_binaries()), Random(kills)
    try:
        server.start()
        make_tables(server.url)
        server.run(f"ALTER DATABASE postgres SET synchronous_commit = {commits}")
        with writers(server.url, 0, tmp_path) as at_work:
            for _ in range(kills):
                time.sleep(random.uniform(0, 0.8))
                server.kill()
                server.start()
                at_work.until_busy()
            at_work.stop()
            said = at_work.said()
        with closing(SqlStore.from_url(server.url)) as store:
            missing = missing_of(store, said)
    finally:
        server.end()

    assert [lost for lost in missing if lost[0] != "rotated" or commits == "on"] == []
    assert {what for what, *_ in said} == KINDS  # and nobody "logged out"


def hold_the_lock(path: Path, say: int) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    os.write(say, b"x")
    os.kill(os.getpid(), signal.SIGSTOP)


def test_a_lock_holder_that_never_wakes_up_is_an_outage_until_it_is_killed(
    url: str, path: Path
) -> None:
    make_tables(url)
    hear, say = os.pipe()
    holder = FORK.Process(target=hold_the_lock, args=(path, say), daemon=True)
    holder.start()
    os.read(hear, 1)
    with closing(SqlStore.from_url(url)) as store:
        began = time.monotonic()
        with pytest.raises(StoreUnavailable, match="locked"):
            store.revoke_token("token")
        require_short(time.monotonic() - began, LIMIT_S)
        holder.kill()
        holder.join()

        store.revoke_token("token")
        assert store.is_revoked(None, "token")
    os.close(hear)
    os.close(say)
