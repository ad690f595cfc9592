"""The files beside and behind a SQLite database: whose they are, and which ones are watched."""

import os
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gatepass.errors import SettingsRejected, StoreUnavailable
from gatepass.revocations.sqlite import SqliteReplica
from gatepass.sessions import RotationKind
from gatepass.stores.sql import SqlStore
from tests.stores import broken
from tests.stores.outcomes import LIVE, fill
from tests.stores.plans import log_in, present

COMPANIONS = ("gate.db-wal", "gate.db-shm")


@pytest.fixture
def without_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.fixture
def link(path: Path) -> Path:
    """Another name for the database, in a folder of its own."""
    folder = path.with_name("elsewhere")
    folder.mkdir()
    link = folder / "link.db"
    link.symlink_to(path)
    return link


@pytest.mark.usefixtures("without_umask")
def test_opening_the_file_before_it_is_made_private(
    path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    born: list[int] = []
    make_private = os.fchmod

    def look_first(descriptor: int, mode: int) -> None:
        born.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        make_private(descriptor, mode)

    monkeypatch.setattr(os, "fchmod", look_first)
    with closing(SqlStore.from_url(url)) as store:
        store.issue(log_in())
        modes = {name: stat.S_IMODE(path.with_name(name).stat().st_mode) for name in COMPANIONS}

    assert set(born) == {0o600}
    assert modes == dict.fromkeys(COMPANIONS, 0o600)


@pytest.mark.usefixtures("without_umask")
def test_a_file_shared_with_a_group_is_shared_with_all_that_belongs_to_it(
    path: Path, url: str
) -> None:
    path.touch()
    path.chmod(0o660)
    if os.geteuid() == 0:
        os.chown(path, 65534, 65534)

    with closing(SqlStore.from_url(url)) as store:
        store.issue(log_in())
        for name in COMPANIONS:
            made = path.with_name(name).stat()
            assert stat.S_IMODE(made.st_mode) == 0o660
            assert (made.st_uid, made.st_gid) == (path.stat().st_uid, path.stat().st_gid)


def test_write_ahead_log_deleted_behind_a_link(path: Path, url: str, link: Path) -> None:
    fill(url)
    with closing(SqlStore.from_url(f"sqlite:///{link}")) as store:
        store.revoke_token("before")
        broken.delete_log(path)

        with pytest.raises(StoreUnavailable):
            store.revoke_session(LIVE, reason="log-out")


def test_a_revocation_under_one_name_counts_under_the_other_at_once(url: str, link: Path) -> None:
    fill(url)
    with (
        closing(SqlStore.from_url(url)) as store,
        closing(SqlStore.from_url(f"sqlite:///{link}")) as linked,
    ):
        replica = SqliteReplica(linked)
        linked.revoke_token("first")
        for number in range(200):
            assert not replica.is_revoked(None, f"token {number}")
            store.revoke_token(f"token {number}")
            assert replica.is_revoked(None, f"token {number}")


def test_url_that_ties_connections_to_one_thread(url: str) -> None:
    with (
        closing(SqlStore.from_url(f"{url}?check_same_thread=true")) as store,
        ThreadPoolExecutor(1) as elsewhere,
    ):
        store.revoke_token("here")
        elsewhere.submit(store.revoke_token, "there").result()

        assert store.is_revoked(None, "there")


@pytest.mark.parametrize("name", ["gate\0.db", "gate\udc80.db"], ids=["NUL", "surrogate"])
def test_name_that_no_file_can_have(name: str) -> None:
    with pytest.raises(SettingsRejected):
        SqlStore.from_url(f"sqlite:///{name}")


@pytest.mark.parametrize("levels", [0, 1])
def test_a_folder_that_was_moved_away_is_noticed_and_works_again(
    tmp_path: Path, levels: int
) -> None:
    folder = tmp_path / "above" / "folder"
    folder.mkdir(parents=True)
    moved = [folder, folder.parent][levels]
    with closing(SqlStore.from_url(f"sqlite:///{folder}/gate.db")) as store:
        store.issue(log_in(session_id=LIVE))
        moved.rename(tmp_path / "away")

        with pytest.raises(StoreUnavailable):
            store.rotate(present(LIVE))

        (tmp_path / "away").rename(moved)
        assert store.rotate(present(LIVE)).kind is RotationKind.ROTATED


def test_a_link_that_was_deleted_is_noticed(url: str, link: Path) -> None:
    fill(url)
    with closing(SqlStore.from_url(f"sqlite:///{link}")) as linked:
        assert linked.is_revoked(LIVE, None) is False
        link.unlink()

        with pytest.raises(StoreUnavailable):
            linked.is_revoked(LIVE, None)


def test_a_rotation_looks_at_the_file_now_and_then_and_a_check_each_time(
    path: Path, url: str
) -> None:
    fill(url)
    with closing(SqlStore.from_url(url)) as store:
        for generation in range(2):
            assert store.rotate(present(LIVE, generation)).kind is RotationKind.ROTATED
        path.rename(path.with_name("away.db"))
        with pytest.raises(StoreUnavailable):
            store.is_revoked(LIVE, None)
        runner: Any = store._runner
        runner._writers[False].look_at = 0.0  # some milliseconds have passed

        with pytest.raises(StoreUnavailable):
            store.rotate(present(LIVE, 2))
