"""The database is locked, gone or replaced under the running server: 503, and nothing claimed."""

import random
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from gatepass.errors import StoreUnavailable
from gatepass.passwords import Passwords
from gatepass.server.app import make_parts
from gatepass.server.state import find_state
from tests.budget import PATIENCE_S, impatience, require_short
from tests.server.world import PASSWORD, World, outcome

pytestmark = pytest.mark.anyio

Outage = Callable[[Path], AbstractContextManager[None]]
Request = Callable[[World, dict[str, Any]], Awaitable[httpx.Response]]

DOWN = (503, "store_unavailable")
BOUND = 2.5


@contextmanager
def locked(database: Path) -> Iterator[None]:
    """Another process's write transaction that does not end."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield


@contextmanager
def gone(database: Path) -> Iterator[None]:
    """The database's files are elsewhere, and come back."""
    elsewhere = database.parent / "elsewhere"
    elsewhere.mkdir()
    files = list(database.parent.glob(f"{database.name}*"))
    for file in files:
        file.rename(elsewhere / file.name)
    time.sleep(0.02)  # so long a rotation may not have looked
    yield
    for file in files:
        assert not file.exists()
        (elsewhere / file.name).rename(file)


@contextmanager
def replaced(database: Path) -> Iterator[None]:
    """An empty database stands where ours was."""
    with gone(database):
        sqlite3.connect(database).close()
        database.touch()
        yield
        database.unlink()


@contextmanager
def spoiled(database: Path) -> Iterator[None]:
    """Random bytes stand where the file's pages and its log were; the sizes are the same."""
    files = [file for file in (database, Path(f"{database}-wal")) if file.exists()]
    kept = {file: file.read_bytes() for file in files}
    for file, content in kept.items():
        file.write_bytes(random.Random(7).randbytes(len(content)))
    yield
    for file, content in kept.items():
        file.write_bytes(content)


def assert_down(response: httpx.Response) -> None:
    assert outcome(response) == DOWN
    assert int(response.headers["retry-after"]) >= 1


@pytest.mark.parametrize("outage", [locked, gone, replaced])
@pytest.mark.parametrize("request_of", [World.log_out, World.refresh])
async def test_what_could_not_be_written_is_not_claimed(
    world: World, outage: Outage, request_of: Request
) -> None:
    pair = await world.pair()
    with outage(world.database), impatience():
        assert_down(await request_of(world, pair))

    assert (await request_of(world, pair)).status_code == 200


@pytest.mark.parametrize("outage", [locked, gone, replaced])
async def test_nobody_logs_in(world: World, outage: Outage) -> None:
    await world.pair()
    with outage(world.database), impatience():
        assert_down(await world.log_in())

    assert (await world.log_in()).status_code == 200


@pytest.mark.parametrize("outage", [gone, replaced])
@pytest.mark.parametrize("is_revoked", [False, True])
async def test_a_protected_route_lets_nobody_in_unchecked(
    world: World, outage: Outage, *, is_revoked: bool
) -> None:
    """Each check compares the file, and fails when it is gone."""
    pair = await world.pair()
    await world.me(pair)
    if is_revoked:
        await world.log_out(pair)
    held = (401, "token_revoked") if is_revoked else (200, None)
    with outage(world.database):
        since = time.monotonic()
        while (answer := await world.me(pair)).status_code != 503:
            assert (answer.status_code, answer.json().get("code")) == held
            assert time.monotonic() - since < PATIENCE_S
        assert_down(answer)


async def test_a_locked_database_still_tells_who_is_revoked(world: World) -> None:
    pair, other = await world.pair(), await world.pair()
    await world.log_out(other)
    with locked(world.database):
        assert (await world.me(pair)).status_code == 200
        assert outcome(await world.me(other)) == (401, "token_revoked")


async def test_the_server_itself_is_healthy_while_the_database_is_gone(world: World) -> None:
    with gone(world.database):
        response = await world.client.get("/healthz")

    assert response.json() == {"status": "ok"}


async def test_a_change_whose_sessions_could_not_be_ended_is_an_error_and_can_be_repeated(
    world: World,
) -> None:
    new = "another password for ada"
    pair = await world.pair()
    with world.administration() as (accounts, manager):
        with pytest.raises(StoreUnavailable, match="repeat the command"):
            accounts.set_password("ada", new, _Down())
        assert (await world.me(pair)).status_code == 200
        assert accounts.set_password("ada", new, manager) == 1

    assert outcome(await world.me(pair)) == (401, "token_revoked")
    assert (await world.log_in(password=PASSWORD)).status_code == 401
    assert (await world.log_in(password=new)).status_code == 200


class _Down:
    """A store that did not confirm."""

    def revoke_subject(self, subject: str, *, reason: str) -> int:
        raise StoreUnavailable(f"{len(subject)} {len(reason)}")


async def test_accounts_of_a_locked_database_wait_two_seconds_at_most(world: World) -> None:
    with world.administration() as (accounts, manager), locked(world.database):
        for change in (
            lambda: accounts.add("eve", PASSWORD),
            lambda: accounts.disable("ada", manager),
            lambda: accounts.set_password("ada", "another password", manager),
        ):
            since = time.monotonic()
            with impatience(), pytest.raises(StoreUnavailable):
                change()
            require_short(time.monotonic() - since, BOUND)


async def test_a_database_damaged_under_the_server_lets_nobody_in(world: World) -> None:
    pair, other = await world.pair(), await world.pair()
    await world.log_out(other)
    with spoiled(world.database):
        since = time.monotonic()
        while (answer := await world.me(pair)).status_code != 503:  # as above
            assert answer.status_code == 200
            assert time.monotonic() - since < PATIENCE_S
        assert outcome(await world.refresh(pair)) == DOWN
        assert outcome(await world.me(other)) == DOWN
        assert outcome(await world.log_in()) == DOWN


async def test_a_database_that_is_found_damaged_is_an_outage_for_every_request(made: World) -> None:
    again = replace(made, parts=make_parts(made.state, Passwords(made.hasher)))
    async with made.serve() as world:
        pair = await world.pair()
    with spoiled(made.database):
        async with again.serve() as world:
            for request_of in (World.log_out, World.refresh, World.me):
                assert_down(await request_of(world, pair))
            assert outcome(await world.log_in()) == DOWN


@pytest.fixture
async def read_only(made: World) -> AsyncIterator[World]:
    """A server whose database may be read and not written."""
    url = f"sqlite:///file:{made.database}?mode=ro&uri=true"
    state = find_state({"DATABASE_URL": url}, made.database.parents[1], create=False)
    parts = make_parts(state, Passwords(made.hasher))
    async with replace(made, state=state, parts=parts).serve() as serving:
        yield serving


async def test_a_database_that_may_only_be_read_claims_nothing_and_still_tells_who_is_revoked(
    read_only: World, made: World
) -> None:
    async with made.serve() as writing:
        pair, other = await writing.pair(), await writing.pair()
        await writing.log_out(other)
        for request_of in (World.log_out, World.refresh):
            assert_down(await request_of(read_only, pair))
        assert outcome(await read_only.log_in()) == DOWN

        assert (await read_only.me(pair)).status_code == 200
        assert (await writing.refresh(pair)).status_code == 200
        assert outcome(await read_only.me(other)) == (401, "token_revoked")
