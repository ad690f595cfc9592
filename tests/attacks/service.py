"""A whole service under attack: a manager over a store, either twin behind one face."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from gatepass import AccessClaims, AsyncTokenManager, TokenManager, TokenPair, TokenPolicy
from gatepass.jose import SharedKey
from gatepass.sessions import Session
from gatepass.stores.memory import AsyncMemoryStore, MemoryStore
from gatepass.stores.redis import AsyncRedisStore, RedisStore
from gatepass.stores.sql import AsyncSqlStore, SqlStore
from tests.attacks.target import AUDIENCE, ISSUER, NOW
from tests.jose.forge import compact, hmac_signer, parts
from tests.jose.material import OTHER_SECRET, SECRET
from tests.servers.redis_sets import running
from tests.stores.postgres_backend import empty_url

REDIS = ("redis 8", "valkey", "cluster")
KINDS = tuple(
    f"{twin}{kind}" for kind in ("memory", "sqlite", "postgres", *REDIS) for twin in ("", "async ")
)
ACCESS = SharedKey.from_secret(SECRET)
REFRESH = SharedKey.from_secret(OTHER_SECRET)


class Service:
    """The manager's operations without `await`, on a clock that the test sets."""

    def __init__(self, kind: str, folder: Path, access_format: str = "jwt", **options: Any) -> None:
        self.now = float(NOW)
        self._runner = asyncio.Runner()
        is_async, url = kind.startswith("async"), f"sqlite:///{folder / 'gate.db'}"
        name = kind.removeprefix("async ")
        if name in REDIS:
            running(name).flush()
        makers: dict[str, Any] = {
            "memory": MemoryStore,
            "async memory": AsyncMemoryStore,
            "sqlite": lambda clock: SqlStore.from_url(url, clock=clock),
            "async sqlite": lambda clock: AsyncSqlStore.from_url(url, clock=clock),
            "postgres": lambda clock: SqlStore.from_url(empty_url(), clock=clock),
            "async postgres": lambda clock: AsyncSqlStore.from_url(empty_url(), clock=clock),
        }
        for one in REDIS:
            makers[one] = lambda clock: RedisStore.from_url(running(name).url, clock=clock)
            makers[f"async {one}"] = lambda clock: AsyncRedisStore.from_url(
                running(name).url, clock=clock
            )
        manager: Any = AsyncTokenManager if is_async else TokenManager
        self._is_async = is_async
        self.manager = manager(
            TokenPolicy(
                issuer=ISSUER, audience=AUDIENCE, rotation_leeway=10, access_format=access_format
            ),
            access_keys=ACCESS,
            refresh_keys=REFRESH,
            store=makers[kind](clock=lambda: self.now),
            now=lambda: self.now,
            **options,
        )

    def call(self, name: str, /, *args: Any, **options: Any) -> Any:
        answer = getattr(self.manager, name)(*args, **options)
        return self._runner.run(answer) if self._is_async else answer

    def stored_keys(self, subject: str) -> list[Session]:
        """The rows of a subject's keys."""
        found = self.manager.store.sessions(subject, kind="key")
        rows: list[Session] = self._runner.run(found) if self._is_async else found
        return rows

    def at_once(self, name: str, *args: Any, times: int) -> list[Any]:
        """The answers to one call that many make together."""
        call = getattr(self.manager, name)
        if not self._is_async:
            with ThreadPoolExecutor(times) as threads:
                return list(threads.map(lambda _: call(*args), range(times)))

        async def together() -> list[Any]:
            return await asyncio.gather(*(call(*args) for _ in range(times)))

        return self._runner.run(together())

    def close(self) -> None:
        self.call("close")
        self._runner.close()

    def issue(self, subject: str = "alice", **options: Any) -> TokenPair:
        pair: TokenPair = self.call("issue", subject, **options)
        return pair

    def refresh(self, token: Any) -> TokenPair:
        pair: TokenPair = self.call("refresh", token)
        return pair

    def verify(self, token: Any) -> AccessClaims:
        claims: AccessClaims = self.call("verify", token)
        return claims

    def log_out(self, **tokens: Any) -> None:
        self.call("log_out", **tokens)

    def revoke_token(self, token: Any) -> None:
        self.call("revoke_token", token)

    def revoke_subject(self, subject: str) -> int:
        ended: int = self.call("revoke_subject", subject, reason="password change")
        return ended

    def revoke_all(self) -> int:
        ended: int = self.call("revoke_all", reason="restored")
        return ended

    def revoke_session(self, session_id: str) -> None:
        self.call("revoke_session", session_id)

    def epoch(self, subject: str) -> int:
        epoch: int = self.call("subject_epoch", subject)
        return epoch

    def sessions(self, subject: str = "alice") -> list[Session]:
        """Every live session as stored: equal lists mean that nothing has changed."""
        sessions: list[Session] = self.call("sessions", subject)
        return sessions


def reforged(token: str, secret: str, **changes: object) -> str:
    """The token with other claims (`...` leaves one out), signed with the right secret."""
    header, claims, _ = parts(token)
    changed = {name: value for name, value in (claims | changes).items() if value is not ...}
    return compact(header, changed, hmac_signer(secret))
