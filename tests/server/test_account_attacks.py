"""Accounts under attack: what exceptions hold, and who wins when two things happen at once."""

import traceback
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from sqlite3 import Connection

import anyio
import anyio.from_thread
import pytest
from sqlalchemy import event, text

from gatepass.errors import StoreUnavailable
from gatepass.manager import TokenManager
from gatepass.passwords import Passwords
from gatepass.server.accounts import Accounts
from gatepass.server.app import make_parts
from gatepass.server.errors import AccountRejected
from gatepass.stores.sql import SqlStore
from gatepass.stores.sql.transactions import pooled_engine_of
from tests.budget import impatience
from tests.server.test_outage import locked
from tests.server.world import PASSWORD, CountingHasher, World, outcome
from tests.servers.postgres import empty_database, shared_server

pytestmark = pytest.mark.anyio

Change = Callable[[Accounts, TokenManager], object]


@pytest.mark.parametrize(
    "change",
    [
        lambda accounts, _: accounts.add("eve", PASSWORD),
        lambda accounts, manager: accounts.set_password("ada", PASSWORD, manager),
    ],
)
async def test_a_password_hash_in_the_text_of_an_exception(world: World, change: Change) -> None:
    with (
        world.administration() as (accounts, manager),
        locked(world.database),
        impatience(),
        pytest.raises(StoreUnavailable) as caught,
    ):
        change(accounts, manager)
    shown = "".join(traceback.format_exception(caught.value))

    assert "gatepass_accounts" in shown
    assert "$argon2id$" not in shown


async def test_a_password_hash_in_the_text_of_a_refusal(world: World) -> None:
    with world.administration() as (accounts, _), pytest.raises(AccountRejected) as caught:
        accounts.add("ada", PASSWORD)

    assert "$argon2id$" not in "".join(traceback.format_exception(caught.value))


@dataclass
class LogsInBetween:
    """Ends sessions, and at once somebody tries the old password: before and after."""

    manager: TokenManager
    world: World
    outcomes: list[tuple[int, str]] = field(default_factory=list)

    def revoke_subject(self, subject: str, *, reason: str) -> int:
        self._log_in()
        ended = self.manager.revoke_subject(subject, reason=reason)
        self._log_in()
        return ended

    def _log_in(self) -> None:
        answer = anyio.from_thread.run(self.world.log_in)
        code = "welcome" if answer.status_code == 200 else answer.json()["code"]
        self.outcomes.append((answer.status_code, code))


@pytest.mark.parametrize(
    "change",
    [
        lambda accounts, sessions: accounts.set_password("ada", "another password", sessions),
        lambda accounts, sessions: accounts.disable("ada", sessions),
    ],
    ids=["set_password", "disable"],
)
async def test_an_old_password_log_in_between_the_two_steps_of_a_change_loses(
    world: World, change: Callable[[Accounts, LogsInBetween], int]
) -> None:
    """Sessions end last: ended first, a log-in before the row changes would be let in."""
    pair = await world.pair()
    with world.administration() as (accounts, manager):
        between = LogsInBetween(manager, world)
        ended = await anyio.to_thread.run_sync(change, accounts, between)

        assert between.outcomes == [(401, "invalid_credentials")] * 2
        assert ended == 1
        assert manager.sessions(accounts.get("ada").subject) == []
    assert outcome(await world.me(pair)) == (401, "token_revoked")


class RacedHasher(CountingHasher):
    """Costs more than the hash that is kept, and lets something happen before it hashes anew."""

    def __init__(self) -> None:
        super().__init__(time_cost=2)
        self.before_hashing: Callable[[], object] = lambda: None

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        self.before_hashing()
        return super().hash(password, salt=salt)


async def test_renewing_a_hash_while_the_password_is_changed_brings_no_old_password_back(
    made: World,
) -> None:
    hasher, new = RacedHasher(), "another password for ada"

    def change() -> None:
        hasher.before_hashing = lambda: None
        with made.administration() as (accounts, manager):
            accounts.set_password("ada", new, manager)

    parts = make_parts(made.state, Passwords(hasher))
    parts = replace(parts, limits=made.parts.limits, at_once=made.parts.at_once)
    async with replace(made, parts=parts).serve() as world:
        hasher.before_hashing = change
        assert outcome(await world.log_in()) == (401, "invalid_credentials")

        assert outcome(await world.log_in()) == (401, "invalid_credentials")
        assert (await world.log_in(password=new)).status_code == 200


def test_accounts_in_sqlite_are_durable_whatever_a_connection_begins_with(tmp_path: Path) -> None:
    store = SqlStore.from_url(f"sqlite:///{tmp_path}/gate.db")
    store.upgrade()

    def be_careless(connection: Connection, _: object) -> None:
        connection.execute("PRAGMA synchronous=OFF")

    event.listen(store.engine, "connect", be_careless)
    accounts = Accounts(store.engine, Passwords(CountingHasher()))
    with accounts._transaction() as connection:
        connection.execute(text("UPDATE gatepass_accounts SET role = 'user'"))
        found = connection.execute(text("PRAGMA synchronous")).scalar()
    store.close()

    assert found == 2  # FULL


@pytest.mark.parametrize("level", ["off", "local"])
def test_accounts_in_postgres_are_durable_whatever_the_database_says(level: str) -> None:
    url = empty_database("careless")
    shared_server().run(f"ALTER DATABASE careless SET synchronous_commit = {level}")
    store = SqlStore.from_url(url)
    store.upgrade()
    store.close()
    engine = pooled_engine_of(url)
    with engine.connect() as plain:
        assert plain.execute(text("SHOW synchronous_commit")).scalar() == level
    with Accounts(engine, Passwords(CountingHasher()))._transaction() as connection:
        found = connection.execute(text("SHOW synchronous_commit")).scalar()
    engine.dispose()

    assert found == "on"
