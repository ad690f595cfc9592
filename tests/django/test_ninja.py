"""`auth.ninja()` beyond its placement: what it asks, OpenAPI, and other authenticators."""

import asyncio
import json
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import AsyncClient, Client, override_settings
from django.urls import path
from ninja import NinjaAPI
from ninja.security import APIKeyHeader

from gatepass.errors import StoreUnavailable
from tests.django.auth import auth, manager

Get = Callable[..., Any]


class Key(APIKeyHeader):
    """Another way in."""

    param_name = "X-Key"

    def authenticate(self, _: Any, key: str | None) -> str | None:
        return "robot" if key == "right" else None


api = NinjaAPI(urls_namespace="ninja", auth=auth.ninja())


async def shown(request: Any) -> str:
    return str(getattr(request.auth, "subject", request.auth))


api.get("/caller")(shown)
api.get("/admin", auth=auth.ninja(roles=["admin"]))(shown)
api.get("/reader", auth=auth.ninja(scopes=["read"]))(shown)
api.get("/ours-first", auth=[auth.ninja(), Key()])(shown)
api.get("/ours-last", auth=[Key(), auth.ninja()])(shown)
api.get("/open", auth=None)(lambda request: str(request.gatepass))


@pytest.fixture(params=["wsgi", "asgi"])
def get(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Get]:
    module: Any = types.ModuleType("urls_of_ninja")
    module.urlpatterns = [path("", api.urls)]
    monkeypatch.setitem(sys.modules, module.__name__, module)

    def ask(url: str, token: str | None = None, **headers: str) -> Any:
        client: Any = Client() if request.param == "wsgi" else AsyncClient()
        bearer = {} if token is None else {"Authorization": f"Bearer {token}"}
        answer = client.get(f"/{url}", headers=headers | bearer)
        answer = answer if request.param == "wsgi" else asyncio.run(answer)
        return answer.status_code, json.loads(answer.content)

    with override_settings(ROOT_URLCONF=module.__name__):
        yield ask


def test_roles_and_scopes_are_asked(get: Get) -> None:
    admin = manager.issue("user-7", {"role": "admin"}).access_token
    reader = manager.issue("user-8", {"scope": "read"}).access_token

    assert [get("admin", admin)[0], get("admin", reader)[0]] == [200, 403]
    assert [get("reader", admin)[1].get("code"), get("reader", reader)[1]] == [
        "insufficient_scope",
        "user-8",
    ]


def test_another_authenticator_is_asked_for_want_of_a_token_and_not_for_a_bad_one(get: Get) -> None:
    good, bad = manager.issue("user-7").access_token, "abcdefgh"
    key = {"X-Key": "right"}

    for url in ("ours-first", "ours-last"):
        assert get(url, good) == (200, "user-7")
        assert get(url, **key) == (200, "robot")
        assert get(url)[0] == 401
        assert get(url, bad)[1]["code"] == "token_invalid"
    assert get("ours-first", bad, **key)[1]["code"] == "token_invalid"


def test_a_failing_store_is_a_503(get: Get, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise StoreUnavailable

    token = manager.issue("user-7").access_token
    monkeypatch.setattr(auth.guard, "_verify", fail)

    assert get("caller", token) == (
        503,
        {"error": "Temporarily unavailable", "code": "store_unavailable"},
    )


def test_an_operation_without_a_guard_is_open_and_knows_nobody(get: Get) -> None:
    assert get("open", manager.issue("user-7").access_token) == (200, "None")


def test_openapi_names_a_bearer_token_where_a_guard_is() -> None:
    schema = api.get_openapi_schema(path_prefix="")
    paths = schema["paths"]

    assert schema["components"]["securitySchemes"]["GatepassBearer"] == {
        "type": "http",
        "scheme": "bearer",
    }
    assert paths["/admin"]["get"]["security"] == [{"GatepassBearer": []}]
    assert paths["/ours-last"]["get"]["security"][-1] == {"GatepassBearer": []}
    assert "security" not in paths["/open"]["get"]
