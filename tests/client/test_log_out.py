"""Logging out ends the session, whatever is under way at that moment."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from gatepass.errors import GatepassError, StoreUnavailable
from gatepass.httpx import FileTokens, MemoryTokens, TokenAuth, Tokens, TokenStorage
from gatepass.httpx._refresher import Flight
from tests.budget import PATIENCE_S
from tests.client.conftest import Caller
from tests.client.world import World


@pytest.fixture(params=["memory", "file"])
def storage(request: pytest.FixtureRequest, world: World) -> TokenStorage:
    kept: TokenStorage = MemoryTokens()
    if request.param == "file":
        kept = FileTokens(request.getfixturevalue("tmp_path") / "tokens.json")
    kept.save(world.tokens())
    return kept


def _landed(auth: TokenAuth, tokens: Tokens) -> Flight:
    flight = auth._refresher.renew(tokens)
    flight.done.result(PATIENCE_S)
    return flight


def is_over(world: World, tokens: Tokens) -> bool:
    """Whether the server takes neither token of a pair."""
    auth = TokenAuth(f"{world.url}/auth", tokens=MemoryTokens(tokens), now=world.clock)
    with pytest.raises(Exception, match="revoked"):
        _landed(auth, tokens).outcome()
    return True


def test_a_log_out_ends_the_session_here_and_there(
    world: World, caller: Caller, storage: TokenStorage
) -> None:
    auth = world.auth(storage)
    tokens = storage.load()
    assert tokens is not None
    caller.log_out(auth)

    assert storage.load() is None
    assert caller.refusal(auth, f"{world.url}/private") == "TokenMissing"
    assert is_over(world, tokens)
    caller.log_out(auth)


def test_a_log_out_during_a_refresh_wins(
    world: World, caller: Caller, storage: TokenStorage
) -> None:
    auth = world.auth(storage)
    tokens = storage.load()
    assert tokens is not None
    with refreshing(world, auth) as outcomes:
        caller.log_out(auth)

    assert outcomes == ["TokenMissing"]
    assert storage.load() is None
    assert world.requests == 0
    assert is_over(world, tokens)


@contextmanager
def refreshing(world: World, auth: TokenAuth) -> Iterator[list[str]]:
    """A request whose refresh is answered at the end; its outcome."""
    world.expire()
    world.faults.may_answer.clear()
    found: list[str] = []
    waiting = threading.Thread(target=lambda: found.append(_outcome(auth, f"{world.url}/private")))
    waiting.start()
    assert world.faults.was_asked_to_refresh.wait(PATIENCE_S)
    yield found
    world.faults.may_answer.set()
    waiting.join(PATIENCE_S)


def _outcome(auth: TokenAuth, url: str) -> str:
    try:
        return str(httpx.get(url, auth=auth).status_code)
    except GatepassError as error:
        return type(error).__name__


def test_a_log_in_during_a_refresh_wins(
    world: World, caller: Caller, storage: TokenStorage
) -> None:
    auth = world.auth(storage)
    with refreshing(world, auth) as outcomes:
        auth.log_in(world.log_in())
        again = storage.load()

    assert outcomes == ["200"]
    assert storage.load() == again
    assert caller.get(auth, f"{world.url}/private").status_code == 200


@pytest.mark.parametrize("status", [500, 401])
def test_a_log_out_that_was_not_confirmed_is_no_success(
    status: int, world: World, caller: Caller, storage: TokenStorage
) -> None:
    auth = world.auth(storage)
    tokens = storage.load()
    world.faults.scripts["/auth/logout"] = [(status, b'{"code": "refresh_missing"}', {})]
    with pytest.raises(StoreUnavailable):
        caller.log_out(auth)

    assert storage.load() == tokens
    world.faults.scripts.clear()
    caller.log_out(auth)
    assert storage.load() is None
