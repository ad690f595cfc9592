"""Programs that only verify, each a process of its own: right, soon gone, and nothing left open."""

import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from gatepass import TokenManager, TokenPolicy
from gatepass.jose import SharedKey
from gatepass.revocations import Replica
from gatepass.revocations.staleness import WhenStale
from gatepass.stores.sql import SqlStore
from tests.budget import require_short
from tests.revocations.worlds import BACKENDS, empty_backend, open_store
from tests.servers.postgres import shared_server

pytestmark = pytest.mark.programs

ROOT = Path(__file__).parents[2]
NAMES: dict[str, Any] = {"issuer": "us", "audience": "them"}
HEAD = """
import asyncio, sys, threading, time
from gatepass import AsyncTokenVerifier, TokenVerifier
from gatepass.errors import TokenRevoked
from gatepass.jose import SharedKey
from gatepass.revocations import replica_of
from gatepass.stores.redis import AsyncRedisStore, RedisStore
from gatepass.stores.sql import AsyncSqlStore, SqlStore

url, key, *tokens = sys.argv[1:]
kinds = (RedisStore, AsyncRedisStore) if url.startswith("redis") else (SqlStore, AsyncSqlStore)
how = {"issuer": "us", "audience": "them"}
key = SharedKey.from_bytes(bytes.fromhex(key))

def say(*verdicts):
    ours = [thread.name for thread in threading.enumerate() if "gatepass" in thread.name]
    print(*verdicts, len(ours) if CLOSES else "-", time.monotonic(), flush=True)
"""
SYNC = """
store = kinds[0].from_url(url)
replica = replica_of(store)
verifier = TokenVerifier(key, **how, revocations=replica)

def verdict(token):
    try:
        return verifier.verify(token).subject
    except TokenRevoked:
        return "revoked"

verdicts = [verdict(token) for token in tokens]
if CLOSES:
    while not replica.fresh():
        time.sleep(0.01)
    verdicts += [verdict(token) for token in tokens]
    replica.close()
    store.close()
say(*verdicts)
"""
ASYNC = """
async def main():
    store = kinds[1].from_url(url)
    replica = replica_of(store)
    verifier = AsyncTokenVerifier(key, **how, revocations=replica)

    async def verdict(token):
        try:
            return (await verifier.verify(token)).subject
        except TokenRevoked:
            return "revoked"

    verdicts = [await verdict(token) for token in tokens]
    if CLOSES:
        while not await replica.fresh():
            await asyncio.sleep(0.01)
        verdicts += [await verdict(token) for token in tokens]
        await replica.close()
        await store.close()
    return verdicts

say(*asyncio.run(main()))
"""


@pytest.fixture(params=["sqlite", *BACKENDS])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'gate.db'}"
    return empty_backend(str(request.param))


@pytest.fixture
def arguments(url: str) -> Iterator[list[str]]:
    """The database, the key, a token that lives and one that was revoked."""
    raw = secrets.token_bytes(32)
    store = SqlStore.from_url(url) if url.startswith("sqlite") else open_store(url)
    policy = TokenPolicy(**NAMES)
    key, refresh_key = SharedKey.from_bytes(raw), SharedKey.generate()
    manager = TokenManager(policy, access_keys=key, refresh_keys=refresh_key, store=store)
    lives, revoked = manager.issue("ada"), manager.issue("ada")
    manager.revoke_session(revoked.session_id)
    yield [url, raw.hex(), lives.access_token, revoked.access_token]
    store.close()


@pytest.mark.parametrize("closes", [True, False], ids=["closed in order", "simply ended"])
@pytest.mark.parametrize("program", [SYNC, ASYNC], ids=["sync", "async"])
def test_a_program_that_verifies_once_and_exits(
    arguments: list[str], program: str, *, closes: bool
) -> None:
    """What was closed in order leaves no warning; what was not ends as soon."""
    warnings = [] if closes else ["-W", "ignore::ResourceWarning"]
    source = f"CLOSES = {closes}{HEAD}{program}"
    done = subprocess.run(
        [sys.executable, "-W", "error", *warnings, "-c", source, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    gone = time.monotonic()

    assert (done.returncode, done.stderr) == (0, "")
    *verdicts, threads, ended = done.stdout.split()
    assert verdicts == ["ada", "revoked"] * (2 if closes else 1)
    assert threads == ("0" if closes else "-")
    require_short(gone - float(ended), 3)


def test_a_role_that_may_only_read_the_log_is_enough_to_verify() -> None:
    url = empty_backend("postgres")
    database = url.rpartition("/")[2]
    server = shared_server()
    store = open_store(url)
    store.revoke_token("00revoked")
    if not server.run("SELECT 1 FROM pg_roles WHERE rolname = 'follower'"):
        server.run("CREATE ROLE follower LOGIN")
    tables = "gatepass_revocations, gatepass_meta, gatepass_alembic_version"
    server.run("GRANT USAGE ON SCHEMA public TO follower", database=database)
    server.run(f"GRANT SELECT ON {tables} TO follower", database=database)
    with (
        psycopg.connect(server.url_of(database, role="follower")) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("SELECT * FROM gatepass_accounts")

    follower_url = server.url_of(database, role="follower")
    with Replica.from_url(follower_url, when_stale=WhenStale.DENY) as replica:
        assert replica.is_revoked(None, "00revoked")
        assert not replica.is_revoked(None, "00other")
        assert replica.fresh()
    store.close()
