"""Accounts that moved in with another program's hash: their first login, and who watches it."""

import asyncio
import csv
import io
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from gatepass.passwords import Passwords
from gatepass.passwords.foreign import verify_foreign
from gatepass.server.account import Account
from gatepass.server.account_import import AccountImport
from gatepass.server.accounts import Accounts
from gatepass.stores.sql import SqlStore
from tests.passwords.peers import KINDS
from tests.server.test_telling_accounts import REFUSED, WRONG
from tests.server.world import CountingHasher, World, outcome
from tests.servers.postgres import empty_database

pytestmark = pytest.mark.anyio

VERIFY = "gatepass.passwords.hashing.verify_foreign"
WORD = "a pässword from before"


def move_in(world: World, hashes: Mapping[str, str], **columns: str) -> None:
    """Import these user names with these hashes, as the command does."""
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(["username", "password_hash", *columns])
    for number, (username, kept) in enumerate(hashes.items()):
        writer.writerow([username, kept, *(value.format(number) for value in columns.values())])
    file.seek(0)
    with world.administration() as (accounts, _):
        run = AccountImport(accounts=accounts, tell=lambda _, reason: pytest.fail(reason))
        run.run(file)
    assert run.added == len(hashes)


def kept(world: World, username: str) -> str:
    """The hash that the table has."""
    with world.administration() as (accounts, _):
        return accounts.get(username).password_hash


@pytest.mark.parametrize("kind", KINDS)
async def test_the_first_login_makes_the_hash_anew_and_the_second_uses_it(
    world: World, kind: str
) -> None:
    before = KINDS[kind](WORD)
    move_in(world, {"Grace": before})
    assert outcome(await world.log_in("grace", "wrong")) == REFUSED
    assert kept(world, "grace") == before
    assert (await world.log_in("GRACE", WORD)).status_code == 200
    anew = kept(world, "grace")
    assert (await world.log_in("grace", WORD)).status_code == 200
    assert outcome(await world.log_in("grace", "wrong")) == REFUSED

    assert anew.startswith("$argon2id$v=19$m=8,t=1,p=1$")
    assert kept(world, "grace") == anew


async def test_two_first_logins_at_once_both_get_in_and_leave_one_hash(world: World) -> None:
    move_in(world, {"grace": KINDS["django bcrypt_sha256"](WORD)})
    answers = await asyncio.gather(*(world.log_in("grace", WORD) for _ in range(8)))

    assert [answer.status_code for answer in answers] == [200] * 8
    assert kept(world, "grace").startswith("$argon2id$")
    assert (await world.log_in("grace", WORD)).status_code == 200


async def test_a_password_that_is_changed_between_check_and_new_hash_stays_changed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    move_in(world, {"grace": KINDS["werkzeug scrypt"](WORD)})
    new = "another password of hers"

    def verify(password_hash: str, password: str) -> bool:
        found = verify_foreign(password_hash, password)
        with world.administration() as (accounts, manager):
            accounts.set_password("grace", new, manager)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(VERIFY, verify)
        assert (await world.log_in("grace", WORD)).status_code == 401

    assert outcome(await world.log_in("grace", WORD)) == REFUSED
    assert (await world.log_in("grace", new)).status_code == 200


async def test_a_hash_that_is_made_anew_during_a_change_of_the_password_does_not_stop_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    move_in(world, {"grace": KINDS["passlib sha512_crypt"](WORD)})
    with world.administration() as (accounts, _):
        subject = accounts.get("grace").subject

        def verify(password_hash: str, password: str) -> bool:
            monkeypatch.setattr(VERIFY, verify_foreign)
            assert accounts.check_password(subject, WORD) is not None
            return verify_foreign(password_hash, password)

        monkeypatch.setattr(VERIFY, verify)
        assert accounts.change_password(subject, WORD, "another password of hers")

        assert accounts.check_password(subject, WORD) is None
        assert accounts.check_password(subject, "another password of hers") is not None
        assert not accounts.change_password(subject, WORD, "a third one of hers")


async def test_a_password_is_changed_while_its_hash_is_still_foreign(world: World) -> None:
    before = KINDS["django pbkdf2_sha256"](WORD)
    move_in(world, {"grace": before})
    with world.administration() as (accounts, _):
        subject = accounts.get("grace").subject
        assert not accounts.change_password(subject, "wrong", "another password of hers")
        assert accounts.get("grace").password_hash == before
        assert accounts.change_password(subject, WORD, "another password of hers")
        assert accounts.change_password(subject, WORD, "another password of hers")

    assert (await world.log_in("grace", "another password of hers")).status_code == 200


class Watched:
    """Tells like which hash each login worked."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        self._world = world
        self._done: list[str] = []

        def verify(password_hash: str, password: str) -> bool:
            self._done.append(password_hash)
            return verify_foreign(password_hash, password)

        monkeypatch.setattr(VERIFY, verify)

    async def cost(self, username: str) -> str:
        """The kind of hash that a failed login of this name worked like."""
        self._done.clear()
        self._world.hasher.verified.clear()
        assert outcome(await self._world.log_in(username, WRONG)) == REFUSED
        [worked] = [*self._done, *self._world.hasher.verified]
        return worked[:8]


KIND = {"d": "django pbkdf2_sha256", "w": "werkzeug scrypt", "p": "passlib sha512_crypt"}


async def test_telling_accounts_by_the_kind_of_hash_that_a_login_works_like(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Subjects of another application are no random texts: they must not choose."""
    made = {f"{letter}{n}": KINDS[kind](WORD) for n in range(8) for letter, kind in KIND.items()}
    move_in(world, made, subject="{}")
    watched = Watched(world, monkeypatch)
    unknown = [f"nobody-{number}" for number in range(64)]
    costs = {name: await watched.cost(name) for name in unknown}

    known = {letter: await watched.cost(f"{letter}1") for letter in KIND}
    assert known == {"d": "pbkdf2_s", "w": "scrypt:1", "p": "$6$round"}
    assert set(costs.values()) >= set(known.values())
    assert {name: await watched.cost(name.upper()) for name in unknown} == costs

    for name in made:
        assert (await world.log_in(name, WORD)).status_code == 200
    assert {await watched.cost(name) for name in [*unknown, *made]} == {"$argon2i"}


async def test_a_disabled_account_costs_what_its_own_hash_costs(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    move_in(world, {"grace": KINDS["werkzeug scrypt"](WORD)}, disabled="true")
    watched = Watched(world, monkeypatch)

    assert outcome(await world.log_in("grace", WORD)) == REFUSED
    assert await watched.cost("grace") == "scrypt:1"
    assert kept(world, "grace").startswith("scrypt:")


def test_an_account_that_somebody_else_adds_at_the_same_moment_stays_as_it_is(
    made: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = f"username,password_hash\ngrace,{KINDS['bcrypt 2y'](WORD)}\nalan,plain\neve,!x\n"
    rejected: list[int] = []
    with made.administration() as (accounts, _), made.administration() as (others, _):
        find = accounts.find_any

        def find_and_lose(usernames: Collection[str], subjects: Collection[str]) -> list[Account]:
            found = find(usernames, subjects)
            monkeypatch.setattr(accounts, "find_any", find)
            others.add("grace", WORD)
            return found

        monkeypatch.setattr(accounts, "find_any", find_and_lose)
        run = AccountImport(accounts=accounts, tell=lambda line, _: rejected.append(line))
        run.run(io.StringIO(rows))
        added = others.get("grace")

    assert (run.added, run.present, rejected) == (0, 1, [3, 4])
    assert added.password_hash.startswith("$argon2id$v=19$m=8,t=1,p=1$")


@pytest.mark.races
def test_two_imports_of_one_file_at_once_add_each_account_once(made: World) -> None:
    kept = KINDS["werkzeug scrypt"](WORD)
    rows = "".join(f"user{number},{kept}\n" for number in range(2_000))
    with ThreadPoolExecutor(2) as pool, made.administration() as (accounts, _):
        runs = [AccountImport(accounts=accounts, tell=lambda *_: None) for _ in range(2)]
        files = [io.StringIO(f"username,password_hash\n{rows}") for _ in runs]
        list(pool.map(AccountImport.run, runs, files))

        assert sum(run.added for run in runs) == 2_000
        assert sum(run.present for run in runs) == 2_000
        assert len(accounts.list()) == 2_001


@pytest.mark.parametrize("kind", ["django bcrypt_sha256", "passlib sha512_crypt"])
def test_accounts_in_postgres_move_in_and_log_in(kind: str) -> None:
    store = SqlStore.from_url(empty_database("moving"))
    store.upgrade()
    accounts = Accounts(store.engine, Passwords(CountingHasher()))
    rows = f"username,password_hash,subject\nGrace,{KINDS[kind](WORD)},17\n"
    try:
        for counts in (1, 0), (0, 1):
            run = AccountImport(accounts=accounts, tell=lambda *_: None)
            run.run(io.StringIO(rows))
            assert (run.added, run.present) == counts
        for subject in (accounts.subject_of("nobody"), "17"):
            assert accounts.check_password(subject, "wrong") is None
        assert accounts.check_password("17", WORD) is not None
        assert accounts.get("grace").password_hash.startswith("$argon2id$")
        assert accounts.check_password("17", WORD) is not None
    finally:
        store.close()


def test_subjects_in_a_row_do_not_choose_who_stands_for_unknown_names(made: World) -> None:
    hashes = {f"user{number}": KINDS["argon2id"](WORD) for number in range(60)}
    move_in(made, hashes, subject="{}")
    stood = set()
    with made.administration() as (accounts, _), accounts._transaction() as connection:
        for number in range(300):
            query = text(
                "SELECT username FROM gatepass_accounts WHERE lot >= :lot ORDER BY lot LIMIT 1"
            )
            lot = accounts.subject_of(f"nobody-{number}")
            stood.add(connection.execute(query, {"lot": lot}).scalar())

    assert len(stood) > 30


def test_an_account_shows_no_hash(made: World) -> None:
    move_in(made, {"grace": KINDS["bcrypt 2b"](WORD)})
    with made.administration() as (accounts, _):
        account = accounts.get("grace")

    assert isinstance(account, Account)
    assert account.password_hash not in repr(account)
