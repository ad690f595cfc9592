"""A verifier that remembers tokens beside one that does not, over keys that come and go."""

import asyncio
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any, Final

from gatepass import AsyncTokenVerifier, TokenVerifier
from gatepass.errors import GatepassError, KeysUnavailable, StoreUnavailable
from gatepass.jose import KeySet, SharedKey, sign
from gatepass.keyfile import FileKeySource, KeyFile
from gatepass.remote import AsyncRemoteKeySet, RemoteKeySet
from tests.keyfile.steps import announced, first, keep, key, rotated
from tests.remote.issuer import AUDIENCE, Issuer, reply

ISSUER: Final = "api-server"
SOURCES: Final = ("key", "set", "changing", "file", "remote")
SHARED: Final = [SharedKey.generate() for _ in range(4)]
SMALL: Final = 24_000
"""Room for a handful of tokens, so that generations change."""


class Changing:
    """A source of the caller's own, which may fail."""

    def __init__(self) -> None:
        self.version = 0
        self.keys: KeySet | None = KeySet(*SHARED[:2])

    def current(self) -> KeySet:
        if self.keys is None:
            raise KeysUnavailable
        return self.keys

    def put(self, keys: KeySet | None) -> None:
        self.version += 1
        self.keys = keys


class Denylist:
    """Revocations of either twin, which may be out of reach."""

    def __init__(self, *, is_async: bool) -> None:
        self.is_async = is_async
        self.ids: set[str] = set()
        self.is_down = False
        self.is_revoked: Any = self._awaited if is_async else self._asked

    def _asked(self, session_id: str | None, token_id: str | None) -> bool:
        if self.is_down:
            raise StoreUnavailable
        return not self.ids.isdisjoint({session_id, token_id})

    async def _awaited(self, session_id: str | None, token_id: str | None) -> bool:
        return self._asked(session_id, token_id)


class World:
    """Both verifiers, and everything that they look at."""

    def __init__(self, kind: str, folder: Path, *, is_async: bool, remember: int = SMALL) -> None:
        self.kind = kind
        self._numbers = count()
        self.now = 1_700_000_000.0
        self.steady = 1000.0
        self.issuer: Issuer | None = None
        self.loop = asyncio.new_event_loop() if is_async else None
        self.signers: list[Any] = list(SHARED)
        self.keys: Any = self._keys(folder, is_async=is_async)
        self.denylist = Denylist(is_async=is_async)
        verifier: Any = AsyncTokenVerifier if is_async else TokenVerifier
        self.plain, self.seen = (
            verifier(
                self.keys,
                issuer=ISSUER,
                audience=AUDIENCE,
                leeway=5,
                revocations=self.denylist,
                now=lambda: self.now,
                remember=size,
            )
            for size in (0, remember)
        )

    def issue(self, signer: int, claims: dict[str, Any], lifetime: int, nbf: int = 0) -> str:
        """A token by any of the keys, whether it is accepted now or not."""
        number = next(self._numbers)
        times = {"exp": int(self.now) + lifetime, "nbf": int(self.now) + nbf}
        names = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "jti": f"t{number}", "sid": "s"}
        key = self.signers[signer % len(self.signers)]
        return sign(claims | names | times, key, typ="at+jwt")

    def change_keys(self, choice: int) -> None:
        """Rotate, remove, lose or find the keys, as this kind of source can."""
        if self.kind == "changing":
            sets = [KeySet(*SHARED[:2]), KeySet(SHARED[2], SHARED[1]), KeySet(SHARED[3]), None]
            self.keys.put(sets[choice % 4])
        elif self.kind == "file":
            rings = [first, announced, rotated, None]
            ring = rings[choice % 4]
            if ring is None:
                self.file.unlink(missing_ok=True)
            else:
                self.file.unlink(missing_ok=True)
                keep(KeyFile(self.file), ring())
        elif self.issuer is not None:
            if choice % 4 == 3:
                self.issuer.scripts["/jwks"] = reply(b"", "503 Service Unavailable")
            else:
                self.issuer.publish(*self.signers[choice % 3 : choice % 3 + 2])

    def require_same(self, token: str) -> Any:
        """What both say of a token: all claims, or the error with its words.

        Keys of an issuer may arrive between two questions, so the plain one is asked once more.
        """
        plain, seen = self._verdict(self.plain, token), self._verdict(self.seen, token)
        if seen != plain and self.issuer is not None:
            plain = self._verdict(self.plain, token)
        assert seen == plain
        return seen

    def verify(self, token: str) -> Any:
        """The answer of the verifier that remembers."""
        return self._run(self.seen.verify, token)

    def close(self) -> None:
        if self.loop is not None:
            self.loop.close()
        if self.issuer is not None:
            self.issuer.close()

    def _verdict(self, verifier: Any, token: str) -> Any:
        try:
            return dict(self._run(verifier.verify, token))
        except GatepassError as error:
            return type(error), str(error)

    def _run(self, call: Callable[[str], Any], token: str) -> Any:
        return call(token) if self.loop is None else self.loop.run_until_complete(call(token))

    def _keys(self, folder: Path, *, is_async: bool) -> Any:
        match self.kind:
            case "key":
                return SHARED[0]
            case "set":
                return KeySet(*SHARED[:2])
            case "changing":
                return Changing()
            case "file":
                self.signers = [key(0), key(1), key(2)]
                self.file = folder / "keys.json"
                keep(KeyFile(self.file), first())
                return FileKeySource(self.file, now=lambda: self.steady)
            case _:
                self.signers = [key(number) for number in range(4)]
                self.issuer = Issuer()
                self.issuer.publish(*self.signers[:2])
                source = AsyncRemoteKeySet if is_async else RemoteKeySet
                return source(self.issuer.jwks_url, max_stale=600, now=lambda: self.steady)
