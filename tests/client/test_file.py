"""A pair in a file: private, whole, and shared by processes that refresh once between them."""

import fcntl
import itertools
import multiprocessing
import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from gatepass.errors import SettingsRejected, StoreUnavailable
from gatepass.httpx import FileTokens, TokenAuth, Tokens
from tests.budget import PATIENCE_S
from tests.children import Child
from tests.client.world import World

TOKENS = Tokens(access_token="aaa.bbb.ccc", refresh_token="ddd.eee.fff", expires_at=9e9, lifetime=1)
OTHERS = Tokens(access_token="ggg.hhh.iii", refresh_token="jjj.kkk.lll", expires_at=9e9, lifetime=1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tokens.json"


def test_a_saved_pair_is_loaded_by_another_process(path: Path) -> None:
    FileTokens(path).save(TOKENS)

    assert FileTokens(path).load() == TOKENS


def test_no_file_is_no_pair(path: Path) -> None:
    tokens = FileTokens(path)

    assert tokens.load() is None
    tokens.save(None)
    tokens.save(TOKENS)
    tokens.save(None)
    assert tokens.load() is None
    assert not path.exists()


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o277])
def test_everything_is_its_owners_alone(umask: int, path: Path) -> None:
    before = os.umask(umask)
    try:
        tokens = FileTokens(path)
        tokens.save(TOKENS)
    finally:
        os.umask(before)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert all(stat.S_IMODE(file.stat().st_mode) & 0o077 == 0 for file in path.parent.iterdir())


def test_a_change_by_another_is_seen_at_once(path: Path) -> None:
    mine, theirs = FileTokens(path), FileTokens(path)
    mine.save(TOKENS)
    assert theirs.load() == TOKENS
    for number in range(20):
        pair = Tokens(
            access_token=f"a{number % 7}.b.c", refresh_token="d.e.f", expires_at=9e9, lifetime=1
        )
        mine.save(pair)
        assert theirs.load() == pair
    mine.save(None)
    assert theirs.load() is None


def test_a_pair_is_replaced_only_where_it_is_the_expected_one(path: Path) -> None:
    tokens = FileTokens(path)
    assert not tokens.replace(TOKENS, OTHERS)
    tokens.save(TOKENS)

    assert tokens.replace(TOKENS, OTHERS)
    assert not tokens.replace(TOKENS, None)
    assert tokens.load() == OTHERS


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_file_that_others_may_read_is_refused(mode: int, path: Path) -> None:
    FileTokens(path).save(TOKENS)
    path.chmod(mode)

    with pytest.raises(SettingsRejected, match="chmod 600"):
        FileTokens(path).load()


@pytest.mark.parametrize(
    "octets",
    [b"", b"[]", b"{}", b'{"access_token": 7}', b"\xff", b"[" * 9000, b'{"access_token": "a b"}'],
)
def test_a_file_with_something_else_in_it_is_refused(octets: bytes, path: Path) -> None:
    path.touch(0o600)
    path.write_bytes(octets)

    with pytest.raises(SettingsRejected, match="log in again"):
        FileTokens(path).load()


def test_a_link_a_folder_and_a_pipe_are_refused(path: Path) -> None:
    FileTokens(path.with_name("real")).save(TOKENS)
    make: list[Callable[[], object]] = [
        lambda: path.symlink_to("real"),
        path.mkdir,
        lambda: os.mkfifo(path, 0o600),
    ]
    for each in make:
        each()
        with pytest.raises((SettingsRejected, StoreUnavailable)):
            FileTokens(path).load()
        path.rename(path.with_name(f"was-{make.index(each)}"))


def test_a_folder_that_is_missing_is_an_outage(tmp_path: Path) -> None:
    tokens = FileTokens(tmp_path / "nowhere" / "tokens.json")

    assert tokens.load() is None
    with pytest.raises(StoreUnavailable, match="No such file"):
        tokens.save(TOKENS)


def test_nothing_is_left_when_the_disk_is_full(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = FileTokens(path)
    tokens.save(TOKENS)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StoreUnavailable, match="No space"):
        tokens.save(OTHERS)
    monkeypatch.undo()

    assert FileTokens(path).load() == TOKENS
    assert len(list(path.parent.glob("tokens.json.*"))) == 1


def test_one_at_a_time_refreshes_and_waiting_for_it_ends(path: Path) -> None:
    mine, theirs = FileTokens(path), FileTokens(path)
    with mine.refreshing(1) as is_mine, theirs.refreshing(0.1) as is_theirs:
        assert (is_mine, is_theirs) == (True, False)
        theirs.save(TOKENS)
    with theirs.refreshing(0) as is_theirs:
        assert is_theirs


def test_a_process_that_dies_lets_go_of_the_lock(path: Path) -> None:
    forks = multiprocessing.get_context("spawn")
    child = forks.Process(target=_hold_and_die, args=(str(path),))
    child.start()
    child.join(PATIENCE_S)

    assert child.exitcode == 7
    with FileTokens(path).refreshing(0) as is_held:
        assert is_held


def _hold_and_die(path: str) -> None:
    with FileTokens(path).refreshing(1):
        os._exit(7)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_forked_meanwhile_does_not_keep_the_lock(path: Path) -> None:
    reading, writing = os.pipe()
    with FileTokens(path).refreshing(1):
        child = Child(lambda: os.read(reading, 1).decode())
    try:
        with FileTokens(path).refreshing(0) as is_held:
            assert is_held
    finally:
        os.write(writing, b"x")
        assert child.answer() == "x"
        os.close(reading)
        os.close(writing)


def test_a_refresh_goes_on_without_a_lock_that_nobody_lets_go_of(
    world: World, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    FileTokens(path).save(world.tokens())
    world.expire()
    monkeypatch.setattr("gatepass.httpx._refresher.LOCK_S", 0.1)
    with Path(f"{path}.refreshing").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        response = httpx.get(f"{world.url}/private", auth=world.auth(FileTokens(path)))

    assert response.status_code == 200
    assert world.refreshes == 1


@pytest.mark.workers
def test_two_processes_on_one_file_refresh_once_and_stay_logged_in(path: Path) -> None:
    """Without a leeway each refresh of a superseded token would end the session."""
    with World(rotation_leeway=0).serve() as world:
        FileTokens(path).save(world.tokens())
        spawn = multiprocessing.get_context("spawn")
        together: Any = spawn.Barrier(3)
        answers: Any = spawn.SimpleQueue()
        processes = [
            spawn.Process(target=_use, args=(world.url, str(path), together, answers))
            for _ in range(2)
        ]
        for process in processes:
            process.start()
        together.wait(PATIENCE_S)
        for turn in range(5):
            world.expire()
            together.wait(PATIENCE_S)
            together.wait(PATIENCE_S)
            assert world.refreshes == turn + 1
        for process in processes:
            process.join(PATIENCE_S)
        statuses = answers.get() + answers.get()

    assert statuses == [200] * 2 * 5 * 20


def _use(url: str, path: str, together: Any, answers: Any) -> None:
    """Twenty requests at once, five times, each time with a token that has expired."""
    minutes = itertools.count()
    now = [0.0]
    auth = TokenAuth(f"{url}/auth", tokens=FileTokens(path), steady=lambda: now[0])
    statuses: list[int] = []
    together.wait(PATIENCE_S)
    with httpx.Client(auth=auth) as client:
        for _ in range(5):
            together.wait(PATIENCE_S)
            now[0] = 60.0 * next(minutes)
            threads = [
                threading.Thread(
                    target=lambda: statuses.append(client.get(f"{url}/private").status_code)
                )
                for _ in range(20)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            together.wait(PATIENCE_S)
    answers.put(statuses)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_forked_during_a_refresh_waits_for_it_and_uses_it(world: World, path: Path) -> None:
    FileTokens(path).save(world.tokens())
    auth = world.auth(FileTokens(path))
    world.expire()
    world.faults.may_answer.clear()
    url = f"{world.url}/private"
    statuses: list[int] = []
    waiting = threading.Thread(
        target=lambda: statuses.append(httpx.get(url, auth=auth).status_code)
    )
    waiting.start()
    assert world.faults.was_asked_to_refresh.wait(PATIENCE_S)
    child = Child(lambda: str(httpx.get(url, auth=auth).status_code))
    world.faults.may_answer.set()
    waiting.join(PATIENCE_S)

    assert child.answer() == "200"
    assert statuses == [200]
    assert world.refreshes == 1
