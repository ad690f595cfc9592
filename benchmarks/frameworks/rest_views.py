"""Views of Django REST framework; imported after Django is set up."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.views import APIView
from rest_framework_simplejwt.authentication import JWTStatelessUserAuthentication
from rest_framework_simplejwt.exceptions import InvalidToken

from benchmarks.frameworks.django_apps import decode
from benchmarks.frameworks.stage import BASE, BODY, GATEPASS, REVOKED
from gatepass.django.rest import GatepassAuthentication, exception_handler


class _Simple(JWTStatelessUserAuthentication):
    """simplejwt without its query for the user, asked whether the token was revoked."""

    def get_validated_token(self, raw_token: Any) -> Any:
        token = super().get_validated_token(raw_token)
        if token["jti"] in REVOKED:
            raise InvalidToken
        return token


class _User:
    is_authenticated = True


class _ByHand(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[Any, Any]:
        claims = decode(request.META.get("HTTP_AUTHORIZATION", ""))
        if claims is None:
            raise AuthenticationFailed
        return _User(), claims

    def authenticate_header(self, request: Request) -> str:
        del request
        return "Bearer"


def rest_views() -> dict[str, Callable[..., Any]]:
    """One view each."""
    return {
        BASE: _view(None),
        GATEPASS: _view(GatepassAuthentication),
        "simplejwt": _view(_Simple),
        "PyJWT by hand": _view(_ByHand),
    }


def _view(authentication: type[BaseAuthentication] | None) -> Callable[..., Any]:
    class Me(APIView):
        authentication_classes = () if authentication is None else (authentication,)
        permission_classes = (AllowAny if authentication is None else IsAuthenticated,)

        def get(self, request: HttpRequest) -> HttpResponse:
            del request
            return HttpResponse(BODY, content_type="application/json")

        def get_exception_handler(self) -> Any:
            if authentication is GatepassAuthentication:
                return exception_handler
            return super().get_exception_handler()

    view: Callable[..., Any] = Me.as_view()
    return view
