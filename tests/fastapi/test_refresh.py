"""Refreshing: the successor, every refusal, and racing clients."""

import asyncio
import json
from typing import Any

import anyio
import pytest

from gatepass import TokenIssuer
from gatepass.asgi import messages
from gatepass.jose import SharedKey, sign, verify
from tests.fastapi.answers import assert_refused, assert_unstored
from tests.fastapi.world import REFRESH_SECRET, World

pytestmark = pytest.mark.anyio
DAY = 86_400


async def test_a_refresh_answers_like_a_log_in_and_keeps_the_session(world: World) -> None:
    pair = await world.log_in()
    world.clock.now += 60
    response = await world.refresh(pair["refresh_token"])
    successor = response.json()

    assert_unstored(response)
    assert list(successor) == list(pair)
    assert successor["session_id"] == pair["session_id"]
    assert successor["refresh_token"] != pair["refresh_token"]
    assert (await world.get("/private", successor["access_token"])).json() == {
        "subject": "user-ada"
    }


@pytest.mark.parametrize("body", [b"", b"{}", b'{"refresh_token":""}', b'{"refresh_token":null}'])
async def test_a_refresh_without_a_token_says_so(world: World, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    response = await world.client.post("/auth/refresh", content=body, headers=headers)

    assert_refused(response, "refresh_missing")


@pytest.mark.parametrize(
    "body", [b"[]", b"{", b'{"refresh_token":1}', b'{"refresh_token":"a","refresh_token":"b"}']
)
async def test_a_malformed_body_is_an_invalid_request(world: World, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    response = await world.client.post("/auth/refresh", content=body, headers=headers)

    assert_refused(response, "invalid_request")


@pytest.mark.parametrize("how", ["hangs up", "drips"])
async def test_a_client_that_hangs_up_or_drips_in_the_middle_of_its_body_spends_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(messages, "BODY_S", 0.05)
    pair = await world.log_in()
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/auth/refresh",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
    }
    body = json.dumps({"refresh_token": pair["refresh_token"]}).encode()
    arriving: list[dict[str, Any]] = [
        {"type": "http.request", "body": body, "more_body": True},
        {"type": "http.disconnect"},
    ]
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        if how == "drips" and len(arriving) == 1:
            await anyio.sleep_forever()
        return arriving.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    await world.app(scope, receive, send)
    (session,) = await world.manager.sessions("user-ada")

    assert sent[0]["status"] == 400
    assert session.generation == 0


async def test_forged_malformed_and_foreign_refresh_tokens_are_one_answer(world: World) -> None:
    pair = await world.log_in()
    header, payload, _ = pair["refresh_token"].split(".")
    stranger = SharedKey.from_secret(REFRESH_SECRET[::-1])
    genuine = verify(pair["refresh_token"], SharedKey.from_secret(REFRESH_SECRET)).payload
    own_key = SharedKey.from_secret(REFRESH_SECRET)
    one_purpose = TokenIssuer(
        own_key, issuer="api-server", audience="api-client", lifetime=60, typ="reset+jwt"
    ).issue("user-ada")

    for token in (
        "not-a-token",
        f"{header}.{payload}.",
        f"{pair['refresh_token']}=",
        sign(genuine, stranger, typ="rt+jwt"),
        one_purpose,
        pair["access_token"],
        "a" * 60_000,
    ):
        assert_refused(await world.refresh(token), "refresh_invalid")
    assert_unstored(await world.refresh(pair["refresh_token"]))


async def test_a_forged_secret_of_a_known_session_is_refused_and_changes_nothing(
    world: World,
) -> None:
    pair = await world.log_in()
    key = SharedKey.from_secret(REFRESH_SECRET)
    genuine = verify(pair["refresh_token"], key).payload
    at = genuine.index(b'"sec":"') + len(b'"sec":"')
    letter = b"A" if genuine[at : at + 1] != b"A" else b"B"
    forged = sign(genuine[:at] + letter + genuine[at + 1 :], key, typ="rt+jwt")

    assert_refused(await world.refresh(forged), "refresh_invalid")
    assert_unstored(await world.refresh(pair["refresh_token"]))


async def test_an_idle_session_expires(world: World) -> None:
    pair = await world.log_in()
    world.clock.now += 7 * DAY

    assert_refused(await world.refresh(pair["refresh_token"]), "refresh_expired")


async def test_a_session_ends_for_good_after_thirty_days(world: World) -> None:
    token = (await world.log_in())["refresh_token"]
    for _ in range(5):
        world.clock.now += 6 * DAY - 1
        response = await world.refresh(token)
        token = response.json()["refresh_token"]
    world.clock.now += 5

    assert_refused(await world.refresh(token), "refresh_expired")


async def test_a_revoked_session_is_told_as_revoked(world: World) -> None:
    pair = await world.log_in()
    await world.manager.revoke_session(pair["session_id"])

    assert_refused(await world.refresh(pair["refresh_token"]), "refresh_revoked")


async def test_a_disabled_subject_is_refused_and_the_token_is_not_spent(world: World) -> None:
    pair = await world.log_in()
    world.disabled.add("ada")
    refused = await world.refresh(pair["refresh_token"])
    world.disabled.clear()

    assert_refused(refused, "refresh_revoked")
    assert_unstored(await world.refresh(pair["refresh_token"]))


async def test_reusing_a_refresh_token_ends_the_session(world: World) -> None:
    pair = await world.log_in()
    successor = (await world.refresh(pair["refresh_token"])).json()
    world.clock.now += 11

    assert_refused(await world.refresh(pair["refresh_token"]), "refresh_reused")
    assert_refused(await world.refresh(successor["refresh_token"]), "refresh_revoked")
    assert_refused(await world.get("/private", successor["access_token"]), "token_revoked")


async def test_twenty_racing_refreshes_are_all_served_with_one_successor(world: World) -> None:
    pair = await world.log_in()
    responses = await asyncio.gather(*(world.refresh(pair["refresh_token"]) for _ in range(20)))
    (session,) = await world.manager.sessions("user-ada")

    for response in responses:
        assert_unstored(response)
    assert len({response.json()["refresh_token"] for response in responses}) == 1
    assert session.generation == 1
