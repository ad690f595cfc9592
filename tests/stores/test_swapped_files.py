"""A SQLite file that was deleted, moved or replaced is noticed by the next operation."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from gatepass.errors import StoreUnavailable
from gatepass.revocations.sqlite import SqliteReplica
from gatepass.sessions import RotationKind
from gatepass.stores.sql import SqlStore
from tests.stores import broken
from tests.stores.plans import log_in, present, sid

SESSION_ID = sid("session")
SWAPS = [
    broken.delete,
    broken.delete_log,
    broken.delete_with_companions,
    broken.replace_by_copy,
    broken.replace_by_empty,
    broken.replace_by_folder,
]


@pytest.mark.parametrize("swap", SWAPS)
def test_files_that_were_swapped_are_noticed_at_once(
    url: str, path: Path, swap: Callable[[Path], None]
) -> None:
    with closing(SqlStore.from_url(url)) as store:
        replica = SqliteReplica(store)
        store.issue(log_in(session_id=SESSION_ID))
        assert store.is_revoked(SESSION_ID, None) is False
        assert replica.is_revoked(SESSION_ID, None) is False

        swap(path)

        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                replica.is_revoked(SESSION_ID, None)
            with pytest.raises(StoreUnavailable):
                store.rotate(present(SESSION_ID))
            with pytest.raises(StoreUnavailable):
                store.is_revoked(SESSION_ID, None)


@pytest.mark.parametrize("levels", [0, 1])
def test_a_folder_that_was_moved_away_is_noticed_and_works_again(
    tmp_path: Path, levels: int
) -> None:
    folder = tmp_path / "above" / "folder"
    folder.mkdir(parents=True)
    moved = [folder, folder.parent][levels]
    with closing(SqlStore.from_url(f"sqlite:///{folder}/gate.db")) as store:
        store.issue(log_in(session_id=SESSION_ID))
        moved.rename(tmp_path / "away")

        with pytest.raises(StoreUnavailable):
            store.rotate(present(SESSION_ID))

        (tmp_path / "away").rename(moved)
        assert store.rotate(present(SESSION_ID)).kind is RotationKind.ROTATED


def test_a_link_that_was_deleted_is_noticed(url: str, path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.db"
    broken.fill(url)
    link.symlink_to(path)
    with closing(SqlStore.from_url(f"sqlite:///{link}")) as linked:
        assert linked.is_revoked("live", None) is False
        link.unlink()

        with pytest.raises(StoreUnavailable):
            linked.is_revoked("live", None)
