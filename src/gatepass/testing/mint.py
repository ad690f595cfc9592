"""`Mint`: tokens of every kind that an application must accept or reject, and clients with them."""

import json
from collections.abc import Mapping
from dataclasses import replace
from secrets import token_bytes
from typing import TYPE_CHECKING, Any, Final

from gatepass.gate import AnyAuth
from gatepass.jose import SharedKey, SigningKey, sign, verify
from gatepass.manager import AsyncTokenManager, TokenManager
from gatepass.sessions import Session
from gatepass.testing.visitor import let_in
from gatepass.testing.waiting import wait_for
from gatepass.tokens import TokenPair
from gatepass.tokens.opaque import ACCESS_PREFIX, RANDOM_BYTES, new_text
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
_LIFETIME_MS: Final = 900_000


class Mint:
    """Issues tokens through the manager that the application under test was given.

    Clients send a bearer token. With `cookies_of=auth`, the application's `Auth` logs them in by
    its cookies, and they ask as its own pages do, with the CSRF token.
    """

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
        if self._is_opaque:
            return self._record(self._begin(subject, claims, ago=0), lifetime_ms=0)
        return self._changed(self.good(subject, claims), exp=lambda claims: claims["iat"] - 1)

    def stale(self, subject: str = "ada", claims: Claims | None = None) -> str:
        """An access token of a login a year ago, which is not fresh for any route."""
        year = 365 * 86_400
        if self._is_opaque:
            session = self._begin(subject, claims, ago=year)
            return self._record(session, lifetime_ms=_LIFETIME_MS)
        return self._changed(
            self.good(subject, claims), auth_time=lambda claims: claims["auth_time"] - year
        )

    def revoked(self, subject: str = "ada", claims: Claims | None = None) -> str:
        """An access token of a session that has ended."""
        pair = self.pair(subject, claims)
        wait_for(self._manager.revoke_session(pair.session_id, reason="test"))
        return pair.access_token

    def forged(self, subject: str = "ada", claims: Claims | None = None) -> str:
        """An access token with the claims of a good one, signed with another key.

        With opaque tokens it is one that the store does not have, and so counts as expired.
        """
        if self._is_opaque:
            return new_text(ACCESS_PREFIX, subject, token_bytes(RANDOM_BYTES))
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
        self,
        app: "AsgiApp",
        subject: str = "ada",
        claims: Claims | None = None,
        *,
        cookies_of: AnyAuth | None = None,
    ) -> "AsyncClient":
        """A logged-in `httpx.AsyncClient` that talks to an ASGI application."""
        from httpx import ASGITransport, AsyncClient  # noqa: PLC0415 - only who needs it has it

        transport: Any = ASGITransport(app)
        client = AsyncClient(transport=transport, base_url="http://testserver")
        self._equip(client, subject, claims, cookies_of)
        return client

    def fastapi_client(
        self,
        app: "FastAPI",
        subject: str = "ada",
        claims: Claims | None = None,
        *,
        cookies_of: AnyAuth | None = None,
    ) -> "TestClient":
        """A logged-in `TestClient`."""
        from starlette.testclient import TestClient  # noqa: PLC0415 - only who needs it has it

        client = TestClient(app)
        self._equip(client, subject, claims, cookies_of)
        return client

    def flask_client(
        self,
        app: "Flask",
        subject: str = "ada",
        claims: Claims | None = None,
        *,
        cookies_of: AnyAuth | None = None,
    ) -> "FlaskClient":
        """A logged-in `test_client()`."""
        client = app.test_client()
        if cookies_of is not None:
            visitor = let_in(cookies_of, subject, claims)
            for one in visitor.cookies:
                client.set_cookie(one.key, one.value, path=one["path"])
            for name, value in visitor.headers.items():
                client.environ_base[f"HTTP_{name.upper().replace('-', '_')}"] = value
            return client
        authorization = self.bearer(subject, claims)["Authorization"]
        client.environ_base["HTTP_AUTHORIZATION"] = authorization
        return client

    def django_client(
        self,
        subject: str = "ada",
        claims: Claims | None = None,
        *,
        cookies_of: AnyAuth | None = None,
    ) -> "DjangoClient":
        """A logged-in `django.test.Client`, which checks CSRF as a browser's requests are."""
        from django.test import Client  # noqa: PLC0415 - only who needs it has it

        if cookies_of is not None:
            visitor = let_in(cookies_of, subject, claims)
            client = Client(enforce_csrf_checks=True, headers=visitor.headers)
            client.cookies.update({one.key: one for one in visitor.cookies})
            return client
        return Client(enforce_csrf_checks=True, headers=self.bearer(subject, claims))

    def _equip(
        self, client: Any, subject: str, claims: Claims | None, cookies_of: AnyAuth | None
    ) -> None:
        """Log a client of httpx in."""
        if cookies_of is None:
            client.headers.update(self.bearer(subject, claims))
            return
        visitor = let_in(cookies_of, subject, claims)
        client.base_url = visitor.origin
        client.headers.update(visitor.headers)
        visitor.fill(client.cookies.jar)

    @property
    def _is_opaque(self) -> bool:
        return self._manager.policy.access_format == "opaque"

    def _begin(self, subject: str, claims: Claims | None, *, ago: int) -> Session:
        """A new session of a login some seconds ago."""
        planner = self._manager._planner  # noqa: SLF001 - tokens that no manager issues
        plan = planner.plan_issue(subject, claims, None, None, None, ()).plan
        plan = replace(plan, auth_time=plan.auth_time - ago)
        session: Session = wait_for(self._manager.store.issue(plan))
        return session

    def _record(self, session: Session, *, lifetime_ms: int) -> str:
        """An opaque token that lives as long."""
        new = self._manager._planner.opaque.plan(session)  # noqa: SLF001 - as above
        assert new is not None  # noqa: S101 - the format is opaque
        wait_for(self._manager.store.issue_opaque(replace(new.plan, lifetime_ms=lifetime_ms)))
        return new.text

    def _changed(self, token: str, **changes: Any) -> str:
        keys = self._manager.access_keys.current()
        payload: dict[str, Any] = json.loads(verify(token, keys).payload)
        payload |= {name: change(payload) for name, change in changes.items()}
        return sign(payload, keys.primary, typ=ACCESS_TYP, kid=keys.primary.kid)
