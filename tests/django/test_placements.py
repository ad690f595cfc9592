"""Each way to guard, over both managers, on WSGI and ASGI, with Django's site cache on and off."""

import asyncio
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.http import HttpResponse
from django.test import AsyncClient, Client, override_settings

from tests.django import auth as auths
from tests.django.placements import OPEN, PATTERNS, ROWS

OURS = "gatepass.django.middleware.GatepassMiddleware"
CSRF = "django.middleware.csrf.CsrfViewMiddleware"
UPDATE = "django.middleware.cache.UpdateCacheMiddleware"
FETCH = "django.middleware.cache.FetchFromCacheMiddleware"
MIDDLEWARE = {
    "no-cache": [OURS, CSRF],
    "cache-second": [OURS, UPDATE, CSRF, FETCH],
    "only-cache": [UPDATE, FETCH],
}
MISSING = b'{"error":"Access token required","code":"token_missing"}'
PREFLIGHT = {"Origin": "https://x.example", "Access-Control-Request-Method": "GET"}
TO_PREFLIGHTS = {"function-above": 204, "rest": 401, "ninja": 405, "on-method": 200}
"""Where a preflight gets no 204 of the guard, the framework answers it, and no view."""

Get = Callable[..., Any]


@pytest.fixture(
    params=[
        "wsgi-sync",
        "asgi-async",
        pytest.param("wsgi-async", marks=pytest.mark.soak),
        pytest.param("asgi-sync", marks=pytest.mark.soak),
    ]
)
def get(request: pytest.FixtureRequest) -> Iterator[Get]:
    """Requests of somebody, with a bearer token unless by cookie, over one kind of manager."""
    interface, name = request.param.split("-")
    module: Any = types.ModuleType("urls_of_placements")
    module.urlpatterns = PATTERNS[name]
    sys.modules[module.__name__] = module
    auth = "auth" if name == "sync" else "async_auth"
    tokens = {who: issue(name, who) for who in ("ada", "bob")}

    def ask(row: str, who: str = "", *, by_cookie: bool = True, **how: Any) -> Any:
        client: Any = Client() if interface == "wsgi" else AsyncClient()
        headers = dict(how.pop("headers", {}))
        if who and by_cookie:
            client.cookies["gatepass-access"] = tokens[who]
        elif who:
            headers["Authorization"] = f"Bearer {tokens[who]}"
        answer = client.generic(how.pop("method", "GET"), f"/{row}", headers=headers)
        return answer if interface == "wsgi" else asyncio.run(answer)

    cache.clear()
    with override_settings(ROOT_URLCONF=module.__name__, GATEPASS_AUTH=f"tests.django.auth.{auth}"):
        yield ask
    cache.clear()
    del sys.modules[module.__name__]


def issue(name: str, who: str) -> str:
    if name == "sync":
        return auths.manager.issue(who).access_token
    return asyncio.run(auths.waiting.issue(who)).access_token


def contents(answers: list[HttpResponse]) -> list[str]:
    return [answer.content.decode().strip('"') for answer in answers]


def is_varied(answer: HttpResponse) -> bool:
    return {"Authorization", "Cookie"} <= set(answer.get("Vary", "").split(", "))


def require_refusal(answer: HttpResponse) -> None:
    assert (answer.status_code, answer.content) == (401, MISSING)
    assert (answer["WWW-Authenticate"], answer["Cache-Control"]) == ("Bearer", "no-store")
    assert is_varied(answer)


@pytest.mark.parametrize("middleware", MIDDLEWARE)
def test_nobody_without_a_token_gets_in_and_everybody_with_one_sees_their_own(
    middleware: str, get: Get, subtests: pytest.Subtests
) -> None:
    for row in ROWS:
        with subtests.test(row):
            check(row, middleware, get)


def check(row: str, middleware: str, get: Get) -> None:
    # django-ninja makes the response after it asked: only our middleware can add `Vary`.
    has_no_vary = row.startswith("ninja") and OURS not in MIDDLEWARE[middleware]
    with override_settings(MIDDLEWARE=MIDDLEWARE[middleware]):
        answers = [get(row, "ada"), get(row, "bob"), get(row, "ada", by_cookie=False)]
        refused = get(row)
        answers.append(get(row, "ada"))
        asked = get(row, method="OPTIONS", headers=PREFLIGHT)

    assert contents(answers) == ["ada", "bob", "ada", "ada"]
    assert has_no_vary or all(map(is_varied, answers))
    require_refusal(refused)
    assert asked.status_code == next((s for part, s in TO_PREFLIGHTS.items() if part in row), 204)


@pytest.mark.parametrize("middleware", MIDDLEWARE)
def test_where_a_token_is_optional_nobody_gets_the_answer_of_somebody(
    middleware: str, get: Get, subtests: pytest.Subtests
) -> None:
    for row in OPEN:
        with override_settings(MIDDLEWARE=MIDDLEWARE[middleware]), subtests.test(row):
            answers = [get(row, "ada"), get(row), get(row, "bob"), get(row), get(row, "ada")]

            assert contents(answers) == ["ada", "nobody", "bob", "nobody", "ada"]
            assert all(map(is_varied, answers))


def test_djangos_own_login_is_asked_only_where_no_guard_stands_around_the_view(get: Get) -> None:
    middleware = [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.auth.middleware.LoginRequiredMiddleware",
    ]
    routes = {"auth/me": 401, ".well-known/jwks.json": 200}
    with override_settings(MIDDLEWARE=middleware):
        asked = {row: get(row).status_code for row in [*ROWS, *OPEN, *routes]}
        admitted = {get(row, "ada").status_code for row, status in asked.items() if status == 401}

    own = {row for row, status in asked.items() if status == 302}
    assert own == {
        row
        for row in [*ROWS, *OPEN]
        if row.startswith(("ninja", "on-method", "async-on-method"))
        or (row in OPEN and "rest" not in row)
    }
    assert {row: asked[row] for row in routes} == routes
    assert admitted == {200}


@pytest.mark.parametrize("row", [row for row in ROWS if "rest" in row and "composed" not in row])
def test_without_our_exception_handler_rest_framework_answers_the_same(row: str, get: Get) -> None:
    with override_settings(REST_FRAMEWORK={}, MIDDLEWARE=[]):
        require_refusal(get(row))
        forged = get(row, headers={"Authorization": "Bearer abcdefgh"})

    assert (forged.status_code, forged.json()["code"]) == (403, "token_invalid")
    assert forged["WWW-Authenticate"].startswith('Bearer error="invalid_token"')


@pytest.mark.parametrize("row", ["cache-above/", "async-cache-above/", "async-on-class/"])
def test_a_cache_above_a_guard_keeps_an_answer_for_its_owner(row: str, get: Get) -> None:
    with override_settings(MIDDLEWARE=MIDDLEWARE["only-cache"]):
        ages = [get(row, who).get("Age") for who in ("ada", "bob", "ada", "bob")]

    assert [age is not None for age in ages] == [False, False, True, True]


@pytest.mark.parametrize("middleware", MIDDLEWARE)
def test_the_site_cache_keeps_no_answer_of_the_auth_routes(middleware: str, get: Get) -> None:
    with override_settings(MIDDLEWARE=MIDDLEWARE[middleware]):
        answers = [get("auth/me", "ada"), get("auth/me", "bob"), get("auth/me")]

    assert [answer.json().get("sub") for answer in answers] == ["ada", "bob", None]
