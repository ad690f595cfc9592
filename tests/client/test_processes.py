"""Attacks on the process of a client: forked, killed in the middle, without descriptors."""

import asyncio
import logging
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from gatepass.errors import SettingsRejected, StoreUnavailable, TokenMissing
from gatepass.httpx import FileTokens, MemoryTokens, TokenAuth, Tokens
from tests.budget import PATIENCE_S, until
from tests.children import Child
from tests.client.world import World
from tests.remote.test_attacks import no_descriptor_left


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_moment_without_descriptors_does_not_end_refreshing_for_ever(world: World) -> None:
    now = [100.0]
    auth = TokenAuth(
        f"{world.url}/auth",
        tokens=MemoryTokens(),
        now=world.clock,
        steady=lambda: now[0],
    )
    answer = world.log_in()
    world.expire()

    def outcomes() -> str:
        auth.log_in(answer)
        world.expire()
        with httpx.Client(auth=auth) as client:
            with no_descriptor_left():
                try:
                    client.get(f"{world.url}/private")
                except StoreUnavailable as error:
                    first = type(error).__name__
            now[0] += 60
            return f"{first} {client.get(f'{world.url}/private').status_code}"

    assert Child(outcomes).answer() == "StoreUnavailable 200"


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_does_not_trade_its_parents_pair(world: World) -> None:
    auth = world.auth()
    world.expire()

    def outcome() -> str:
        try:
            url = f"{world.url}/private"
            return str(httpx.get(url, auth=auth).status_code)
        except TokenMissing as error:
            return type(error).__name__

    assert Child(outcome).answer() == "TokenMissing"
    assert outcome() == "200"


def test_a_link_in_place_of_a_lock_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "tokens.json.saving").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreUnavailable, match="locked"):
        FileTokens(tmp_path / "tokens.json").save(None)

    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("is_log_out", [False, True])
def test_what_a_killed_process_left_behind_is_gone_after_the_next_change(
    is_log_out: bool,  # noqa: FBT001
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pair = Tokens(access_token="a", refresh_token="b", expires_at=9e9, lifetime=1)
    storage = FileTokens(tmp_path / "tokens.json")
    storage.save(pair)

    def killed() -> str:
        monkeypatch.setattr("os.fsync", lambda _: os.kill(os.getpid(), signal.SIGKILL))
        storage.save(pair)
        return "not killed"

    assert Child(killed).answer() == ""
    assert len(list(tmp_path.iterdir())) == 3
    assert storage.load() == pair
    storage.save(None if is_log_out else pair)
    left = {"tokens.json.saving"} if is_log_out else {"tokens.json.saving", "tokens.json"}
    assert {each.name for each in tmp_path.iterdir()} == left


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a file away")
def test_a_pair_that_another_user_put_there_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    FileTokens(path).save(Tokens(access_token="a", refresh_token="b", expires_at=9e9, lifetime=1))
    os.chown(path, 65534, 65534)

    with pytest.raises(SettingsRejected, match="yours alone"):
        FileTokens(path).load()


def test_a_refresh_whose_every_caller_is_gone_is_kept_all_the_same(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """The loop is closed too; a pair that nobody kept would end the session at the next try."""
    storage = MemoryTokens(world.tokens())
    auth = world.auth(storage)
    before = storage.load()
    world.expire()
    world.faults.may_answer.clear()

    async def give_up() -> None:
        async with httpx.AsyncClient(auth=auth) as client:
            asked = asyncio.create_task(client.get(f"{world.url}/private"))
            assert await asyncio.to_thread(world.faults.was_asked_to_refresh.wait, PATIENCE_S)
            asked.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asked

    with asyncio.Runner() as runner:
        runner.run(give_up())
    world.faults.may_answer.set()
    until(lambda: storage.load() != before)

    assert httpx.get(f"{world.url}/private", auth=auth).status_code == 200
    assert world.refreshes == 1
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_program_killed_in_its_refresh_asks_again_at_its_next_start(
    world: World, tmp_path: Path
) -> None:
    """The server has rotated, and repeats its answer for the leeway; later it ends the session."""
    path = tmp_path / "tokens.json"
    FileTokens(path).save(world.tokens())
    before = FileTokens(path).load()
    challenge = {"www-authenticate": 'Bearer error="invalid_token"'}
    world.faults.scripts["/private"] = [(401, b"", challenge), (0, b"", {})]
    world.faults.may_answer.clear()

    def get() -> str:
        return httpx.get(f"{world.url}/private", auth=world.auth(FileTokens(path))).text

    killed = Child(get)
    assert world.faults.was_asked_to_refresh.wait(PATIENCE_S)
    os.kill(killed.pid, signal.SIGKILL)
    assert killed.answer() == ""
    assert FileTokens(path).load() == before

    world.faults.may_answer.set()
    world.clock.now += 5
    next_start = world.auth(FileTokens(path))
    assert httpx.get(f"{world.url}/private", auth=next_start).status_code == 200
    until(lambda: FileTokens(path).load() != before)
    world.expire()
    assert httpx.get(f"{world.url}/private", auth=next_start).status_code == 200
    assert world.refreshes == 3


def test_one_auth_serves_several_loops_with_one_refresh(world: World) -> None:
    auth = world.auth()
    world.expire()

    async def one() -> int:
        async with httpx.AsyncClient(auth=auth) as client:
            return (await client.get(f"{world.url}/private")).status_code

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda _: asyncio.run(one()), range(8))) == [200] * 8
    assert world.refreshes == 1
