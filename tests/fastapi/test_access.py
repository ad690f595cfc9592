"""The protected routes: where a token is looked for, and every reason to refuse one."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from gatepass.jose import SharedKey, sign, verify
from tests.fastapi.answers import assert_refused, assert_unstored
from tests.fastapi.world import ACCESS_SECRET, START, World, bearer
from tests.leaks import Leaks

pytestmark = pytest.mark.anyio
KEY = SharedKey.from_secret(ACCESS_SECRET)
GUARDED = ["/private", "/open", "/auth/me"]


def resigned(token: str, **changes: Any) -> str:
    """The token with other claims, signed with the right key."""
    claims = json.loads(verify(token, KEY).payload) | changes
    return sign(
        {name: claims[name] for name in claims if claims[name] is not None}, KEY, typ="at+jwt"
    )


async def test_a_good_token_opens_every_route(world: World) -> None:
    token = (await world.log_in())["access_token"]

    for path in ("/private", "/open", "/admin", "/reports", "/transfer"):
        assert (await world.get(path, token)).json() == {"subject": "user-ada"}


async def test_me_answers_with_the_claims_of_the_token(world: World) -> None:
    token = (await world.log_in())["access_token"]
    response = await world.get("/auth/me", token)

    assert_unstored(response)
    assert response.headers["content-type"] == "application/json"
    assert response.json() == json.loads(verify(token, KEY).payload)


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("Authorization", "")],
        [("Authorization", "Bearer")],
        [("Authorization", "Bearer  ")],
        [("Authorization", "Basic YWRhOmNvcnJlY3QgaG9yc2U=")],
        [("X-Authorization", "Bearer abcdefgh")],
        [("Cookie", "access_token=abcdefgh")],
    ],
)
async def test_no_token_is_challenged_without_a_reason(
    world: World, headers: list[tuple[str, str]]
) -> None:
    required = await world.client.get("/private", headers=headers)
    optional = await world.client.get("/open", headers=headers)

    assert_refused(required, "token_missing")
    assert optional.json() == {"subject": None}


@pytest.mark.parametrize("path", GUARDED)
async def test_the_scheme_is_read_in_any_case(world: World, path: str) -> None:
    token = (await world.log_in())["access_token"]

    for scheme in ("bearer", "BEARER", "bEaReR"):
        response = await world.client.get(path, headers={"Authorization": f"{scheme} {token}"})
        assert response.status_code == 200


@pytest.mark.parametrize("path", GUARDED)
async def test_an_authorization_header_given_twice_is_an_invalid_request(
    world: World, path: str
) -> None:
    token = (await world.log_in())["access_token"]

    for other in (f"Bearer {token}", "Bearer x", "Basic YTpi", ""):
        headers = [("Authorization", f"Bearer {token}"), ("Authorization", other)]
        response = await world.client.get(path, headers=headers)
        assert_refused(response, "invalid_request", challenge="invalid_request")


@pytest.mark.parametrize("name", ["access_token", "token", "authorization", "jwt"])
async def test_a_token_in_the_query_string_is_ignored(world: World, name: str) -> None:
    token = (await world.log_in())["access_token"]
    response = await world.client.get("/private", params={name: token})

    assert_refused(response, "token_missing")


async def test_two_tokens_joined_into_one_header_are_refused(world: World) -> None:
    token = (await world.log_in())["access_token"]
    headers = {"Authorization": f"Bearer {token}, Bearer {token}"}
    response = await world.client.get("/private", headers=headers)

    assert (response.status_code, response.json()["code"]) == (400, "invalid_request")


FORGERIES: dict[str, Callable[[str], str]] = {
    "cut": lambda token: token[:-1],
    "padded": lambda token: token + "=",
    "blank inside": lambda token: token.replace(".", ". ", 1),
    "not a token": lambda _: "abcdefgh",
    "too long": lambda token: token + "." + "a" * 20_000,
    "another key": lambda token: sign(
        verify(token, KEY).payload, SharedKey.from_secret(ACCESS_SECRET[::-1]), typ="at+jwt"
    ),
    "another type": lambda token: sign(verify(token, KEY).payload, KEY, typ="JWT"),
    "refresh type": lambda token: sign(verify(token, KEY).payload, KEY, typ="rt+jwt"),
    "another audience": lambda token: resigned(token, aud="other-client"),
    "another issuer": lambda token: resigned(token, iss="api-server-2"),
    "no session": lambda token: resigned(token, sid=None),
    "no expiry": lambda token: resigned(token, exp=None),
}


@pytest.mark.parametrize("path", GUARDED)
@pytest.mark.parametrize("forge", FORGERIES.values(), ids=list(FORGERIES))
async def test_a_forged_token_is_refused_for_good(
    world: World, forge: Callable[[str], str], path: str
) -> None:
    token = (await world.log_in())["access_token"]

    assert_refused(await world.get(path, forge(token)), "token_invalid")


async def test_a_refresh_token_is_no_access_token(world: World) -> None:
    pair = await world.log_in()

    assert_refused(await world.get("/private", pair["refresh_token"]), "token_invalid")


@pytest.mark.parametrize("path", GUARDED)
async def test_a_token_expires_on_the_second(world: World, path: str) -> None:
    token = (await world.log_in())["access_token"]
    world.clock.now = START + 899
    before = await world.get(path, token)
    world.clock.now = START + 900

    assert before.status_code == 200
    assert_refused(await world.get(path, token), "token_expired")


@pytest.mark.parametrize("path", GUARDED)
@pytest.mark.parametrize("by", ["token", "session", "subject"])
async def test_a_revoked_token_is_refused(world: World, by: str, path: str) -> None:
    token = (await world.log_in())["access_token"]
    claims = await world.manager.verify(token)
    match by:
        case "token":
            await world.manager.revoke_token(claims)
        case "session":
            await world.manager.revoke_session(str(claims.session_id))
        case _:
            await world.manager.revoke_subject(claims.subject)

    assert_refused(await world.get(path, token), "token_revoked")


async def test_another_role_is_not_enough(world: World) -> None:
    token = (await world.log_in("grace"))["access_token"]

    assert_refused(await world.get("/admin", token), "insufficient_scope")


async def test_every_scope_is_asked_for_and_named_in_the_challenge(world: World) -> None:
    token = (await world.log_in("grace"))["access_token"]
    response = await world.get("/reports", token)

    scope = ', scope="reports:read reports:write"'
    assert_refused(response, "insufficient_scope", parameters=scope)


async def test_a_refresh_does_not_make_a_log_in_fresh(world: World) -> None:
    pair = await world.log_in()
    world.clock.now += 300
    on_time = await world.get("/transfer", pair["access_token"])
    world.clock.now += 1
    refreshed = (await world.refresh(pair["refresh_token"])).json()
    late = await world.get("/transfer", refreshed["access_token"])

    assert on_time.status_code == 200
    assert_refused(late, "insufficient_user_authentication", parameters=', max_age="300"')


async def test_plain_rfc_6750_answers_401_to_a_forged_token(leaks: Leaks) -> None:
    async with World(leaks=leaks).running(invalid_token_status=401) as world:
        assert_refused(await world.get("/private", "abcdefgh"), "token_invalid", status=401)


async def test_a_token_is_checked_once_per_request_however_often_it_is_asked_for(
    world: World,
) -> None:
    token = (await world.log_in())["access_token"]
    before = world.store.checks
    await world.get("/reports", token)

    assert world.store.checks == before + 1


async def handshake(world: World, headers: dict[str, str]) -> list[Any]:
    """What the application sends to a websocket client, up to the end."""
    sent: list[Any] = []
    scope = {
        "type": "websocket",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "ws",
        "path": "/live",
        "query_string": b"",
        "headers": [(name.lower().encode(), headers[name].encode()) for name in headers],
        "subprotocols": [],
        "extensions": {"websocket.http.response": {}},
    }

    async def receive() -> dict[str, str]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await world.app(scope, receive, send)
    return sent


async def test_a_websocket_handshake_is_guarded_like_a_route(world: World) -> None:
    token = (await world.log_in())["access_token"]
    opened = await handshake(world, bearer(token))
    denied = await handshake(world, {})

    assert opened[:2] == [
        {"type": "websocket.accept", "subprotocol": None, "headers": []},
        {"type": "websocket.send", "text": "user-ada"},
    ]
    assert [message["type"] for message in denied] == [
        "websocket.http.response.start",
        "websocket.http.response.body",
    ]
    assert denied[0]["status"] == 401
    assert denied[1]["body"] == b'{"error":"Access token required","code":"token_missing"}'
