"""Plans as the manager would make them, and a clock that stands still until it is told."""

import secrets
from dataclasses import dataclass, replace

from gatepass.sessions import IssuePlan, OpaquePlan, RotationPlan, new_id, opaque_id
from gatepass.sessions.session import KEY_SEC_HASH, partition_digits

SECOND = 1_000
MINUTE = 60 * SECOND
DAY = 24 * 60 * MINUTE

ACCESS_LIFE = 15 * MINUTE
IDLE = 7 * DAY
LIFE = 30 * DAY
LEEWAY = 10 * SECOND
START = 1_800_000_000.0

SEC_HASH = bytes(range(32))


@dataclass
class Clock:
    """Seconds since 1970, moved by the test."""

    now: float = START

    def __call__(self) -> float:
        return self.now

    def forward(self, ms: int) -> None:
        """Let milliseconds pass; negative ones set the clock back."""
        self.now = round(self.now * 1000 + ms) / 1000

    @property
    def ms(self) -> int:
        return int(self.now * 1000)


def sid(name: str, subject: str = "ada") -> str:
    """A session id that can be read: it begins as every id of this subject does."""
    return partition_digits(subject) + name


def log_in(
    subject: str = "ada",
    *,
    session_id: str | None = None,
    epoch: int | None = None,
    max_sessions: int = 50,
    access_life: int = ACCESS_LIFE,
    idle: int = IDLE,
    life: int = LIFE,
    claims: bytes = b'{"role":"user"}',
) -> IssuePlan:
    return IssuePlan(
        session_id=new_id(subject, secrets.token_bytes(16)) if session_id is None else session_id,
        subject=subject,
        client_id="app",
        device="Firefox on Linux",
        auth_time=1_800_000_000,
        claims_json=claims,
        sec_hash=SEC_HASH,
        refresh_lifetime_ms=idle,
        session_lifetime_ms=life,
        access_lifetime_ms=access_life,
        epoch=epoch,
        max_sessions=max_sessions,
    )


def key(
    subject: str = "ada",
    *,
    session_id: str | None = None,
    life: int = LIFE,
    epoch: int | None = None,
    most: int = 50,
) -> IssuePlan:
    """An API key."""
    plan = log_in(subject, session_id=session_id, epoch=epoch, idle=life, life=life)
    key_hash = opaque_id(subject, secrets.token_bytes(32))
    return replace(plan, sec_hash=KEY_SEC_HASH, opaque_id=key_hash, max_sessions=most)


def present(
    session_id: str,
    generation: int = 0,
    *,
    sec_hash: bytes = SEC_HASH,
    leeway: int = LEEWAY,
    idle: int = IDLE,
    claims: bytes | None = None,
    access_life: int = ACCESS_LIFE,
) -> RotationPlan:
    return RotationPlan(
        session_id=session_id,
        generation=generation,
        sec_hash=sec_hash,
        claims_json=claims,
        leeway_ms=leeway,
        refresh_lifetime_ms=idle,
        access_lifetime_ms=access_life,
    )


def opaque(session_id: str, subject: str = "ada", *, life: int = ACCESS_LIFE) -> OpaquePlan:
    """A token of this session, with ids of its own."""
    return OpaquePlan(
        opaque_id=opaque_id(subject, secrets.token_bytes(32)),
        token_id=new_id(subject, secrets.token_bytes(16)),
        session_id=session_id,
        lifetime_ms=life,
    )
