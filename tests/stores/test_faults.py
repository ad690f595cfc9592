"""A SQLite file that is locked, read-only, gone, replaced, damaged or full: nobody gets in."""

import re
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine, event

from gatepass.errors import SettingsRejected, StoreUnavailable
from gatepass.revocations.sqlite import AsyncSqliteReplica, SqliteReplica
from gatepass.sessions import Session
from gatepass.stores.sql import AsyncSqlStore, SqlStore
from tests.stores import broken
from tests.stores.broken import READS, WRITES, every, outcomes, replica_answer
from tests.stores.plans import log_in
from tests.stores.twins import Awaited, Runner

StoreTwin = SqlStore | AsyncSqlStore
ReplicaTwin = SqliteReplica | AsyncSqliteReplica
OPERATIONS = READS | WRITES
SWAPS = [
    broken.delete,
    broken.delete_with_companions,
    broken.replace_by_copy,
    broken.replace_by_empty,
    broken.replace_by_folder,
]
DAMAGES = [broken.spoil_header, broken.spoil_pages, broken.cut_short, broken.fill_with_text]


@pytest.fixture
def store(twin: str, url: str, runner: Runner) -> Iterator[StoreTwin]:
    """A store on a filled file, not yet used."""
    broken.fill(url)
    store = SqlStore.from_url(url) if twin == "sync" else AsyncSqlStore.from_url(url)
    yield store
    if isinstance(store, AsyncSqlStore):
        runner.run(store.close())
    else:
        store.close()


@pytest.fixture
def replica(store: StoreTwin) -> ReplicaTwin:
    if isinstance(store, AsyncSqlStore):
        return AsyncSqliteReplica(store)
    return SqliteReplica(store)


@pytest.fixture
def used(store: StoreTwin, replica: ReplicaTwin, runner: Runner) -> StoreTwin:
    """The store after every connection of its was opened."""
    answers = outcomes(store, runner, READS)
    assert answers["is_revoked"] is False
    assert answers["is_revoked, once more"] is True
    assert replica_answer(replica, runner, "live") is False
    assert replica_answer(replica, runner, "revoked") is True
    outcomes(store, runner, {"write": lambda store: store.revoke_token("before")})
    return store


def test_while_another_writes_nothing_is_written_and_reads_go_on(
    used: StoreTwin, replica: ReplicaTwin, path: Path, runner: Runner
) -> None:
    with broken.locked(path):
        assert outcomes(used, runner, WRITES) == every(WRITES)
        assert outcomes(used, runner, READS)["is_revoked"] is False
        assert replica_answer(replica, runner, "live") is False
        assert replica_answer(replica, runner, "revoked") is True

    assert StoreUnavailable not in outcomes(used, runner, OPERATIONS).values()


def test_a_file_that_is_locked_from_the_start_answers_nothing(
    store: StoreTwin, replica: ReplicaTwin, path: Path, runner: Runner
) -> None:
    with broken.locked(path, entirely=True):
        assert outcomes(store, runner, OPERATIONS) == every(OPERATIONS)
        assert replica_answer(replica, runner, "live") is StoreUnavailable

    assert StoreUnavailable not in outcomes(store, runner, OPERATIONS).values()
    assert replica_answer(replica, runner, "revoked") is True


def test_a_read_only_file_is_read_and_never_said_to_be_written(
    twin: str, path: Path, url: str, runner: Runner
) -> None:
    broken.fill(url)
    read_only = f"sqlite:///file:{path}?mode=ro&uri=true"
    store = SqlStore.from_url(read_only) if twin == "sync" else AsyncSqlStore.from_url(read_only)

    assert outcomes(store, runner, WRITES) == every(WRITES)
    assert outcomes(store, runner, READS)["is_revoked, once more"] is True


@pytest.mark.parametrize("swap", SWAPS)
def test_a_file_that_is_gone_or_replaced_is_not_used_on(
    used: StoreTwin,
    replica: ReplicaTwin,
    path: Path,
    runner: Runner,
    swap: Callable[[Path], None],
) -> None:
    swap(path)

    for _ in range(2):
        assert outcomes(used, runner, OPERATIONS) == every(OPERATIONS)
    for session_id in ("live", "revoked", "unknown"):
        assert replica_answer(replica, runner, session_id) is StoreUnavailable
    assert path.exists() == (swap.__name__.startswith("replace"))


def test_a_file_that_comes_back_is_used_again(used: StoreTwin, path: Path, runner: Runner) -> None:
    away = path.with_name("away")
    path.rename(away)
    assert outcomes(used, runner, OPERATIONS) == every(OPERATIONS)

    away.rename(path)

    assert StoreUnavailable not in outcomes(used, runner, READS).values()


def test_closing_the_old_file_leaves_the_new_ones_log_alone(
    used: StoreTwin, replica: ReplicaTwin, path: Path, runner: Runner
) -> None:
    other = path.with_name("other.db")
    successor = SqlStore.from_url(f"sqlite:///{other}")
    successor.revoke_token("in the log only")
    for suffix in ("", "-wal", "-shm"):
        other.with_name(f"other.db{suffix}").replace(path.with_name(f"gate.db{suffix}"))

    assert outcomes(used, runner, OPERATIONS) == every(OPERATIONS)
    assert replica_answer(replica, runner, "live") in {False, StoreUnavailable}
    plain = used if isinstance(used, SqlStore) else Awaited(used, runner)
    plain.close()

    assert path.with_name("gate.db-wal").stat().st_size > 0
    heir = SqlStore.from_url(f"sqlite:///{path}")
    assert heir.is_revoked(None, "in the log only")
    heir.close()
    successor.close()


def test_a_write_ahead_log_that_is_gone_is_not_written_to(
    used: StoreTwin, path: Path, runner: Runner
) -> None:
    broken.delete_log(path)

    revoke = {"revoke": lambda store: store.revoke_token("token")}
    assert outcomes(used, runner, revoke) == every(revoke)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_answers_nothing(
    store: StoreTwin,
    replica: ReplicaTwin,
    path: Path,
    runner: Runner,
    damage: Callable[[Path], None],
) -> None:
    damage(path)

    assert outcomes(store, runner, OPERATIONS) == every(OPERATIONS)
    for session_id in ("live", "revoked", "unknown"):
        assert replica_answer(replica, runner, session_id) is StoreUnavailable


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_file_damaged_in_use_lets_no_revoked_session_in(
    used: StoreTwin,
    replica: ReplicaTwin,
    path: Path,
    runner: Runner,
    damage: Callable[[Path], None],
) -> None:
    damage(path)
    damage(path.with_name(f"{path.name}-wal"))

    ask = {"ask": lambda store: store.is_revoked("revoked", None)}
    assert outcomes(used, runner, ask)["ask"] in {True, StoreUnavailable}
    assert replica_answer(replica, runner, "revoked") in {True, StoreUnavailable}


@pytest.mark.parametrize(
    "spoil",
    [
        "UPDATE gatepass_sessions SET recent = 'nonsense'",
        "UPDATE gatepass_sessions SET recent = x'00'",
        "UPDATE gatepass_sessions SET claims_json = x'ff'",
        "UPDATE gatepass_sessions SET claims_json = x'5b5d'",
        "UPDATE gatepass_sessions SET claims_json = x'7b2261223a22ff227d'",
        "UPDATE gatepass_sessions SET sec_hash = 'text'",
        "UPDATE gatepass_sessions SET generation = 'text'",
        "DROP TABLE gatepass_sessions",
    ],
)
def test_rows_that_are_not_ours_answer_nothing(
    store: StoreTwin, path: Path, runner: Runner, spoil: str
) -> None:
    _run(path, spoil)

    touching = {name: OPERATIONS[name] for name in ("rotate", "sessions", "revoke_session")}
    assert outcomes(store, runner, touching) == every(touching)


@pytest.mark.parametrize("spoil", ["DELETE FROM gatepass_meta", "DROP TABLE gatepass_meta"])
def test_a_file_without_its_log_identity_answers_no_replica(
    used: StoreTwin, replica: ReplicaTwin, path: Path, runner: Runner, spoil: str
) -> None:
    _run(path, spoil)

    assert replica_answer(replica, runner, "revoked") in {True, StoreUnavailable}
    ask = {name: OPERATIONS[name] for name in ("subject_epoch", "issue with an epoch", "purge")}
    assert outcomes(used, runner, ask) == every(ask)


def test_a_full_disk_confirms_nothing_it_did_not_write(
    twin: str, path: Path, url: str, runner: Runner
) -> None:
    broken.fill(url)
    engine = create_engine(url, poolclass=NullPool)
    pages = path.stat().st_size // 4096
    event.listen(
        engine, "connect", lambda raw, _: raw.execute(f"PRAGMA max_page_count={pages + 3}")
    )
    store = SqlStore(engine) if twin == "sync" else AsyncSqlStore(engine)

    confirmed: list[Session] = []
    for number in range(1_000):
        log_in_again = {"issue": lambda store: store.issue(log_in(f"subject {number}"))}  # noqa: B023
        answer = outcomes(store, runner, log_in_again)["issue"]
        if not isinstance(answer, Session):
            break
        confirmed.append(answer)

    assert answer is StoreUnavailable
    assert len(confirmed) > 0
    plain = store if isinstance(store, SqlStore) else Awaited(store, runner)
    assert not any(plain.is_revoked(session.session_id, None) for session in confirmed)
    plain.close()


def test_a_mistake_of_ours_is_not_called_an_outage(url: str) -> None:
    store = SqlStore.from_url(url)

    with pytest.raises(TypeError):
        store.is_revoked(object(), None)  # type: ignore[arg-type]
    with pytest.raises(sqlite3.ProgrammingError):
        store.sqlite.is_revoked(object(), None)  # type: ignore[arg-type]
    with pytest.raises(sqlite3.ProgrammingError):
        store.sqlite.revoke_token(object())  # type: ignore[arg-type]
    store.revoke_token("token")

    assert store.is_revoked(None, "token")
    store.close()


def _run(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute(statement)
    connection.commit()
    connection.close()


@pytest.mark.parametrize("kind", [SqlStore, AsyncSqlStore])
def test_a_folder_that_is_missing_is_named(
    kind: type[SqlStore | AsyncSqlStore], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    for place in ("nowhere", "file"):
        why = re.escape(f"folder does not exist: {tmp_path / place}, make it first")
        with pytest.raises(SettingsRejected, match=why):
            kind.from_url(f"sqlite:///{tmp_path / place}/gate.db")


def test_a_folder_that_was_removed_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    store = SqlStore.from_url(f"sqlite:///{folder}/gate.db")
    folder.rmdir()

    why = re.escape(f"folder does not exist: {folder}, make it first")
    with pytest.raises(StoreUnavailable, match=why):
        store.issue(log_in())
    store.close()
