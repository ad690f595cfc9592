"""The session: its identifiers, and the row that stores keep. Pure: no clock, no I/O."""

from collections.abc import Mapping
from hmac import compare_digest
from typing import Any, Final, Literal
from zlib import crc32

import msgspec

from gatepass.sessions.record import Record
from gatepass.sessions.texts import require_encodable

PARTITIONS = 16
"""The number of partitions, each one hash tag on a Redis Cluster; a subject lies in one."""

SKEW_MS = 120_000
"""Added to the longest access life: 60 s of leeway and 60 s of clock difference."""

LOG_MS = 86_400_000
"""The shortest time for which the revocation log keeps an entry, however short tokens live.

A purge by a clock that is ahead for a moment would otherwise remove entries that still matter.
"""


_DIGITS = tuple(f"{number:02x}" for number in range(256))


def partition_digits(subject: str) -> str:
    """The two hex digits that begin every `sid` and `jti` of this subject: its CRC-32's last.

    Raises:
        ClaimsRejected: The subject has no UTF-8 form.
    """
    if not subject.isascii():
        require_encodable(subject)
    return _DIGITS[crc32(subject.encode()) & 0xFF]


def new_id(subject: str, random: bytes) -> str:
    """An identifier of a session or token: partition digits, then 128 random bits, all hex."""
    return partition_digits(subject) + random.hex()


def partition_of(identifier: str) -> int:
    """The partition, 0 to 15, of a `sid` or `jti`; ids of other makers go by their CRC-32."""
    try:
        return int(identifier[:2], 16) % PARTITIONS
    except ValueError:
        return int(partition_digits(identifier), 16) % PARTITIONS


SessionKind = Literal["session", "key"]

KEY_SEC_HASH: Final = bytes(32)
"""The `sec_hash` of every API key. Nobody knows a secret with this hash, so that no refresh token
can be of a key; and it says which rows are keys.
"""


def kind_of(sec_hash: bytes) -> SessionKind:
    """Whether the row with this `sec_hash` is a login or an API key."""
    return "key" if compare_digest(sec_hash, KEY_SEC_HASH) else "session"


class Session(Record, frozen=True):
    """One login and everything that came from it, or one API key.

    Times ending in `_ms` are milliseconds since 1970 on the store's clock; `auth_time` is
    seconds since 1970 and says when the password was checked.
    """

    _private = frozenset({"claims_json", "sec_hash"})

    session_id: str
    subject: str
    client_id: str
    device: str | None
    auth_time: int
    generation: int
    born_ms: int
    """The time at which the current generation became current."""
    created_ms: int
    last_used_ms: int
    idle_ends_ms: int
    ends_ms: int
    revoked_ms: int | None
    reason: str | None
    claims_json: bytes
    sec_hash: bytes
    """SHA-256 of the secret that every refresh token of this session carries."""
    recent: tuple[tuple[int, int], ...] = ()
    """Superseded generations and their times (ms), oldest first: at most 8 within the leeway."""

    @property
    def claims(self) -> Mapping[str, Any]:
        """The caller's claims, as given to `issue` or by `load_claims`, and the session's own."""
        claims: dict[str, Any] = msgspec.json.decode(self.claims_json)
        return claims

    @property
    def kind(self) -> SessionKind:
        """Whether this is a login or an API key."""
        return kind_of(self.sec_hash)

    @property
    def began(self) -> int:
        """The second from which the policy's longest life of a session counts.

        A session that a legacy token was exchanged for has no `auth_time` (it is 0): nobody checked
        a password here.
        """
        return self.auth_time or self.created_ms // 1000

    def is_live(self, now_ms: int) -> bool:
        """Whether a refresh could still succeed."""
        return self.revoked_ms is None and now_ms < self.idle_ends_ms and now_ms < self.ends_ms
