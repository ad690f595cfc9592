"""Async revocations that know without `await`: used where they may be, and never past anybody."""

import asyncio
from typing import Any, ClassVar

import pytest

from gatepass import AsyncTokenManager, AsyncTokenVerifier, TokenIssuer, TokenManager, TokenPolicy
from gatepass.errors import TokenRevoked
from gatepass.jose import SharedKey
from gatepass.sessions import AsyncRevocations
from gatepass.stores.memory import AsyncMemoryStore, MemoryStore
from gatepass.tokens.twins import recall_of

KEY = SharedKey.generate()
NAMES: dict[str, Any] = {"issuer": "api-server", "audience": "api-client"}
REVOKES: dict[str, bool | None] = {"lets in": False, "refuses": True, "does not know": None}


class Asked:
    """Revocations that answer what they are told to, and say how often they were awaited."""

    is_async: ClassVar[Any] = True

    def __init__(self, answer: bool) -> None:  # noqa: FBT001 - the one thing it is
        self.answer = answer
        self.awaited = 0

    async def is_revoked(self, session_id: str | None, token_id: str | None) -> bool:
        assert session_id or token_id
        await asyncio.sleep(0)
        self.awaited += 1
        return self.answer


class Knowing(Asked):
    """The same, with something in memory."""

    def __init__(self, known: bool | None, answer: bool) -> None:  # noqa: FBT001 - as above
        super().__init__(answer)
        self.known = known

    async def is_revoked(self, session_id: str | None, token_id: str | None) -> bool:
        return await super().is_revoked(session_id, token_id)

    def recall_revoked(self, session_id: str | None, token_id: str | None) -> bool | None:
        assert session_id or token_id
        return self.known


def is_let_in(revocations: Any) -> bool:
    """What an async verifier says of a token, which an async manager must say as well."""
    token = TokenIssuer(KEY, **NAMES, lifetime=60).issue("alice")
    policy = TokenPolicy(**NAMES)
    options: Any = {"access_keys": KEY, "refresh_keys": SharedKey.generate()}
    pair = TokenManager(policy, **options, store=MemoryStore()).issue("alice")
    manager = AsyncTokenManager(
        policy, **options, store=AsyncMemoryStore(), revocations=revocations
    )
    verifier = AsyncTokenVerifier(KEY, **NAMES, revocations=revocations)

    async def passes(verify: Any, token: str) -> bool:
        try:
            return bool((await verify(token)).subject)
        except TokenRevoked:
            return False

    async def both() -> list[bool]:
        return [
            await passes(verifier.verify, token),
            await passes(manager.verify, pair.access_token),
        ]

    one, other = asyncio.run(both())
    assert one == other
    return one


@pytest.mark.parametrize("answer", [True, False])
@pytest.mark.parametrize("known", REVOKES.values(), ids=list(REVOKES))
def test_what_is_recalled_counts_and_the_rest_is_awaited(
    known: bool | None,  # noqa: FBT001 - a parameter of a test
    answer: bool,  # noqa: FBT001 - a parameter of a test
) -> None:
    revocations = Knowing(known, answer)

    assert isinstance(revocations, AsyncRevocations)
    assert is_let_in(revocations) is not (answer if known is None else known)
    assert revocations.awaited == (2 if known is None else 0)


def test_who_recalls_nothing_is_awaited() -> None:
    assert is_let_in(Asked(answer=False))
    assert not is_let_in(Asked(answer=True))


class Stricter(Knowing):
    """An application's own rule on top, in the one place where the protocol has it."""

    async def is_revoked(self, session_id: str | None, token_id: str | None) -> bool:
        return bool(session_id or token_id)


class Mixed:
    """The same rule as a mixin."""

    async def is_revoked(self, session_id: str | None, token_id: str | None) -> bool:
        return bool(session_id or token_id)


class MixedIn(Mixed, Knowing):
    """A mixin comes first."""


class Wrapper:
    """The same rule around somebody else's object."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def is_revoked(self, session_id: str | None, token_id: str | None) -> bool:
        return bool(session_id or token_id)


class Slotted(Wrapper):
    """A class of its own without room for more."""

    __slots__ = ()


def replaced() -> Knowing:
    """The same rule put into one object."""
    revocations = Knowing(known=False, answer=False)
    vars(revocations)["is_revoked"] = Asked(answer=True).is_revoked
    return revocations


@pytest.mark.parametrize(
    "stricter",
    [
        Stricter(known=False, answer=False),
        MixedIn(known=False, answer=False),
        Wrapper(Knowing(known=False, answer=False)),
        Slotted(Knowing(known=False, answer=False)),
        replaced(),
    ],
    ids=["subclass", "mixin", "wrapper", "slots", "one object"],
)
def test_a_check_of_somebodys_own_cannot_be_recalled_past(stricter: Any) -> None:
    assert stricter.recall_revoked(None, "t") is False
    assert not is_let_in(stricter)


def test_objects_that_only_pretend_recall_nothing() -> None:
    class Proxy:
        def __getattr__(self, name: str) -> Any:
            return lambda *_: False

    for other in (None, object(), Proxy()):
        assert recall_of(other)("s", "t") is None
