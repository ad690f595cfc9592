"""The routes that hand out tokens or end a session: log-in, refresh, log-out."""

import asyncio
from typing import Annotated, Final

from fastapi import APIRouter, Request, Response, Security
from starlette.requests import ClientDisconnect

from gatepass.fastapi import documents
from gatepass.fastapi.answers import send
from gatepass.fastapi.login import Login
from gatepass.fastapi.scheme import BearerScheme
from gatepass.http import (
    ACCESS_DOOR,
    MAX_BODY,
    REFRESH_DOOR,
    RequestRefused,
    answer_json,
    door,
    parse_credentials,
    parse_refresh_token,
)
from gatepass.http.problems import INVALID_REQUEST, REFRESH_MISSING

_BODY_S: Final = 10.0
"""Seconds in which a body has to arrive: who drips it would hold a connection for ever."""


def add_token_routes(router: APIRouter, login: Login, scheme: BearerScheme) -> None:
    """Add log-in, refresh and log-out."""
    manager = login.manager

    @router.post("/login", **documents.LOGIN)
    async def log_in(request: Request) -> Response:
        """Trade a user name and a password for a token pair."""
        credentials = parse_credentials(*await _read(request))
        pair = await login.log_in(request, credentials)
        return send(answer_json(pair.to_dict()))

    @router.post("/refresh", **documents.REFRESH)
    async def refresh(request: Request) -> Response:
        """Trade a refresh token for the next token pair of its session."""
        refresh_token = parse_refresh_token(*await _read(request))
        if refresh_token is None:
            raise RequestRefused(REFRESH_MISSING)
        with door(REFRESH_DOOR):
            pair = await manager.refresh(refresh_token)
        return send(answer_json(pair.to_dict()))

    @router.post("/logout", **documents.LOGOUT)
    async def log_out(
        request: Request, access_token: Annotated[str | None, Security(scheme)]
    ) -> Response:
        """End the session that the access token, the refresh token or both belong to."""
        refresh_token = parse_refresh_token(*await _read(request))
        only_refresh = access_token is None and refresh_token is not None
        with door(REFRESH_DOOR if only_refresh else ACCESS_DOOR):
            await manager.log_out(access_token=access_token, refresh_token=refresh_token)
        return send(answer_json({"message": "Logged out successfully"}))


async def _read(request: Request) -> tuple[str | None, bytes]:
    """The content type and the body; reading stops where a body is too long or too slow."""
    body = bytearray()
    try:
        async with asyncio.timeout(_BODY_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BODY:
                    raise RequestRefused(INVALID_REQUEST)
    except (ClientDisconnect, TimeoutError):
        raise RequestRefused(INVALID_REQUEST) from None
    return request.headers.get("content-type"), bytes(body)
