"""Views that answer with claims."""

import asyncio
import sys
import types
from typing import Any

import pytest
from django.http import HttpRequest, JsonResponse
from django.test import AsyncClient, Client, override_settings
from django.urls import path
from ninja import NinjaAPI
from rest_framework.response import Response
from rest_framework.views import APIView

from gatepass import AccessClaims
from tests.django.auth import auth, manager
from tests.django.test_views import bearer

CLAIMS = {"roles": ["admin"], "level": 3}
api = NinjaAPI(urls_namespace="answers", auth=auth.ninja())


@api.get("/ninja", response=AccessClaims)
def ninja(request: Any) -> AccessClaims:
    claims: AccessClaims = request.auth
    return claims


def same(request: HttpRequest) -> Any:
    return request.gatepass  # type: ignore[attr-defined]


async def same_later(request: HttpRequest) -> Any:
    return same(request)


def inside(request: HttpRequest) -> JsonResponse:
    return JsonResponse(dict(same(request)))


GUARD: Any = auth.required()


class Rest(APIView):
    permission_classes = (GUARD,)

    def get(self, request: Any) -> Response:
        return Response({"caller": request.auth})


@pytest.mark.parametrize("where", ["view", "later", "json", "rest", "api/ninja"])
def test_a_view_returns_the_claims(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module: Any = types.ModuleType("urls_of_answers")
    guard = auth.required()
    module.urlpatterns = [
        path("view", guard(same)),
        path("later", guard(same_later)),
        path("json", guard(inside)),
        path("rest", Rest.as_view()),
        path("api/", api.urls),
    ]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    token = manager.issue("1", CLAIMS).access_token
    with override_settings(ROOT_URLCONF=module.__name__):
        answers: list[Any] = [
            Client().get(f"/{where}", headers=bearer(token)),
            asyncio.run(AsyncClient().get(f"/{where}", headers=bearer(token))),
        ]

    for answer in answers:
        found = answer.json()
        claims = found["caller"] if where == "rest" else found
        assert claims == dict(manager.verify(token))
        assert "Authorization" in answer["Vary"]
