"""A plain model of one session, to hold a manager and its store against."""

import sqlite3
import struct
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import msgspec
import psycopg
import redis

from gatepass import TokenPair, TokenPolicy, errors
from gatepass.sessions import Session
from gatepass.sessions.session import partition_of
from gatepass.stores.memory import MemoryStore

LEEWAY, IDLE, WHOLE, ACCESS = 10, 300, 1200, 60
POLICY = TokenPolicy(
    issuer="api-server",
    audience="api-client",
    access_lifetime=ACCESS,
    refresh_lifetime=IDLE,
    session_lifetime=WHOLE,
    rotation_leeway=LEEWAY,
)
HOW: tuple[dict[str, Any], ...] = (
    {},
    {"amr": ["otp"], "org": "acme"},
    {"act": {"sub": "alice"}},
    {"act": {"sub": "bob", "act": {"sub": "alice"}}, "acr": "high"},
)
"""How somebody may sign in."""


@dataclass
class ModelSession:
    """What is known of a session from outside: what was handed out, and when."""

    subject: str
    claims: dict[str, Any]
    how: dict[str, Any]
    ends: int
    generation: int = 0
    idle_ends: int = 0
    superseded: dict[int, int] = field(default_factory=dict)
    revoked: bool = False
    pairs: list[tuple[int, TokenPair]] = field(default_factory=list)

    @property
    def actor(self) -> str | None:
        """Who acts as the subject."""
        actor: str | None = self.how.get("act", {}).get("sub")
        return actor

    def expected(self, generation: int, now: int) -> type[errors.GatepassError] | int:
        """The generation that a refresh leads to, or the error it ends in."""
        if self.revoked:
            return errors.SessionRevoked
        if now >= self.ends:
            return errors.SessionExpired
        if generation > self.generation:
            return generation + 1
        if now >= self.idle_ends:
            return errors.SessionExpired
        if generation == self.generation:
            return generation + 1
        newest = sorted(self.superseded, key=lambda each: (self.superseded[each], each))[-8:]
        if generation in newest and now - self.superseded[generation] <= LEEWAY:
            return self.generation
        return errors.RefreshReused

    def advance(self, generation: int, now: int) -> None:
        """A refresh with this generation succeeded and was no replay."""
        fresh = {old: at for old, at in self.superseded.items() if now - at <= LEEWAY}
        newest = sorted(fresh, key=lambda each: (fresh[each], each))[-7:]
        self.superseded = {old: fresh[old] for old in newest} | {generation: now}
        self.generation = generation + 1
        self.idle_ends = min(now + IDLE, self.ends)

    def spendable(self) -> tuple[int, int, dict[int, int], dict[str, Any]]:
        """What an unconfirmed write may take back."""
        return self.generation, self.idle_ends, dict(self.superseded), dict(self.claims)

    def restore(self, saved: tuple[int, int, dict[int, int], dict[str, Any]]) -> None:
        """Take an unconfirmed write back."""
        self.generation, self.idle_ends, self.superseded, self.claims = saved


def forget_in_memory(store: MemoryStore) -> Callable[[Session], None]:
    """Puts a row of the memory store back to what it was."""

    def forget(session: Session) -> None:
        store._rows[session.session_id] = session

    return forget


def forget_in_sqlite(path: str) -> Callable[[Session], None]:
    """Puts a row of the SQLite file back to what it was."""

    def forget(session: Session) -> None:
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(
                "UPDATE gatepass_sessions SET generation=?, born_ms=?, last_used_ms=?,"
                " idle_ends_ms=?, claims_json=?, recent=? WHERE session_id=?",
                (
                    session.generation,
                    session.born_ms,
                    session.last_used_ms,
                    session.idle_ends_ms,
                    session.claims_json,
                    msgspec.json.encode(session.recent),
                    session.session_id,
                ),
            )

    return forget


def forget_in_postgres(url: str) -> Callable[[Session], None]:
    """Puts a row in PostgreSQL back to what it was."""

    def forget(session: Session) -> None:
        with psycopg.connect(url) as connection:
            connection.execute(
                "UPDATE gatepass_sessions SET generation=%s, born_ms=%s, last_used_ms=%s,"
                " idle_ends_ms=%s, claims_json=%s, recent=%s WHERE session_id=%s",
                (
                    session.generation,
                    session.born_ms,
                    session.last_used_ms,
                    session.idle_ends_ms,
                    session.claims_json,
                    msgspec.json.encode(session.recent),
                    session.session_id,
                ),
            )

    return forget


def forget_in_redis(client: redis.Redis) -> Callable[[Session], None]:
    """Puts a session in Redis back to what it was."""

    def forget(session: Session) -> None:
        key = f"gatepass:{{{partition_of(session.session_id)}}}:s:{session.session_id}"
        numbers = (session.generation, session.born_ms, session.idle_ends_ms)
        moving = b"".join(number.to_bytes(6, "little") for number in numbers) + bytes(8)
        recent = b"".join(
            struct.pack("<Hi", session.generation - generation, session.born_ms - at_ms)
            for generation, at_ms in session.recent
        )
        fields = {"m": moving, "h": recent, "j": session.claims_json}
        client.hset(key, mapping=fields)  # type: ignore[arg-type]

    return forget
