"""A resource server that knows an issuer by its keys alone, in both twins."""

import asyncio
from typing import Any, Literal

from gatepass import AccessClaims, AsyncTokenVerifier, TokenVerifier
from gatepass.errors import GatepassError
from gatepass.remote import AsyncRemoteKeySet, RemoteKeySet
from tests.remote.issuer import AUDIENCE

Twin = Literal["sync", "async"]


class Clock:
    """Seconds that pass when a test says so, and a little at every look."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        self.now += 1e-6
        return self.now


class Resource:
    """Verifies tokens."""

    def __init__(self, twin: Twin, runner: asyncio.Runner, issuer: str, keys: Any) -> None:
        self.twin = twin
        self.keys = keys
        self._runner = runner
        kind: Any = TokenVerifier if twin == "sync" else AsyncTokenVerifier
        self.verifier = kind(keys, issuer=issuer, audience=AUDIENCE)

    def verify(self, token: str) -> AccessClaims:
        claims: AccessClaims = self.run(self.verifier.verify, token)
        return claims

    def refresh(self) -> Any:
        return self.run(self.keys.refresh)

    def outcome(self, token: str) -> str:
        """The subject, or the code of the refusal."""
        try:
            return self.verify(token).subject
        except GatepassError as error:
            return error.code

    def outcomes(self, tokens: list[str]) -> list[str]:
        """Of all these at once: a task each; in the sync twin one after the other."""
        if self.twin == "sync":
            return [self.outcome(token) for token in tokens]

        async def one(token: str) -> str:
            try:
                claims: AccessClaims = await self.verifier.verify(token)
            except GatepassError as error:
                return error.code
            return claims.subject

        async def every() -> list[str]:
            return await asyncio.gather(*map(one, tokens))

        return self._runner.run(every())

    def run(self, function: Any, *arguments: Any) -> Any:
        """Call it; of the async twin, run the coroutine."""
        if self.twin == "sync":
            return function(*arguments)
        return self._runner.run(function(*arguments))


def remote_keys(twin: Twin, url: str, **options: Any) -> RemoteKeySet | AsyncRemoteKeySet:
    """Keys from a JWKS."""
    return RemoteKeySet(url, **options) if twin == "sync" else AsyncRemoteKeySet(url, **options)


def issuer_keys(twin: Twin, issuer: str, **options: Any) -> RemoteKeySet | AsyncRemoteKeySet:
    """Keys from an issuer's metadata."""
    kind = RemoteKeySet if twin == "sync" else AsyncRemoteKeySet
    return kind.from_issuer(issuer, **options)
