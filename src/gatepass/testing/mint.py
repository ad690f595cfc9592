"""`Mint`: tokens of every kind that an application must accept or reject, and clients with them."""

import asyncio
import inspect
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from gatepass.gate import settle
from gatepass.jose import SharedKey, SigningKey, sign, verify
from gatepass.manager import AsyncTokenManager, TokenManager
from gatepass.tokens import TokenPair
from gatepass.tokens.typ import ACCESS_TYP

if TYPE_CHECKING:
    from django.test import Client as DjangoClient
    from fastapi import FastAPI
    from flask import Flask
    from flask.testing import FlaskClient
    from httpx import AsyncClient
    from starlette.testclient import TestClient

    from gatepass.asgi import AsgiApp

Claims = Mapping[str, Any]


class Mint:
    """Issues tokens through the manager that the application under test was given."""

    def __init__(self, manager: TokenManager | AsyncTokenManager) -> None:
        self._manager = manager

    def pair(
        self,
        subject: str = "ada",
        claims: Claims | None = None,
        *,
        session_claims: Claims | None = None,
    ) -> TokenPair:
        """The tokens of a new session."""
        issuing = self._manager.issue(subject, claims, session_claims=session_claims)
        issued: TokenPair = wait_for(issuing)
        return issued

    def good(self, subject: str = "ada", claims: Claims | None = None) -> str:
        """A valid access token."""
        return self.pair(subject, claims).access_token

    def expired(self, subject: str = "ada", claims: Claims | None = None) -> str:
        """An access token that expired before it was issued."""
        return self._changed(self.good(subject, claims), exp=lambda claims: claims["iat"] - 1)

    def stale(self, subject: str = "ada", claims: Claims | None = None) -> str:
        """An access token of a login a year ago, which is not fresh for any route."""
        year = 365 * 86_400
        return self._changed(
            self.good(subject, claims), auth_time=lambda claims: claims["auth_time"] - year
        )

    def revoked(self, subject: str = "ada", claims: Claims | None = None) -> str:
        """An access token of a session that has ended."""
        pair = self.pair(subject, claims)
        wait_for(self._manager.revoke_session(pair.session_id, reason="test"))
        return pair.access_token

    def forged(self, subject: str = "ada", claims: Claims | None = None) -> str:
        """An access token with the claims of a good one, signed with another key."""
        token = self.good(subject, claims)
        primary = self._manager.access_keys.current().primary
        kind = SharedKey if primary.is_shared else SigningKey
        stranger = kind.generate(primary.algorithm)
        payload = verify(token, self._manager.access_keys.current()).payload
        return sign(payload, stranger, typ=ACCESS_TYP, kid=primary.kid)

    def bearer(self, subject: str = "ada", claims: Claims | None = None) -> dict[str, str]:
        """The header of a user who is logged in."""
        return {"Authorization": f"Bearer {self.good(subject, claims)}"}

    def asgi_client(
        self, app: "AsgiApp", subject: str = "ada", claims: Claims | None = None
    ) -> "AsyncClient":
        """A logged-in `httpx.AsyncClient` that talks to an ASGI application."""
        from httpx import ASGITransport, AsyncClient  # noqa: PLC0415 - only who needs it has it

        transport: Any = ASGITransport(app)
        return AsyncClient(
            transport=transport, base_url="http://testserver", headers=self.bearer(subject, claims)
        )

    def fastapi_client(
        self, app: "FastAPI", subject: str = "ada", claims: Claims | None = None
    ) -> "TestClient":
        """A logged-in `TestClient`."""
        from starlette.testclient import TestClient  # noqa: PLC0415 - only who needs it has it

        return TestClient(app, headers=self.bearer(subject, claims))

    def flask_client(
        self, app: "Flask", subject: str = "ada", claims: Claims | None = None
    ) -> "FlaskClient":
        """A logged-in `test_client()`."""
        client = app.test_client()
        authorization = self.bearer(subject, claims)["Authorization"]
        client.environ_base["HTTP_AUTHORIZATION"] = authorization
        return client

    def django_client(self, subject: str = "ada", claims: Claims | None = None) -> "DjangoClient":
        """A logged-in `django.test.Client`, which checks CSRF as a browser's requests are."""
        from django.test import Client  # noqa: PLC0415 - only who needs it has it

        return Client(enforce_csrf_checks=True, headers=self.bearer(subject, claims))

    def _changed(self, token: str, **changes: Any) -> str:
        keys = self._manager.access_keys.current()
        payload: dict[str, Any] = json.loads(verify(token, keys).payload)
        payload |= {name: change(payload) for name, change in changes.items()}
        return sign(payload, keys.primary, typ=ACCESS_TYP, kid=keys.primary.kid)


def wait_for(value: Any) -> Any:
    """The result of a manager's method, awaited if need be; for tests of sync and async code."""
    if not inspect.isawaitable(value):
        return value
    with ThreadPoolExecutor(1) as elsewhere:  # a test's own loop may be running here
        return elsewhere.submit(asyncio.run, settle(value)).result()
