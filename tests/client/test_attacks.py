"""Attacks on a client that keeps itself signed in: what it is told, and what it has left."""

import threading
import time
from typing import Any

import httpx
import pytest

from gatepass.errors import StoreUnavailable, TokenMalformed
from gatepass.httpx import MemoryTokens, Tokens
from tests.budget import PATIENCE_S
from tests.client.conftest import Caller
from tests.client.world import World
from tests.remote.issuer import Issuer, reply

PASS: tuple[int, bytes, dict[str, str]] = (0, b"", {})


def test_a_proxy_in_the_environment_does_not_see_a_refresh_token(
    world: World, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    auth = world.auth()
    with Issuer() as proxy, httpx.Client(auth=auth, trust_env=False) as client:
        for name in ("HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name.lower(), proxy.name)
        world.expire()
        response = client.get(f"{world.url}/private")
        caller.log_out(auth)

        assert proxy.heads == []
    assert response.status_code == 200


@pytest.mark.parametrize("follows", [False, True])
def test_a_redirect_to_another_origin_leaks_no_token(
    follows: bool,  # noqa: FBT001
    world: World,
    caller: Caller,
) -> None:
    auth = world.auth()
    with Issuer() as elsewhere:
        challenge = 'Bearer error="invalid_token"'
        elsewhere.scripts["/x"] = reply(b"", "401 No", WWW_Authenticate=challenge)
        world.faults.scripts["/private"] = [(302, b"", {"location": f"{elsewhere.name}/x"})]
        for _ in range(3):
            caller.send(auth, "GET", f"{world.url}/private", follow_redirects=follows)

        assert len(elsewhere.asked) == (4 if follows else 0)
        assert not any("authorization" in head.lower() for head in elsewhere.heads)
    assert world.refreshes <= 1


@pytest.mark.parametrize(
    "answer",
    [
        {"access_token": "", "refresh_token": "b", "expires_in": 900},
        {"access_token": "a", "refresh_token": "", "expires_in": 900},
        {"access_token": "a", "refresh_token": "b", "expires_in": 900, "token_type": "DPoP"},
        {"access_token": "a", "refresh_token": "b", "expires_in": 900, "token_type": None},
        {"access_token": "a", "refresh_token": "b", "expires_in": 900, "token_type": ""},
    ],
)
def test_a_pair_that_is_none_is_not_kept(answer: dict[str, Any]) -> None:
    """RFC 6749 §7.1: a client does not use a token whose type it does not know."""
    with pytest.raises(TokenMalformed):
        Tokens.from_answer(answer, now=0)

    good = {"access_token": "a", "refresh_token": "b", "expires_in": 900}
    for spelling in ("bearer", "Bearer", "BEARER"):
        assert Tokens.from_answer({**good, "token_type": spelling}, now=0).expires_at == 900


def test_a_log_in_meanwhile_is_not_undone_by_a_log_out_that_failed(
    world: World, caller: Caller
) -> None:
    class Raced(MemoryTokens):
        """Somebody logs in right after a look that found nobody logged in."""

        has_logged_in = False

        def load(self) -> Tokens | None:
            found = super().load()
            if found is None:
                self.has_logged_in = True
                self.save(other)
            return found

    first, other = world.tokens(), world.tokens()
    storage = Raced(first)
    world.faults.scripts["/auth/logout"] = [(500, b"", {})]
    with pytest.raises(StoreUnavailable):
        caller.log_out(world.auth(storage))

    assert storage.load() == (other if storage.has_logged_in else first)


def test_an_answer_that_was_lost_is_asked_for_again_while_the_server_repeats_it(
    world: World, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rotation was done; past the server's leeway the old token would end the session."""
    monkeypatch.setattr("gatepass.httpx._server._HOLD_S", PATIENCE_S)
    monkeypatch.setattr("gatepass.httpx._server._ATTEMPT_S", 0.5)
    auth = world.auth()
    world.expire()
    world.faults.may_answer.clear()

    def answer_when_it_is_asked_again() -> None:
        while world.refreshes < 2:
            time.sleep(0.01)
        world.faults.may_answer.set()

    threading.Thread(target=answer_when_it_is_asked_again, daemon=True).start()

    assert caller.get(auth, f"{world.url}/private").status_code == 200
    assert world.refreshes >= 2


@pytest.mark.parametrize("asked_for", ["301", "9" * 5000])
def test_a_page_that_asks_for_hours_does_not_keep_a_client_away_for_hours(
    asked_for: str, world: World, caller: Caller
) -> None:
    now = [100.0]
    auth = world.auth(steady=lambda: now[0])
    world.expire()
    world.faults.scripts["/auth/refresh"] = [(503, b"", {"retry-after": asked_for}), PASS]
    with pytest.raises(StoreUnavailable) as failed:
        caller.get(auth, f"{world.url}/private")

    assert failed.value.retry_after == 300
    now[0] += 299
    assert caller.refusal(auth, f"{world.url}/private") == "StoreUnavailable"
    assert world.refreshes == 1
    now[0] += 2
    assert caller.get(auth, f"{world.url}/private").status_code == 200


@pytest.mark.parametrize(
    ("script", "outcomes", "refreshes"),
    [
        ([(503, b"", {"retry-after": "0"}), PASS], {"200"}, 2),
        ([(401, b'{"code": "refresh_revoked"}', {})], {"SessionRevoked", "TokenMissing"}, 1),
        ([(503, b"", {"retry-after": "60"})], {"StoreUnavailable"}, 1),
    ],
    ids=["503 then 200", "401", "503 for ever"],
)
def test_many_requests_at_once_share_a_refresh_that_fails(
    script: list[Any], outcomes: set[str], refreshes: int, world: World, caller: Caller
) -> None:
    auth = world.auth()
    world.expire()
    world.faults.scripts["/auth/refresh"] = list(script)

    assert set(caller.outcomes(auth, f"{world.url}/private")) <= outcomes
    assert world.refreshes == refreshes
