"""When a client refreshes, how often, and what it does with the answer."""

import asyncio
from collections.abc import Iterator

import httpx

from gatepass.httpx import MemoryTokens, Tokens
from tests.budget import PATIENCE_S
from tests.cases import case
from tests.client.conftest import Caller
from tests.client.world import LIFETIME_S, World

REFUSED = (401, b"{}", {"www-authenticate": 'Bearer error="invalid_token"'})
PASS: tuple[int, bytes, dict[str, str]] = (0, b"", {})


def test_a_fresh_token_is_sent_as_it_is(world: World, caller: Caller) -> None:
    auth = world.auth()

    assert caller.get(auth, f"{world.url}/private").json() == {"subject": "user-ada"}
    assert world.refreshes == 0


def test_many_requests_with_an_expired_token_make_one_refresh(world: World, caller: Caller) -> None:
    auth = world.auth()
    world.expire()

    assert caller.outcomes(auth, f"{world.url}/private") == ["200"] * 50
    assert world.refreshes == 1
    assert world.requests == 50


def test_many_refused_requests_make_one_refresh(world: World, caller: Caller) -> None:
    auth = world.auth(MemoryTokens(_never_due(world.tokens())))
    world.expire()

    assert caller.outcomes(auth, f"{world.url}/private") == ["200"] * 50
    assert world.refreshes == 1


def _never_due(tokens: Tokens) -> Tokens:
    """As a client sees them whose clock is far behind."""
    return Tokens(
        access_token=tokens.access_token,
        refresh_token=tokens.refresh_token,
        expires_at=tokens.expires_at + 1e9,
        lifetime=tokens.lifetime,
    )


def test_a_cancelled_leader_takes_nobody_with_it(world: World) -> None:
    auth = world.auth()
    world.expire()
    world.faults.may_answer.clear()

    async def race() -> list[httpx.Response | BaseException]:
        async with httpx.AsyncClient(auth=auth) as client:
            tasks = [asyncio.create_task(client.get(f"{world.url}/private")) for _ in range(50)]
            assert await asyncio.to_thread(world.faults.was_asked_to_refresh.wait, PATIENCE_S)
            tasks[0].cancel()
            await asyncio.sleep(0)
            world.faults.may_answer.set()
            return await asyncio.gather(*tasks, return_exceptions=True)

    leader, *others = asyncio.run(race())

    assert isinstance(leader, asyncio.CancelledError)
    assert [r.status_code for r in others if isinstance(r, httpx.Response)] == [200] * 49
    assert world.refreshes == 1


def test_a_refused_token_is_traded_once_and_the_request_repeated(
    world: World, caller: Caller
) -> None:
    auth = world.auth()
    refused = {"www-authenticate": 'Bearer error="invalid_token", error_description="Expired"'}
    world.faults.scripts["/private"] = [(403, b"{}", refused), PASS]
    response = caller.send(auth, "GET", f"{world.url}/private")

    assert response.json() == {"subject": "user-ada"}
    assert (world.requests, world.refreshes) == (2, 1)


def test_a_server_that_always_says_401_is_asked_twice(world: World, caller: Caller) -> None:
    auth = world.auth()
    world.faults.scripts["/private"] = [REFUSED]

    assert caller.get(auth, f"{world.url}/private").status_code == 401
    assert (world.requests, world.refreshes) == (2, 1)
    assert caller.get(auth, f"{world.url}/private").status_code == 401
    assert (world.requests, world.refreshes) == (3, 1)


UNHELPFUL = [
    (401, 'Bearer error="insufficient_user_authentication"'),
    (403, 'Bearer error="insufficient_scope"'),
    (401, "Bearer"),
    (401, 'Basic realm="invalid_token"'),
    (400, 'Bearer error="invalid_token"'),
    (401, None),
]


def test_what_no_new_token_would_help_is_not_repeated(world: World, caller: Caller) -> None:
    for number, (status, challenge) in enumerate(UNHELPFUL, 1):
        headers = {} if challenge is None else {"www-authenticate": challenge}
        world.faults.scripts["/private"] = [(status, b"", headers)]

        with case(status, challenge):
            assert caller.get(world.auth(), f"{world.url}/private").status_code == status
            assert (world.requests, world.refreshes) == (number, 0)


def test_a_body_that_can_be_sent_once_only_is_not_repeated(world: World, caller: Caller) -> None:
    auth = world.auth()
    world.faults.scripts["/private"] = [REFUSED]

    def once() -> Iterator[bytes]:
        yield b"piece"

    async def async_once() -> object:
        for piece in once():
            yield piece

    content = once() if caller.twin == "sync" else async_once()
    response = caller.send(auth, "POST", f"{world.url}/private", content=content)

    assert response.status_code == 401
    assert world.requests == 1


def test_a_token_is_traded_shortly_before_it_expires_while_it_still_serves(
    world: World, caller: Caller
) -> None:
    auth = world.auth()
    world.clock.now += LIFETIME_S - 80
    caller.get(auth, f"{world.url}/private")
    assert world.refreshes == 0
    world.faults.may_answer.clear()
    world.clock.now += 55
    assert caller.get(auth, f"{world.url}/private").status_code == 200
    assert world.faults.was_asked_to_refresh.wait(PATIENCE_S)
    assert caller.get(auth, f"{world.url}/private").status_code == 200
    world.faults.may_answer.set()

    assert world.refreshes == 1


def test_clients_do_not_all_refresh_at_the_same_moment() -> None:
    tokens = Tokens(access_token="a", refresh_token="r", expires_at=1000, lifetime=900)

    assert tokens.due_at(0) == 970
    assert tokens.due_at(1) == 925
    assert Tokens(access_token="a", refresh_token="r", expires_at=10, lifetime=10).due_at(0) == 8
    assert Tokens(access_token="a", refresh_token="r", expires_at=2, lifetime=2).due_at(0) == 0.5
