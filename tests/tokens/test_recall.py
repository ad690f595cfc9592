"""Async revocations that know without `await`: used where they may be, and never past anybody."""

import asyncio
from functools import wraps
from typing import Any, ClassVar

import pytest

from gatepass import AsyncTokenManager, AsyncTokenVerifier, TokenIssuer, TokenManager, TokenVerifier
from gatepass.errors import TokenRevoked
from gatepass.jose import SharedKey
from gatepass.revocations.replica import AsyncReplica
from gatepass.revocations.sqlite import AsyncSqliteReplica
from gatepass.sessions import AsyncRevocations
from gatepass.sessions.recall import recall_of, recalls
from gatepass.stores.memory import AsyncMemoryStore, MemoryStore
from gatepass.tokens import TokenPolicy

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

    @recalls(is_revoked)
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


class Intercepting(Knowing):
    """The same rule for whoever asks for the method."""

    def __getattribute__(self, name: str) -> Any:
        if name == "is_revoked":
            return Asked(answer=True).is_revoked
        return super().__getattribute__(name)


class Lending(Knowing):
    """Another object's method, of the very same class."""

    def __getattribute__(self, name: str) -> Any:
        if name == "is_revoked":
            return Knowing(known=True, answer=True).is_revoked
        return super().__getattribute__(name)


async def refuse(session_id: str | None, token_id: str | None) -> bool:
    """The same rule as a function."""
    return bool(session_id or token_id)


def replaced(by: Any) -> Knowing:
    """The same rule put into one object."""
    revocations = Knowing(known=False, answer=False)
    vars(revocations)["is_revoked"] = by
    return revocations


def patched() -> Knowing:
    """The same rule put into the class, as tools that measure or trace do."""

    class Patched(Knowing):
        is_revoked = Knowing.is_revoked
        recall_revoked = Knowing.recall_revoked

    @wraps(Knowing.is_revoked)
    async def patch(_self: object, session_id: str | None, token_id: str | None) -> bool:
        return await refuse(session_id, token_id)

    assert is_let_in(Patched(known=False, answer=True))
    Patched.is_revoked = patch  # type: ignore[assignment]
    return Patched(known=False, answer=False)


@pytest.mark.parametrize(
    "stricter",
    [
        Stricter(known=False, answer=False),
        MixedIn(known=False, answer=False),
        Wrapper(Knowing(known=False, answer=False)),
        Slotted(Knowing(known=False, answer=False)),
        Intercepting(known=False, answer=False),
        Lending(known=False, answer=False),
        replaced(Asked(answer=True).is_revoked),
        replaced(refuse),
        patched(),
    ],
    ids=[
        "subclass",
        "mixin",
        "wrapper",
        "slots",
        "asked for",
        "lent",
        "method",
        "function",
        "class",
    ],
)
def test_a_check_of_somebodys_own_cannot_be_recalled_past(stricter: Any) -> None:
    assert stricter.recall_revoked(None, "t") is False
    assert not is_let_in(stricter)


@pytest.mark.parametrize("kind", [AsyncReplica, AsyncSqliteReplica])
def test_a_patched_replica_is_asked(monkeypatch: pytest.MonkeyPatch, kind: Any) -> None:
    replica = kind.__new__(kind)

    assert recall_of(replica) == replica.recall_revoked
    monkeypatch.setattr(kind, "is_revoked", Stricter.is_revoked)
    assert not is_let_in(replica)


def test_objects_that_only_pretend_recall_nothing() -> None:
    class Proxy:
        __slots__ = ()

        def __getattr__(self, name: str) -> Any:
            return lambda *_: False

    for other in (None, object(), Proxy()):
        assert recall_of(other)("s", "t") is None


class Forgetful:
    """An `is_revoked` that comes to no verdict, e.g. for a misspelt override of the protocol's."""

    is_async: ClassVar[Any] = False

    def is_revoked(self, session_id: str | None, token_id: str | None) -> None:
        assert session_id or token_id


class AsyncForgetful(AsyncRevocations):
    """The same for `await`, misspelt in fact."""

    async def is_revokd(self, session_id: str | None, token_id: str | None) -> bool:
        return bool(session_id or token_id)


def test_no_verdict_lets_nobody_in() -> None:
    token = TokenIssuer(KEY, **NAMES, lifetime=60).issue("alice")
    options: Any = {"access_keys": KEY, "refresh_keys": SharedKey.generate()}
    policy = TokenPolicy(**NAMES)
    revocations: Any = Forgetful()
    misspelt: Any = AsyncForgetful
    manager = TokenManager(policy, **options, store=MemoryStore(), revocations=revocations)
    access = manager.issue("alice").access_token

    with pytest.raises(TypeError, match="answered None"):
        TokenVerifier(KEY, **NAMES, revocations=revocations).verify(token)
    with pytest.raises(TypeError, match="answered None"):
        manager.verify(access)
    with pytest.raises(TypeError, match="answered None"):
        is_let_in(misspelt())


@pytest.mark.parametrize(("verdict", "is_in"), [(0, True), (1, False), ("gone", False)])
def test_other_values_are_read_as_python_reads_them(verdict: Any, is_in: bool) -> None:  # noqa: FBT001 - a parameter of a test
    assert is_let_in(Asked(answer=verdict)) is is_in
