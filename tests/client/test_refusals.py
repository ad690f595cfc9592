"""What a client does when the auth server fails or refuses, and where tokens may go."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from gatepass.errors import SettingsRejected, StoreUnavailable, TokenMalformed, TokenMissing
from gatepass.httpx import MemoryTokens, TokenAuth
from tests.budget import PATIENCE_S
from tests.cases import case
from tests.client.conftest import Caller
from tests.client.world import LIFETIME_S, World

REFUSED = (401, b"{}", {"www-authenticate": 'Bearer error="invalid_token"'})
PASS: tuple[int, bytes, dict[str, str]] = (0, b"", {})


def test_a_refresh_that_is_answered_503_is_repeated(world: World, caller: Caller) -> None:
    auth = world.auth()
    world.expire()
    world.faults.scripts["/auth/refresh"] = [(503, b"{}", {"retry-after": "0"}), PASS]

    assert caller.get(auth, f"{world.url}/private").status_code == 200
    assert world.refreshes == 2


def test_an_auth_server_that_is_down_costs_no_session(world: World, caller: Caller) -> None:
    now = [100.0]
    auth = world.auth(steady=lambda: now[0])
    world.expire()
    world.faults.scripts["/auth/refresh"] = [(503, b"{}", {"retry-after": "7"})]
    url = f"{world.url}/private"

    assert caller.refusal(auth, url) == "StoreUnavailable"
    assert world.refreshes == 1
    now[0] += 6
    with pytest.raises(StoreUnavailable) as again:
        caller.get(auth, url)
    assert again.value.retry_after == 7
    assert world.refreshes == 1
    world.faults.scripts.clear()
    now[0] += 2
    assert caller.get(auth, url).status_code == 200


def test_a_failed_early_refresh_troubles_nobody(world: World, caller: Caller) -> None:
    auth = world.auth()
    world.clock.now += LIFETIME_S - 3
    world.faults.scripts["/auth/refresh"] = [(503, b"{}", {"retry-after": "60"})]
    url = f"{world.url}/private"

    assert [caller.get(auth, url).status_code for _ in range(3)] == [200] * 3
    assert world.refreshes == 1
    world.clock.now += 4
    assert caller.refusal(auth, url) == "StoreUnavailable"


def test_an_auth_server_that_cannot_be_reached_costs_no_session(
    world: World, caller: Caller
) -> None:
    storage = MemoryTokens(world.tokens())
    world.expire()
    auth = TokenAuth("http://127.0.0.1:9/auth", tokens=storage, origins=[world.url])

    assert caller.refusal(auth, f"{world.url}/private") == "StoreUnavailable"
    assert storage.load() is not None


ENDS = {
    "refresh_revoked": "SessionRevoked",
    "refresh_expired": "SessionExpired",
    "refresh_reused": "RefreshReused",
    "refresh_invalid": "SessionUnknown",
}


def test_a_refresh_that_is_refused_ends_the_session(world: World, caller: Caller) -> None:
    for number, code in enumerate(ENDS, 1):
        auth = world.auth()
        world.expire()
        body = f'{{"error": "…", "code": "{code}"}}'.encode()
        world.faults.scripts["/auth/refresh"] = [(401, body, {})]

        assert caller.refusal(auth, f"{world.url}/private") == ENDS[code]
        assert caller.refusal(auth, f"{world.url}/private") == "TokenMissing"
        assert world.refreshes == number


OF_NO_SESSION = [
    (200, b""),
    (200, b"[]"),
    (200, b"{}"),
    (200, b"[" * 60_000),
    (200, b'{"access_token": "a\\r\\nb", "refresh_token": "c", "expires_in": 900}'),
    (200, b'{"access_token": "a", "refresh_token": 7, "expires_in": 900}'),
    (200, b'{"access_token": "a", "refresh_token": "b", "expires_in": "900"}'),
    (200, b'{"access_token": "a", "refresh_token": "b", "expires_in": 1e999}'),
    (200, b'{"access_token": "a", "refresh_token": "b"}'),
    (400, b'{"code": "invalid_request"}'),
    (401, b'{"code": "refresh_missing"}'),
    (401, b'{"code": "invalid_credentials"}'),
    (403, b'{"code": "csrf_failed"}'),
    (403, b'{"code": "https_required"}'),
    (404, b'{"code": "session_unknown"}'),
    (408, b""),
    (429, b'{"code": "rate_limited"}'),
    (400, b'{"error": "invalid_request"}'),
    (400, b'{"error": "invalid_client"}'),
    (302, b'{"code": "refresh_revoked"}'),
    (404, b"not here"),
    (401, b"<html>"),
    (403, b'{"code": 7}'),
]
"""Answers to a refresh that hold no pair, and do not say that the session is over."""


def test_an_answer_that_says_nothing_of_the_session_does_not_end_it(
    world: World, caller: Caller
) -> None:
    tokens = world.tokens()
    storage = MemoryTokens(tokens)
    world.expire()
    for status, body in OF_NO_SESSION:
        world.faults.scripts["/auth/refresh"] = [(status, body, {"retry-after": "7"})]

        with case(status, body):
            assert caller.refusal(world.auth(storage), f"{world.url}/private") == "StoreUnavailable"
            assert storage.load() == tokens


def test_a_session_that_was_revoked_ends_with_its_reason(world: World, caller: Caller) -> None:
    auth = world.auth()
    revoked = world.manager.revoke_subject("user-ada", reason="test")
    with asyncio.Runner() as runner:
        runner.run(revoked)

    assert caller.refusal(auth, f"{world.url}/private") == "SessionRevoked"
    assert caller.refusal(auth, f"{world.url}/private") == "TokenMissing"


def test_tokens_go_to_no_origin_that_was_not_named(world: World, caller: Caller) -> None:
    auth = world.auth()
    with World().serve() as other:
        with pytest.raises(SettingsRejected, match="origins"):
            caller.get(auth, f"{other.url}/private")
        assert other.requests == 0

        known = TokenAuth(f"{world.url}/auth", tokens=MemoryTokens(world.tokens()),
                          origins=[other.url])  # fmt: skip
        assert caller.get(known, f"{other.url}/private").status_code == 403


@pytest.mark.parametrize("url", ["http://id.example.org/auth", "ftp://127.0.0.1/", "", "auth"])
def test_an_address_that_is_not_https_is_refused(url: str) -> None:
    with pytest.raises(SettingsRejected):
        TokenAuth(url)
    with pytest.raises(SettingsRejected):
        TokenAuth("https://id.example.org/auth", origins=[url])


def test_a_lone_text_is_no_collection_of_origins() -> None:
    with pytest.raises(SettingsRejected, match="collection"):
        TokenAuth("https://id.example.org/auth", origins="https://api.example.org")


def test_nobody_logged_in_is_said_before_anything_is_sent(world: World, caller: Caller) -> None:
    auth = world.auth(MemoryTokens())
    with pytest.raises(TokenMissing):
        caller.get(auth, f"{world.url}/private")

    assert world.requests == 0


def test_an_answer_to_a_log_in_without_tokens_is_refused(world: World) -> None:
    with pytest.raises(TokenMalformed):
        world.auth(MemoryTokens()).log_in({"error": "Invalid credentials"})


def test_no_request_of_a_caller_holds_the_refresh_back(world: World) -> None:
    auth = world.auth()
    may_end = threading.Event()
    began = threading.Event()

    def slowly() -> Iterator[bytes]:
        began.set()
        may_end.wait(PATIENCE_S)
        yield b"end"

    with httpx.Client(auth=auth) as client, ThreadPoolExecutor(1) as pool:
        slow = pool.submit(client.post, f"{world.url}/auth/logout", content=slowly())
        assert began.wait(PATIENCE_S)
        world.expire()
        assert client.get(f"{world.url}/private").status_code == 200
        may_end.set()
        slow.result()

    assert world.refreshes == 1


def test_the_text_of_tokens_and_auth_holds_no_token(world: World) -> None:
    tokens = world.tokens()
    auth = world.auth(MemoryTokens(tokens))

    assert tokens.access_token not in repr(tokens)
    assert tokens.refresh_token not in repr((tokens, auth, vars(auth)))


def test_an_auth_server_that_hangs_costs_a_while_and_no_session(
    world: World, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gatepass.httpx._server._HOLD_S", 0.3)
    storage = MemoryTokens(world.tokens())
    auth = world.auth(storage)
    world.expire()
    world.faults.may_answer.clear()

    assert caller.refusal(auth, f"{world.url}/private") == "StoreUnavailable"
    assert storage.load() is not None


def test_a_process_that_can_have_no_thread_says_so(
    world: World, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    auth = world.auth()
    world.expire()

    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("threading.Thread.start", refuse)
    with pytest.raises(StoreUnavailable, match="another thread"):
        caller.get(auth, f"{world.url}/private")


def test_a_response_in_place_of_its_members_is_told(world: World) -> None:
    response: Any = httpx.Response(200, json={})

    with pytest.raises(TypeError, match=r"not Response: give it response\.json\(\)"):
        world.auth(MemoryTokens()).log_in(response)
