"""The names of keys, and the fields of a session's hash; pure.

All keys of a partition share the hash tag `{0}` to `{15}`, so that they lie in one slot of a
cluster. Numbers are packed and texts cut in pieces of 64 bytes: Redis keeps such a hash as one
compact block, whatever the claims are.
"""

import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from gatepass.errors import SettingsRejected, StoreUnavailable
from gatepass.sessions import Session, SessionKind
from gatepass.sessions.session import partition_digits, partition_of

DAMAGED: Final = "a reply of Redis, or a row in it, is damaged"
PIECE: Final = 64
"""`hash-max-listpack-value`: a longer value would turn the hash into a big table."""
_claims_from_json: Final = msgspec.json.Decoder(dict[str, Any]).decode
_RECENT: Final = struct.Struct("<Hi")
_DIGITS: Final = 20
"""Longer numbers are nothing that this package wrote."""
_PREFIX: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}")


class Keys:
    """The names of keys below one prefix."""

    def __init__(self, prefix: str) -> None:
        if not _PREFIX.fullmatch(prefix):
            raise SettingsRejected("a prefix of Redis keys has 1 to 64 of A-Z a-z 0-9 . _ : -")
        self.pattern: Final = f"{prefix}:{{*}}:s:*"
        """Matches every session of every partition, and perhaps other keys."""
        self._session = re.compile(
            rb"%b:\{(\d|1[0-5])\}:s:(.*)" % re.escape(prefix.encode()), re.DOTALL
        )
        self.bases: Final = [f"{prefix}:{{{number}}}:" for number in range(16)]
        """For each partition the beginning of its keys."""

    def session_of_key(self, key: bytes) -> tuple[int, bytes] | None:
        """Partition and id of the session with this key; `None`: the key is not a session's."""
        match = self._session.fullmatch(key)
        return match and (int(match[1]), match[2])


def partition_of_subject(subject: str) -> int:
    """The partition of a subject's sessions, index and epoch."""
    return partition_of(partition_digits(subject))


def index_of(subject: str, kind: SessionKind) -> str:
    """The index of a subject's sessions or of its keys, which no login has to go through."""
    return f"{'k' if kind == 'key' else 'u'}:{subject}"


def require_partition(identifier: str, partition: int, what: str) -> None:
    """Reject an id that does not begin with its subject's digits: its hash slot is another.

    Raises:
        ValueError: The id is of another partition.
    """
    if partition_of(identifier) != partition:
        raise ValueError(f"{what} does not begin with its subject's partition digits")


def pieces(name: str, value: bytes | str | None) -> list[bytes | str]:
    """The fields of a text: `u`, `u1`, `u2`, each with at most 64 bytes of it."""
    if value is None:
        return []
    data = value.encode() if isinstance(value, str) else value
    fields: list[bytes | str] = [name, data[:PIECE]]
    for number, start in enumerate(range(PIECE, len(data), PIECE), start=1):
        fields += [f"{name}{number}", data[start : start + PIECE]]
    return fields


def number_of(reply: Any) -> int:
    """The number in a reply: Lua sends small ones as integers, times as text.

    Raises:
        StoreUnavailable: The reply is no number.
    """
    if isinstance(reply, int):
        return reply
    if isinstance(reply, bytes) and len(reply) < _DIGITS and reply.isdigit():
        return int(reply)
    raise StoreUnavailable(DAMAGED)


def text_of(reply: Any) -> str:
    """The text in a reply.

    Raises:
        StoreUnavailable: The reply is no text.
    """
    try:
        return bytes.decode(reply)
    except (TypeError, ValueError):
        pass  # the error quotes the reply
    raise StoreUnavailable(DAMAGED)


def session_of(session_id: str, flat: Sequence[bytes]) -> Session:
    """The session in a reply to `HGETALL`.

    Raises:
        StoreUnavailable: The session was not written by this package.
    """
    try:
        session = _session_of(session_id, dict(zip(flat[::2], flat[1::2], strict=True)))
        _claims_from_json(session.claims_json)
    except (KeyError, ValueError, struct.error, TypeError, AttributeError, RecursionError):
        pass  # the error quotes the row
    else:
        return session
    raise StoreUnavailable(DAMAGED)


def _session_of(session_id: str, row: Mapping[bytes, bytes]) -> Session:
    moving, fixed = row[b"m"], row[b"f"]
    if len(moving) != 26 or len(fixed) != 54:  # noqa: PLR2004 (as packed in Lua)
        raise ValueError(DAMAGED)
    generation, born_ms, idle_ends_ms = _numbers(moving[:18])
    created_ms, ends_ms, auth_time = _numbers(fixed[:18])
    revoked = row.get(b"r")
    return Session(
        session_id=session_id,
        subject=_require(row, b"u").decode(),
        client_id=_require(row, b"c").decode(),
        device=None if b"d" not in row else _require(row, b"d").decode(),
        auth_time=auth_time,
        generation=generation,
        born_ms=born_ms,
        created_ms=created_ms,
        last_used_ms=born_ms,  # set by a login, a rotation and `note_use`
        idle_ends_ms=idle_ends_ms,
        ends_ms=ends_ms,
        revoked_ms=None if revoked is None else int(revoked),
        reason=None if b"w" not in row else _require(row, b"w").decode(),
        claims_json=_require(row, b"j"),
        sec_hash=fixed[22:],
        recent=tuple(
            (generation - back, born_ms - ago)
            for back, ago in _RECENT.iter_unpack(row.get(b"h", b""))
        ),
    )


def _numbers(packed: bytes) -> Iterator[int]:
    return (int.from_bytes(packed[at : at + 6], "little") for at in (0, 6, 12))


def _require(row: Mapping[bytes, bytes], name: bytes) -> bytes:
    value = row[name]
    if len(value) < PIECE:
        return value
    parts, number = [value], 1
    while (part := row.get(name + b"%d" % number)) is not None:
        parts.append(part)
        number += 1
    return b"".join(parts)
