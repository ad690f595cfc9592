"""The short look at a quiet folder misses nothing that becomes of the files in it."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gatepass.errors import StoreUnavailable
from gatepass.sessions import RotationKind
from gatepass.stores.sql import SqlStore
from gatepass.stores.sql.sqlite_folder import NOTHING, SqliteFolder
from tests.stores import broken
from tests.stores.plans import log_in, present, sid

QUIET_S = 0.06
SWAPS = [
    broken.delete,
    broken.delete_log,
    broken.delete_with_companions,
    broken.replace_by_copy,
    broken.replace_by_empty,
    broken.replace_by_folder,
]
SESSION_ID = sid("session")


@pytest.fixture
def store(url: str) -> Iterator[SqlStore]:
    """A store with one session, whose folder has been quiet for long enough to trust it."""
    store = SqlStore.from_url(url)
    store.issue(log_in(session_id=SESSION_ID))
    store.rotate(present(SESSION_ID))
    assert store.is_revoked(SESSION_ID, None) is False
    time.sleep(QUIET_S)
    store.rotate(present(SESSION_ID, 1))
    yield store
    store.close()


def is_trusted(store: SqlStore) -> bool:
    """Whether the next operation looks at the folder only."""
    file = store.sqlite.database.file
    return file._folder.is_still(file._seen[0])


@pytest.mark.parametrize("swap", SWAPS)
def test_files_swapped_in_a_quiet_folder_are_noticed_at_once(
    store: SqlStore, path: Path, swap: Callable[[Path], None]
) -> None:
    assert is_trusted(store)

    swap(path)

    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            store.rotate(present(SESSION_ID, 2))
        with pytest.raises(StoreUnavailable):
            store.is_revoked(SESSION_ID, None)


def test_a_folder_that_was_moved_away_is_noticed_at_once(store: SqlStore, path: Path) -> None:
    assert is_trusted(store)
    away = path.parent.with_name("away")
    path.parent.rename(away)
    path.parent.mkdir()

    with pytest.raises(StoreUnavailable):
        store.rotate(present(SESSION_ID, 2))

    path.parent.rmdir()
    away.rename(path.parent)
    assert store.rotate(present(SESSION_ID, 2)).kind is not RotationKind.UNKNOWN


def test_what_becomes_of_the_folders_above_is_noticed_soon(tmp_path: Path) -> None:
    (tmp_path / "above" / "folder").mkdir(parents=True)
    store = SqlStore.from_url(f"sqlite:///{tmp_path}/above/folder/gate.db")
    store.issue(log_in(session_id=SESSION_ID))
    time.sleep(QUIET_S)
    assert store.is_revoked(SESSION_ID, None) is False
    (tmp_path / "above").rename(tmp_path / "away")
    time.sleep(QUIET_S)

    with pytest.raises(StoreUnavailable):
        store.is_revoked(SESSION_ID, None)
    store.close()


def test_a_folder_is_not_trusted_while_changes_could_have_the_same_time(
    store: SqlStore, path: Path
) -> None:
    path.with_name("unrelated").touch()

    store.rotate(present(SESSION_ID, 2))

    assert not is_trusted(store)
    time.sleep(QUIET_S)
    store.rotate(present(SESSION_ID, 3))
    assert is_trusted(store)


def test_a_name_that_leads_through_links_is_looked_at_every_time(
    store: SqlStore, path: Path, tmp_path: Path
) -> None:
    link = tmp_path / "link.db"
    link.symlink_to(path)
    linked = SqlStore.from_url(f"sqlite:///{link}")
    assert linked.is_revoked(SESSION_ID, None) is False
    time.sleep(QUIET_S)
    assert linked.is_revoked(SESSION_ID, None) is False
    assert not is_trusted(linked)
    link.unlink()

    with pytest.raises(StoreUnavailable):
        linked.is_revoked(SESSION_ID, None)
    linked.close()
    assert store.is_revoked(SESSION_ID, None) is False


def test_a_folder_that_cannot_be_opened_says_nothing(tmp_path: Path) -> None:
    folder = SqliteFolder(str(tmp_path / "missing" / "gate.db"))
    assert folder.look() == NOTHING
    assert not folder.is_still(NOTHING)


def test_a_closed_folder_says_nothing_and_holds_nothing(store: SqlStore, path: Path) -> None:
    assert is_trusted(store)
    assert str(path.parent) in open_names()

    store.close()

    assert not is_trusted(store)
    assert str(path.parent) not in open_names()


def open_names() -> set[str]:
    """What this process has open."""
    return {os.path.realpath(each) for each in Path("/proc/self/fd").iterdir()}
