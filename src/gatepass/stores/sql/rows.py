"""Between a `Session` and its row: pure, and the same for every database."""

from collections.abc import Sequence
from itertools import product
from types import NoneType
from typing import Any, Final

import msgspec
from msgspec.structs import asdict

from gatepass.errors import StoreUnavailable
from gatepass.sessions import OpaqueFact, OpaqueKind, OpaqueToken, Session, judge_opaque

COLUMNS: Final = Session.__struct_fields__
"""The order in which statements select a session."""

_DAMAGED: Final = "a row of the database is damaged"
_TEXT: Final = (str,)
_MAYBE_TEXT: Final = (str, NoneType)
_TYPES: Final = frozenset(
    product(
        *(_TEXT, _TEXT, _TEXT, _MAYBE_TEXT),
        *((int,),) * 7,
        *((int, NoneType), _MAYBE_TEXT),
        *((bytes,), (bytes,), (bytes, str)),
    )
)
"""The types that the columns hold; SQLite does not enforce them, nor does a damaged file."""

_recent_from_json: Final = msgspec.json.Decoder(tuple[tuple[int, int], ...]).decode
_claims_from_json: Final = msgspec.json.Decoder(dict[str, Any]).decode
_to_json: Final = msgspec.json.encode


def session_of(row: Sequence[Any]) -> Session:
    """The session in a row of `COLUMNS`.

    Raises:
        StoreUnavailable: The row was not written by this package.
    """
    if tuple(map(type, row)) not in _TYPES:
        raise StoreUnavailable(_DAMAGED)
    try:
        _claims_from_json(row[13])
        recent = _recent_from_json(row[15])
    except (ValueError, RecursionError) as error:
        raise StoreUnavailable(_DAMAGED) from error
    values: tuple[Any, ...] = (*row[:15], recent)
    return Session(*values)  # by their names it takes half a microsecond longer


def opaque_fact_of(row: Sequence[Any] | None, now_ms: int) -> OpaqueFact:
    """The fact in a row of `find_opaque`: id, times, whether it is logged, then its session's.

    Raises:
        StoreUnavailable: The row was not written by this package.
    """
    if row is None:
        return judge_opaque(None, is_revoked=False, now_ms=now_ms)
    token_id, issued_ms, ends_ms, is_logged, *session_row = row
    if (
        not isinstance(token_id, str)
        or not isinstance(issued_ms, int)
        or not isinstance(ends_ms, int)
    ):
        raise StoreUnavailable(_DAMAGED)
    if session_row[0] is None:  # purged, or never restored
        is_over = now_ms >= ends_ms
        return OpaqueFact(kind=OpaqueKind.EXPIRED if is_over else OpaqueKind.REVOKED)
    token = OpaqueToken(
        token_id=token_id, issued_ms=issued_ms, ends_ms=ends_ms, session=session_of(session_row)
    )
    return judge_opaque(token, is_revoked=bool(is_logged), now_ms=now_ms)


def rotation_of(session: Session) -> dict[str, Any]:
    """The values that a rotation changes, by column, and the session's id."""
    return {
        "session_id": session.session_id,
        "generation": session.generation,
        "born_ms": session.born_ms,
        "last_used_ms": session.last_used_ms,
        "idle_ends_ms": session.idle_ends_ms,
        "claims_json": session.claims_json,
        "recent": _to_json(session.recent),
    }


def row_of(session: Session, actor: str | None = None) -> dict[str, Any]:
    """The values of its row, by column."""
    row = asdict(session)
    row["recent"], row["actor"] = _to_json(session.recent), actor
    return row
