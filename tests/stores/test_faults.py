"""A SQLite file that is locked, read-only, gone, replaced, damaged or full: nobody gets in."""

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import NullPool, create_engine, event

from gatepass.errors import SettingsRejected, StoreUnavailable
from gatepass.stores.sql import AsyncSqlStore, SqlStore
from gatepass.stores.sql.sqlite.connection import Read, Write
from tests.budget import impatience
from tests.stores import broken, outcomes
from tests.stores.broken import replica_answer
from tests.stores.outcomes import (
    LIVE,
    OPERATIONS,
    PURGE,
    READS,
    REVOKED,
    WRITES,
    require_answers,
    require_unavailable,
)
from tests.stores.plans import log_in
from tests.stores.twins import Awaited, Runner, replica_on, sqlite_store

SWAPS = [
    broken.delete,
    broken.delete_with_companions,
    broken.replace_by_copy,
    broken.replace_by_empty,
    broken.replace_by_folder,
]
DAMAGES = [broken.spoil_header, broken.spoil_pages, broken.cut_short, broken.fill_with_text]


@pytest.fixture
def store(twin: str, url: str, runner: Runner) -> Iterator[Any]:
    """A store on a filled file, not yet used."""
    outcomes.fill(url)
    with closing(sqlite_store(twin, runner, url)) as store:
        yield store


@pytest.fixture
def replica(store: Any, runner: Runner) -> Any:
    return replica_on(store, runner)


@pytest.fixture
def used(store: Any, replica: Any) -> Any:
    """The store after every connection of its was opened."""
    assert replica_answer(replica, LIVE) is False
    assert replica_answer(replica, REVOKED) is True
    return outcomes.used(store)


def test_while_another_writes_nothing_is_written_and_reads_go_on(
    used: Any, replica: Any, path: Path
) -> None:
    with broken.locked(path):
        with impatience():
            require_unavailable(used, WRITES | PURGE)
        assert outcomes.outcomes(used, READS)["is_revoked"] is False
        assert replica_answer(replica, LIVE) is False
        assert replica_answer(replica, REVOKED) is True

    require_answers(used, OPERATIONS)


def test_a_try_to_write_fails_where_nobody_could_and_tells_no_listener(
    used: Any, replica: Any, path: Path
) -> None:
    used.try_write()
    assert replica.fresh()
    with broken.locked(path), impatience(), pytest.raises(StoreUnavailable, match="locked"):
        used.try_write()

    assert used.sessions("gatepass readiness") == []


def test_a_file_that_is_locked_from_the_start_answers_nothing(
    store: Any, replica: Any, path: Path
) -> None:
    with broken.locked(path, entirely=True):
        with impatience():
            require_unavailable(store, OPERATIONS)
        assert replica_answer(replica, LIVE) is StoreUnavailable

    require_answers(store, OPERATIONS)
    assert replica_answer(replica, REVOKED) is True


def test_a_read_only_file_is_read_and_never_said_to_be_written(
    twin: str, path: Path, url: str, runner: Runner
) -> None:
    outcomes.fill(url)
    store = sqlite_store(twin, runner, f"sqlite:///file:{path}?mode=ro&uri=true")

    require_unavailable(store, WRITES | PURGE)
    assert outcomes.outcomes(store, READS)["is_revoked, once more"] is True


@pytest.mark.parametrize("swap", SWAPS)
def test_a_file_that_is_gone_or_replaced_is_not_used_on(
    used: Any,
    replica: Any,
    path: Path,
    swap: Callable[[Path], None],
) -> None:
    swap(path)

    for _ in range(2):
        require_unavailable(used, OPERATIONS)
    for session_id in (LIVE, REVOKED, "unknown"):
        assert replica_answer(replica, session_id) is StoreUnavailable
    assert path.exists() == swap.__name__.startswith("replace")


def test_a_file_that_comes_back_is_used_again(used: Any, path: Path) -> None:
    away = path.with_name("away")
    path.rename(away)
    require_unavailable(used, OPERATIONS)

    away.rename(path)

    require_answers(used, READS)


def test_closing_the_old_file_leaves_the_new_ones_log_alone(
    used: Any, replica: Any, path: Path
) -> None:
    other = path.with_name("other.db")
    successor = SqlStore.from_url(f"sqlite:///{other}")
    successor.revoke_token("in the log only")
    for suffix in ("", "-wal", "-shm"):
        other.with_name(f"other.db{suffix}").replace(path.with_name(f"gate.db{suffix}"))

    require_unavailable(used, OPERATIONS)
    assert replica_answer(replica, LIVE) in {False, StoreUnavailable}
    used.close()

    assert path.with_name("gate.db-wal").stat().st_size > 0
    heir = SqlStore.from_url(f"sqlite:///{path}")
    assert heir.is_revoked(None, "in the log only")
    heir.close()
    successor.close()


def test_a_write_ahead_log_that_is_gone_is_not_written_to(used: Any, path: Path) -> None:
    broken.delete_log(path)

    require_unavailable(used, {"revoke_token": WRITES["revoke_token"]})


def test_what_is_in_a_write_ahead_log_that_is_gone_is_missed_at_once(
    twin: str, path: Path, url: str, runner: Runner
) -> None:
    with closing(sqlite_store(twin, runner, url)) as store:
        replica = replica_on(store, runner)
        store.issue(log_in(session_id=LIVE))
        assert store.is_revoked(LIVE, None) is replica.is_revoked(LIVE, None) is False
        broken.delete_log(path)

        for _ in range(2):
            assert replica_answer(replica, LIVE) is StoreUnavailable
            for operation in (WRITES["rotate"], READS["is_revoked"]):
                with pytest.raises(StoreUnavailable):
                    operation(store)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_answers_nothing(
    store: Any,
    replica: Any,
    path: Path,
    damage: Callable[[Path], None],
) -> None:
    damage(path)

    require_unavailable(store, OPERATIONS)
    for session_id in (LIVE, REVOKED, "unknown"):
        assert replica_answer(replica, session_id) is StoreUnavailable


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_file_damaged_in_use_lets_no_revoked_session_in(
    used: Any,
    replica: Any,
    path: Path,
    damage: Callable[[Path], None],
) -> None:
    damage(path)
    damage(path.with_name(f"{path.name}-wal"))

    ask = {"ask": lambda store: store.is_revoked(REVOKED, None)}
    assert outcomes.outcomes(used, ask)["ask"] in {True, StoreUnavailable}
    assert replica_answer(replica, REVOKED) in {True, StoreUnavailable}


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
def test_rows_that_are_not_ours_answer_nothing(store: Any, path: Path, spoil: str) -> None:
    _run(path, spoil)

    touching = {name: OPERATIONS[name] for name in ("rotate", "sessions", "revoke_session")}
    require_unavailable(store, touching)


@pytest.mark.parametrize("spoil", ["DELETE FROM gatepass_meta", "DROP TABLE gatepass_meta"])
def test_a_file_without_its_log_identity_answers_no_replica(
    used: Any, replica: Any, path: Path, spoil: str
) -> None:
    _run(path, spoil)

    assert replica_answer(replica, REVOKED) in {True, StoreUnavailable}
    ask = {name: OPERATIONS[name] for name in ("subject_epoch", "issue with an epoch", "purge")}
    require_unavailable(used, ask)


def test_a_full_disk_confirms_nothing_it_did_not_write(
    twin: str, path: Path, url: str, runner: Runner
) -> None:
    outcomes.fill(url)
    engine = create_engine(url, poolclass=NullPool)
    limit = f"PRAGMA max_page_count={path.stat().st_size // 4096 + 3}"
    event.listen(engine, "connect", lambda raw, _: raw.execute(limit))
    store: Any = SqlStore(engine) if twin == "sync" else Awaited(AsyncSqlStore(engine), runner)
    with closing(store):
        outcomes.require_honest_when_full(store)


def test_a_mistake_of_ours_is_not_called_an_outage(url: str) -> None:
    store = SqlStore.from_url(url)
    database: Any = store._runner

    with pytest.raises(TypeError):
        store.is_revoked(object(), None)  # type: ignore[arg-type]
    with pytest.raises(sqlite3.ProgrammingError):
        database.read(Read("SELECT :what", {"what": object()}))
    with pytest.raises(sqlite3.ProgrammingError):
        database.write(Write(lambda connection: connection.execute("SELECT ?", (object(),))))
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
