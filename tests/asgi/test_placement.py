"""Guards around what is no ASGI application, and what caches are told of guarded ones."""

from typing import Any

import pytest

from gatepass import AsyncTokenManager
from gatepass.asgi import Auth, Cookies, HttpPolicy
from gatepass.errors import GuardMisused
from tests.asgi.talk import http, talk
from tests.asgi.test_attacks import OWN, secret

pytestmark = pytest.mark.anyio
REJECTED = r"called with scope, receive and send, and not .*parameter named request"


async def view(number: int) -> str:
    """As Litestar and Quart have them."""
    return f"secret {number}"


async def nothing_to_take() -> str:
    """Another."""
    return "secret"


class Application:
    """An application that is an object."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await secret(scope, receive, send)


@pytest.mark.parametrize("wrapped", [view, nothing_to_take, Application])
def test_a_view_is_not_guarded_as_if_it_were_an_application(
    manager: AsyncTokenManager, wrapped: Any
) -> None:
    with pytest.raises(GuardMisused, match=REJECTED):
        Auth(manager).required()(wrapped)
    with pytest.raises(GuardMisused, match=REJECTED):
        Auth(manager).install(wrapped)


@pytest.mark.parametrize("name", ["required", "optional"])
def test_a_guard_without_an_application_is_not_installed(
    manager: AsyncTokenManager, name: str
) -> None:
    auth: Any = Auth(manager)

    with pytest.raises(GuardMisused, match=REJECTED):
        auth.install(getattr(auth, name)())


@pytest.mark.parametrize("name", ["required", "optional"])
def test_a_guard_that_was_not_made_is_told(manager: AsyncTokenManager, name: str) -> None:
    guard: Any = getattr(Auth(manager), name)

    with pytest.raises(GuardMisused, match=rf"write auth\.{name}\(\)"):
        guard(secret)


@pytest.mark.parametrize(
    ("policy", "vary"),
    [
        (HttpPolicy(), b"Authorization"),
        (HttpPolicy(cookies=Cookies(), public_origins=[OWN]), b"Authorization, Cookie"),
    ],
)
async def test_caches_are_told_whose_answer_it_is(
    manager: AsyncTokenManager, policy: HttpPolicy, vary: bytes
) -> None:
    app = Auth(manager, http=policy).required()(Application())
    token = (await manager.issue("ada")).access_token
    sent = await talk(app, http(authorization=f"Bearer {token}"))

    assert (b"vary", vary) in sent[0]["headers"]
    assert all(name != b"vary" for name, _ in (await talk(app, http()))[0]["headers"])


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ({"authenticate": "ada"}, "authenticate is a function of user name and password"),
        ({"http": Cookies()}, r"http is an HttpPolicy, as in HttpPolicy\(…\), and not Cookies"),
        ({"invalid_token_status": 200}, "invalid_token_status is 401 or 403"),
    ],
)
def test_a_part_of_another_kind_is_told_before_a_request_comes(
    manager: AsyncTokenManager, parts: dict[str, Any], why: str
) -> None:
    with pytest.raises((TypeError, ValueError), match=why):
        Auth(manager, **parts)
