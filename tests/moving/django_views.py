"""The views of both projects."""

from typing import Any

from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView


class Me(APIView):
    permission_classes = (IsAuthenticated,)

    def get(self, request: Request) -> Response:
        return Response({"name": request.user.get_username()})


class Refresh(APIView):
    """The route of simplejwt's refreshes, over gatepass."""

    authentication_classes: Any = ()

    def post(self, request: Request) -> Response:
        from gatepass.django.conf import get_auth  # noqa: PLC0415 - the second project alone
        from gatepass.errors import SessionError, TokenError  # noqa: PLC0415

        manager: Any = get_auth().manager
        body: Any = request.data
        try:
            pair = manager.refresh(body["refresh"])
        except (TokenError, SessionError):
            return Response({"detail": "log in again"}, status=401)
        return Response({"access": pair.access_token, "refresh": pair.refresh_token})
