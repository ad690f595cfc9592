"""The answers of an `is_revoked` as managers and verifiers, sync and async, read them."""

import asyncio
from typing import Any, ClassVar

import pytest

from gatepass import AsyncTokenManager, AsyncTokenVerifier, TokenIssuer, TokenManager, TokenVerifier
from gatepass.errors import TokenRevoked
from gatepass.jose import SharedKey
from gatepass.sessions import AsyncRevocations
from gatepass.stores.memory import AsyncMemoryStore, MemoryStore
from gatepass.tokens import TokenPolicy

KEY = SharedKey.generate()
NAMES: dict[str, Any] = {"issuer": "api-server", "audience": "api-client"}


class Answering:
    """Revocations that answer every question alike."""

    is_async: ClassVar[Any] = False

    def __init__(self, answer: object) -> None:
        self.answer = answer

    def is_revoked(self, session_id: str | None, token_id: str | None) -> Any:
        assert session_id or token_id
        return self.answer


class AsyncAnswering(Answering):
    """The same for `await`."""

    is_async = True

    async def is_revoked(self, session_id: str | None, token_id: str | None) -> Any:
        await asyncio.sleep(0)
        return super().is_revoked(session_id, token_id)


class Misspelt(AsyncRevocations):
    """An override under another name: what the protocol's own body returns is asked."""

    async def is_revokd(self, session_id: str | None, token_id: str | None) -> bool:
        return bool(session_id or token_id)


def is_let_in(by: str, revocations: Any) -> bool:
    """Whether a verifier or a manager accepts a token of its own."""
    is_async = revocations.is_async
    options: Any = {"access_keys": KEY, "refresh_keys": SharedKey.generate()}
    if by == "verifier":
        token = TokenIssuer(KEY, **NAMES, lifetime=60).issue("alice")
        kind: Any = AsyncTokenVerifier if is_async else TokenVerifier
        verifier = kind(KEY, **NAMES, revocations=revocations)
    else:
        policy = TokenPolicy(**NAMES)
        token = TokenManager(policy, **options, store=MemoryStore()).issue("alice").access_token
        kind = AsyncTokenManager if is_async else TokenManager
        options["store"] = AsyncMemoryStore() if is_async else MemoryStore()
        verifier = kind(policy, **options, revocations=revocations)

    async def ask() -> bool:
        claims = verifier.verify(token)
        return bool((await claims if is_async else claims).subject)

    try:
        return asyncio.run(ask())
    except TokenRevoked:
        return False


@pytest.mark.parametrize("by", ["verifier", "manager"])
@pytest.mark.parametrize("kind", [Answering, AsyncAnswering])
@pytest.mark.parametrize(
    ("answer", "is_in"), [(False, True), (True, False), (0, True), (1, False), ("gone", False)]
)
def test_an_answer_is_read_as_python_reads_it(
    by: str,
    kind: Any,
    answer: object,
    is_in: bool,  # noqa: FBT001 - a parameter of a test
) -> None:
    assert is_let_in(by, kind(answer)) is is_in


@pytest.mark.parametrize("by", ["verifier", "manager"])
@pytest.mark.parametrize("kind", [Answering, AsyncAnswering, Misspelt])
def test_no_answer_lets_nobody_in(by: str, kind: Any) -> None:
    revocations = kind(None) if issubclass(kind, Answering) else kind()

    with pytest.raises(TypeError, match="answered None"):
        is_let_in(by, revocations)
