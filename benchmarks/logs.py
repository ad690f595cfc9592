"""Revocation logs with as many entries as a benchmark wants, on every kind of database."""

import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import time
from typing import Any, Final

import psycopg
import redis

from gatepass.stores.redis import AsyncRedisStore, RedisStore
from gatepass.stores.redis.layout import Keys
from gatepass.stores.redis.work import PREFIX
from gatepass.stores.sql import AsyncSqlStore, SqlStore
from tests.servers.postgres import empty_database
from tests.servers.redis_sets import running

Fill = Callable[[int], None]
"""Puts so many further entries into the log, as if they had all been revoked just now."""

_LIFE_MS: Final = 900_000
_PARTITIONS: Final = range(16)
_ADD_TO_STREAM: Final = """
local at = redis.call('HGET', KEYS[1], 'at')
local digits = string.format('%02x', tonumber(ARGV[1]))
for number = 1, tonumber(ARGV[2]) do
  local id = digits .. string.sub(redis.sha1hex(digits .. ARGV[3] .. number), 1, 32)
  redis.call('XADD', KEYS[2], at .. '-*', ARGV[4], id)
end
"""
_ADD_ROWS: Final = """
INSERT INTO gatepass_revocations (kind, id, at_ms)
SELECT CASE WHEN n % 4 = 0 THEN 't' ELSE 's' END,
  lpad(to_hex(n % 256), 2, '0') || md5(n::text), extract(epoch FROM now()) * 1000
FROM generate_series({first}, {last}) n
"""


def open_store(url: str) -> Any:
    """A blocking store."""
    return RedisStore.from_url(url) if url.startswith("redis") else SqlStore.from_url(url)


def open_async_store(url: str) -> Any:
    """`open_store` for `await`."""
    if url.startswith("redis"):
        return AsyncRedisStore.from_url(url)
    return AsyncSqlStore.from_url(url)


@contextmanager
def sqlite_log() -> Iterator[tuple[str, Fill]]:
    """A new file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.db"
        store = SqlStore.from_url(f"sqlite:///{path}")
        store.upgrade()

        def fill(entries: int) -> None:
            at_ms = int(time() * 1000)
            rows = ((_kind(n), f"{n % 256:02x}{n:032x}", at_ms) for n in range(entries))
            connection = sqlite3.connect(path)
            with connection:
                connection.executemany(
                    "INSERT INTO gatepass_revocations (kind, id, at_ms) VALUES (?, ?, ?)", rows
                )
            connection.close()

        yield str(store.engine.url), fill
        store.close()


@contextmanager
def postgres_log() -> Iterator[tuple[str, Fill]]:
    """An empty database of the shared server."""
    url = empty_database("bench")
    store = SqlStore.from_url(url)
    store.upgrade()
    store.revoke_token("00first", lifetime_ms=_LIFE_MS)
    store.close()
    filled = 0

    def fill(entries: int) -> None:
        nonlocal filled
        with psycopg.connect(url, autocommit=True) as connection:
            text = _ADD_ROWS.format(first=filled + 1, last=filled + entries)
            connection.execute(text.encode())
        filled += entries

    yield url, fill


@contextmanager
def redis_log(kind: str) -> Iterator[tuple[str, Fill]]:
    """A flushed server of this kind, whose disk has what was acknowledged."""
    servers = running(kind)
    servers.flush()
    store = RedisStore.from_url(servers.url)
    for partition in _PARTITIONS:
        store.revoke_token(f"{partition:02x}first", lifetime_ms=_LIFE_MS)
    store.close()
    keys = Keys(PREFIX)
    filled = 0

    def fill(entries: int) -> None:
        nonlocal filled
        with redis.Redis.from_url(servers.url) as client:
            for partition in _PARTITIONS:
                base = keys.bases[partition]
                client.eval(
                    *(_ADD_TO_STREAM, 2, f"{base}meta", f"{base}log"),
                    *(str(partition), str(entries // 16), str(filled), _kind(partition)),
                )
        filled += entries

    yield servers.url, fill
    servers.flush()


def _kind(number: int) -> str:
    """Three sessions for each token: most of what is revoked are log-outs."""
    return "st"[number % 4 == 0]


LOGS: Final[dict[str, Callable[[], Any]]] = {
    "SQLite": sqlite_log,
    "PostgreSQL": postgres_log,
    "Redis": lambda: redis_log("redis 8"),
    "Valkey": lambda: redis_log("valkey"),
}
