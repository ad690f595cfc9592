"""`/readyz` tries what requests need: a server that reads and cannot write is not ready."""

import asyncio
import json
import os
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from gatepass.jose import KeySet, KeySource, SigningKey
from gatepass.keyfile import FileKeySource, KeyFile
from gatepass.manager import AsyncTokenManager
from gatepass.passwords import Passwords
from gatepass.revocations.staleness import WhenStale
from gatepass.server.app import Parts, make_parts
from gatepass.server.readiness import Readiness
from gatepass.server.staleness import Staleness
from gatepass.server.state import find_state
from tests.budget import PATIENCE_S
from tests.server.world import World
from tests.servers.postgres import PostgresServer
from tests.servers.redis_server import Server
from tests.stores.postgres_backend import EMPTY, fragile_server, make_tables

pytestmark = pytest.mark.anyio

SUBJECT = "gatepass readiness"


@dataclass
class Watch:
    """The readiness of a server, and the seconds that its clock shows."""

    parts: Parts
    now: float = 0.0
    readiness: Readiness = field(init=False)

    def __post_init__(self) -> None:
        parts = self.parts
        self.readiness = Readiness(parts.accounts, parts.manager, parts.replica, lambda: self.now)

    async def look(self, later: float = 5.0) -> tuple[int, dict[str, Any]]:
        """The answer so many seconds later."""
        self.now += later
        answer = await self.readiness.answer()
        return answer.status, json.loads(answer.body)

    async def until_ready(self) -> None:
        """Wait for the copy of the log, which is read in the background."""
        deadline = time.monotonic() + PATIENCE_S
        while (found := await self.look())[0] != 200:
            assert time.monotonic() < deadline, found
            await asyncio.sleep(0.01)


@asynccontextmanager
async def watching(parts: Parts) -> AsyncIterator[Watch]:
    await parts.replica.start()
    watch = Watch(parts)
    await watch.until_ready()
    yield watch
    await asyncio.to_thread(parts.pool.close)
    await parts.replica.close()
    await parts.manager.close()
    await asyncio.to_thread(parts.accounts.close)


def parts_at(here: Path, *, when_stale: WhenStale = WhenStale.ASK, **environ: str) -> Parts:
    state = find_state(environ, here, create=True)
    return make_parts(state, Passwords(), staleness=Staleness(when_stale=when_stale))


async def require_down(watch: Watch, words: str, *, status: int = 503) -> dict[str, Any]:
    """The sessions cannot be written; for how long is told, and nothing else is down."""
    found, told = await watch.look()
    assert found == status, told
    assert words in told["sessions"]["why_down"]
    assert told["accounts"] == told["keys"] == {"down_for": None, "why_down": None}
    first = told["sessions"]["down_for"]
    _, told = await watch.look(later=3.5)
    assert told["sessions"]["down_for"] == pytest.approx(first + 3.5)
    return told


async def test_a_postgresql_that_takes_no_writes_is_not_ready(here: Path) -> None:
    server = fragile_server()
    server.run(EMPTY)
    make_tables(server.url)
    async with watching(parts_at(here, DATABASE_URL=server.url)) as watch:
        with read_only(server):
            await require_down(watch, "read-only")
        await watch.until_ready()


@contextmanager
def read_only(server: PostgresServer) -> Iterator[None]:
    """New sessions are read-only, and those that are open end."""
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name='gatepass'"
    server.run("ALTER DATABASE postgres SET default_transaction_read_only = on")
    server.run(end)
    try:
        yield
    finally:
        server.run("ALTER DATABASE postgres RESET default_transaction_read_only")
        server.run(end)


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Server]:
    server = Server("redis 8", tmp_path / "redis", ("--appendonly", "yes")).start()
    yield server
    server.stop()


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [("maxmemory", "1000", "maxmemory"), ("min-replicas-to-write", "1", "min-replicas-to-write")],
)
async def test_a_redis_that_takes_no_writes_is_not_ready(
    here: Path, redis: Server, setting: str, value: str, words: str
) -> None:
    async with watching(parts_at(here, REDIS_URL=redis.url)) as watch:
        redis.client().config_set(setting, value)
        await require_down(watch, words)
        redis.client().config_set(setting, "0")

        await watch.until_ready()


async def test_a_server_that_fails_open_stays_ready_without_its_redis(
    here: Path, redis: Server
) -> None:
    fails_open = WhenStale.ACCEPT_TOKENS_THAT_MAY_BE_REVOKED
    async with watching(parts_at(here, when_stale=fails_open, REDIS_URL=redis.url)) as watch:
        redis.client().config_set("maxmemory", "1000")
        await require_down(watch, "maxmemory", status=200)
        redis.stop()
        told = await require_down(watch, "nothing listens", status=200)

    assert told["status"] == "ready, but tokens that may be revoked are accepted"


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False).returncode != 0:
        pytest.skip("a small disk can be mounted by root alone")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


async def test_a_sqlite_file_on_a_full_disk_is_not_ready(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "2m") as disk:
        async with watching(parts_at(disk)) as watch:
            filler = disk / "filler"
            with filler.open("wb", buffering=0) as file:
                try:
                    while file.write(b"x" * 4096):
                        pass
                except OSError:
                    pass
            await require_down(watch, "the disk of the database is full")
            filler.unlink()

            assert (await watch.look())[0] == 200


async def test_keys_that_cannot_be_read_are_named_without_their_path(
    made: World, tmp_path: Path
) -> None:
    file, clock = tmp_path / "keys.json", [0.0]
    KeyFile(file).change(
        lambda ring: ring.generate(SigningKey.generate("ES256"), lifetime_s=900, now=0)
    )
    settings = made.state.settings
    manager = AsyncTokenManager(
        settings.policy,
        access_keys=FileKeySource(file, now=lambda: clock[0]),
        refresh_keys=settings.refresh_keys,
        store=made.parts.manager.store,
        revocations=made.parts.replica,
    )
    async with watching(replace(made.parts, manager=manager)) as watch:
        file.unlink()
        file.mkdir()
        clock[0] += 30
        assert (await watch.look())[0] == 200
        clock[0] += 61
        status, told = await watch.look()

    assert status == 503
    assert told["keys"] == {
        "down_for": 0,
        "why_down": "the key file could not be read for a minute",
    }
    assert told["sessions"]["down_for"] is None


async def test_any_number_of_callers_make_one_write_in_five_seconds(made: World) -> None:
    async with watching(made.parts) as watch:
        epoch_of: Callable[[str], Any] = made.parts.manager.subject_epoch
        before = await epoch_of(SUBJECT)
        watch.now += 5
        await asyncio.gather(*(watch.look(later=0) for _ in range(40)))
        await watch.look(later=4.9)

        assert await epoch_of(SUBJECT) == before + 1
        await watch.look(later=0.1)
        assert await epoch_of(SUBJECT) == before + 2


async def test_strangers_are_not_told_how_many_revocations_there_are(made: World) -> None:
    async with watching(made.parts) as watch:
        await made.parts.manager.revoke_token("a token")
        _, told = await watch.look()

    assert "entries" not in told["revocations"]


@dataclass
class Keys:
    """A source of keys that can have a fault."""

    source: KeySource
    is_sound: bool = True

    @property
    def version(self) -> int:
        return self.source.version

    def current(self) -> KeySet:
        if not self.is_sound:
            raise ZeroDivisionError("of its own")
        return self.source.current()


async def test_a_fault_of_a_part_is_logged_once_and_that_part_is_down(made: World) -> None:
    settings = made.state.settings
    keys = Keys(settings.access_keys)
    manager = AsyncTokenManager(
        settings.policy,
        access_keys=keys,
        refresh_keys=settings.refresh_keys,
        store=made.parts.manager.store,
        revocations=made.parts.replica,
    )
    async with watching(replace(made.parts, manager=manager)) as watch:
        keys.is_sound = False
        with capture_logs() as logged:
            found = [await watch.look() for _ in range(3)]
        keys.is_sound = True
        assert (await watch.look())[0] == 200

    [line] = logged
    assert (line["log_level"], line["part"], line["exc_info"]) == ("error", "keys", True)
    assert [status for status, _ in found] == [503] * 3
    assert [told["keys"]["down_for"] for _, told in found] == [0, 5, 10]
    assert {told["keys"]["why_down"] for _, told in found} == {"a fault: the log has the cause"}
    assert all(told["sessions"]["down_for"] is None for _, told in found)
