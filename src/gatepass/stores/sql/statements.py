"""Every statement of the stores, in SQLAlchemy Core, compiled to text once per dialect.

The stores run the text on the driver's own connection: what Core adds to a read (28 µs) is
several times the read itself. All times are milliseconds on the store's clock.
"""

from dataclasses import dataclass, fields
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ClauseElement,
    ColumnClause,
    Dialect,
    Text,
    and_,
    bindparam,
    column,
    delete,
    func,
    literal_column,
    null,
    or_,
    select,
    table,
    update,
)
from sqlalchemy.dialects import sqlite

from gatepass.stores.sql.rows import COLUMNS, ROTATING
from gatepass.stores.sql.tables import meta, opaque_tokens, revocations, sessions, subjects

_INSERT: Final = {"sqlite": sqlite.insert}
"""`ON CONFLICT` is spelt per dialect; PostgreSQL's insert has the same methods."""

_ONE: Final[ColumnClause[int]] = literal_column("1")
_NONE: Final[ColumnClause[int]] = literal_column("0")
_SESSION: Final[ColumnClause[str]] = literal_column("'s'")
_TOKEN: Final[ColumnClause[str]] = literal_column("'t'")


def _text(name: str) -> BindParameter[str]:
    return bindparam(name, type_=Text)


def _number(name: str) -> BindParameter[int]:
    return bindparam(name, type_=BigInteger)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statements:
    """The text of each statement, with named parameters in the dialect's style."""

    is_revoked: str
    find_session: str
    find_epoch: str
    live_sessions: str
    live_ids: str
    count_live_of: str
    count_live: str
    insert_session: str
    update_rotation: str
    revoke_session: str
    revoke_sessions_of: str
    revoke_sessions: str
    log_session: str
    log_token: str
    log_sessions_of: str
    log_sessions: str
    raise_epoch: str
    raise_epoch_of_all: str
    find_access_life: str
    find_opaque: str
    insert_opaque: str
    purge_opaque: str
    raise_access_life: str
    purge_sessions: str
    purge_log: str
    log_state: str
    log_page: str


def compile_statements(dialect: Dialect) -> Statements:
    """All statements in this dialect."""
    expressions = _reads() | _changes() | _log(dialect.name) | _purges()
    return Statements(
        **{
            field.name: str(expressions[field.name].compile(dialect=dialect))
            for field in fields(Statements)
        }
    )


_row: Final = sessions.c.session_id == _text("session_id")
_of_subject: Final = sessions.c.subject == _text("subject")
_unrevoked: Final = sessions.c.revoked_ms.is_(null())
_opened: Final = sessions.c.session_id.in_(
    select(sessions.c.session_id)
    .where(_of_subject, _unrevoked)
    .union_all(
        select(sessions.c.session_id).where(sessions.c.actor == _text("subject"), _unrevoked)
    )
)
"""Of the subject, or opened by it as an actor; with `OR` SQLite would go through all sessions."""
_sequence: Final = table("sqlite_sequence", column("name", Text), column("seq", BigInteger))
_live: Final = and_(
    _unrevoked,
    sessions.c.idle_ends_ms > _number("now_ms"),
    sessions.c.ends_ms > _number("now_ms"),
)


def _reads() -> dict[str, ClauseElement]:
    all_columns = [sessions.c[name] for name in COLUMNS]
    own_epoch = select(subjects.c.epoch).where(subjects.c.subject == _text("subject"))
    live_row = select(_ONE).where(_row, _unrevoked).exists()
    logged = select(_ONE).where(
        or_(
            and_(revocations.c.kind == _SESSION, revocations.c.id == _text("session_id")),
            and_(revocations.c.kind == _TOKEN, revocations.c.id == _text("token_id")),
        )
    )
    asked = _text("session_id").is_not(null())
    newest_first = (sessions.c.created_ms.desc(), sessions.c.session_id.desc())
    return {
        "is_revoked": select(or_(and_(asked, ~live_row), logged.exists())),
        "find_session": select(*all_columns).where(_row),
        "find_epoch": select(
            meta.c.epoch_of_all + func.coalesce(own_epoch.scalar_subquery(), literal_column("0"))
        ),
        "live_sessions": select(*all_columns).where(_of_subject, _live).order_by(*newest_first),
        "live_ids": select(sessions.c.session_id).where(_of_subject, _live).order_by(*newest_first),
        "count_live_of": select(func.count()).select_from(sessions).where(_opened, _live),
        "count_live": select(func.count()).select_from(sessions).where(_live),
        "find_opaque": select(
            opaque_tokens.c.token_id,
            opaque_tokens.c.issued_ms,
            opaque_tokens.c.ends_ms,
            select(_ONE)
            .where(revocations.c.kind == _TOKEN, revocations.c.id == opaque_tokens.c.token_id)
            .exists()
            | select(_ONE)
            .where(revocations.c.kind == _SESSION, revocations.c.id == opaque_tokens.c.session_id)
            .exists(),
            *all_columns,
        )
        .select_from(
            opaque_tokens.outerjoin(sessions, sessions.c.session_id == opaque_tokens.c.session_id)
        )
        .where(opaque_tokens.c.opaque_id == _text("opaque_id")),
        "find_access_life": select(meta.c.longest_access_ms),
    }


def _changes() -> dict[str, ClauseElement]:
    ended: dict[str, Any] = {
        "revoked_ms": _number("now_ms"),
        "reason": _text("why"),
        "recent": literal_column("'[]'"),  # SQLite keeps text; rows read either
    }
    longest = _number("access_lifetime_ms")
    return {
        "update_rotation": update(sessions)
        .where(_row)
        .values({name: bindparam(name, type_=sessions.c[name].type) for name in ROTATING}),
        "revoke_session": update(sessions).where(_row).values(ended),
        "revoke_sessions_of": update(sessions).where(_opened).values(ended),
        "revoke_sessions": update(sessions).where(_unrevoked).values(ended),
        "raise_epoch_of_all": update(meta).values(epoch_of_all=meta.c.epoch_of_all + _ONE),
        "raise_access_life": update(meta)
        .where(meta.c.longest_access_ms < longest)
        .values(longest_access_ms=longest),
    }


def _log(dialect_name: str) -> dict[str, ClauseElement]:
    insert = _INSERT[dialect_name]
    columns = ["kind", "id", "at_ms"]

    def log_one(kind: Any, parameter: str) -> ClauseElement:
        entry: dict[str, Any] = {"kind": kind, "id": _text(parameter), "at_ms": _number("now_ms")}
        return insert(revocations).values(entry).on_conflict_do_nothing()

    def log_rows(*which: Any) -> ClauseElement:
        ids = select(_SESSION, sessions.c.session_id, _number("now_ms")).where(*which)
        return insert(revocations).from_select(columns, ids).on_conflict_do_nothing()

    return {
        "insert_session": insert(sessions).on_conflict_do_nothing(),
        "insert_opaque": insert(opaque_tokens).on_conflict_do_nothing(),
        "log_session": log_one(_SESSION, "session_id"),
        "log_token": log_one(_TOKEN, "token_id"),
        "log_sessions_of": log_rows(_opened),
        "log_sessions": log_rows(_unrevoked),
        "raise_epoch": insert(subjects)
        .values({"subject": _text("subject"), "epoch": _ONE})
        .on_conflict_do_update(index_elements=["subject"], set_={"epoch": subjects.c.epoch + _ONE}),
        "log_state": select(
            meta.c.log_identity,
            meta.c.longest_access_ms,
            # AUTOINCREMENT keeps the last number given out, also of entries purged since
            select(_sequence.c.seq)
            .where(_sequence.c.name == literal_column(f"'{revocations.name}'"))
            .scalar_subquery(),
        ),
        "log_page": select(
            revocations.c.seq, revocations.c.kind, revocations.c.id, revocations.c.at_ms
        )
        .where(revocations.c.seq > _number("cursor"))
        .order_by(revocations.c.seq)
        .limit(_number("size"))
        .offset(_NONE),
    }


def _purges() -> dict[str, ClauseElement]:
    ended = (
        select(sessions.c.session_id)
        .where(sessions.c.ends_ms <= _number("before_ms"))
        .limit(_number("size"))
        .offset(_NONE)
    )
    expired = (
        select(opaque_tokens.c.opaque_id)
        .where(opaque_tokens.c.ends_ms <= _number("before_ms"))
        .limit(_number("size"))
        .offset(_NONE)
    )
    stale = (
        select(revocations.c.seq)
        .where(revocations.c.at_ms <= _number("log_before_ms"))
        .limit(_number("size"))
        .offset(_NONE)
    )
    return {
        "purge_sessions": delete(sessions).where(sessions.c.session_id.in_(ended)),
        "purge_opaque": delete(opaque_tokens).where(opaque_tokens.c.opaque_id.in_(expired)),
        "purge_log": delete(revocations).where(revocations.c.seq.in_(stale)),
    }
