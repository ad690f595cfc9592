"""The tables as SQLAlchemy sees them; the migrations make them, nothing here touches a database."""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

VERSION_TABLE: Final = "gatepass_alembic_version"

HEAD: Final = "v0006_0.1"
"""The newest revision in `migrations/versions`; tables that have it need no upgrade.

Revisions are compared as text. All are a `v` and four digits, and after the first also `_` and the
release that made it, as in `v0002_0.3`: an older release tells from it which one is needed. Those
from before the first release had no `v`, and nothing upgrades them.
"""
OUTDATED: Final = (
    "the database's tables are missing or of an older release: run `gatepass db upgrade`"
)
NEWER: Final = (
    "the database's tables are of a newer release than this one: install gatepass {} or newer"
)
UNRELEASED: Final = (
    "the database's tables are from before the first release, which nothing upgrades: start anew "
    "with an empty database, and run `gatepass db upgrade`"
)

metadata: Final = MetaData()

sessions: Final = Table(
    "gatepass_sessions",
    metadata,
    Column("session_id", Text, primary_key=True),
    Column("subject", Text, nullable=False),
    Column("client_id", Text, nullable=False),
    Column("device", Text),
    Column("auth_time", BigInteger, nullable=False),
    Column("generation", BigInteger, nullable=False),
    Column("born_ms", BigInteger, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("last_used_ms", BigInteger, nullable=False),
    Column("idle_ends_ms", BigInteger, nullable=False),
    Column("ends_ms", BigInteger, nullable=False),
    Column("revoked_ms", BigInteger),
    Column("reason", Text),
    Column("claims_json", LargeBinary, nullable=False),
    Column("sec_hash", LargeBinary, nullable=False),
    Column("recent", LargeBinary, nullable=False),
    Column("actor", Text),
    Index(
        "gatepass_sessions_unrevoked",
        "subject",
        "created_ms",
        sqlite_where=text("revoked_ms IS NULL"),
        postgresql_where=text("revoked_ms IS NULL"),
    ),
    Index(
        "gatepass_sessions_actor",
        "actor",
        "session_id",
        sqlite_where=text("actor IS NOT NULL AND revoked_ms IS NULL"),
        postgresql_where=text("actor IS NOT NULL AND revoked_ms IS NULL"),
    ),
    Index("gatepass_sessions_ends", "ends_ms"),
)

opaque_tokens: Final = Table(
    "gatepass_opaque_tokens",
    metadata,
    Column("opaque_id", Text, primary_key=True),
    Column("token_id", Text, nullable=False),
    Column("session_id", Text, nullable=False),
    Column("issued_ms", BigInteger, nullable=False),
    Column("ends_ms", BigInteger, nullable=False),
    Index("gatepass_opaque_tokens_ends", "ends_ms"),
)

subjects: Final = Table(
    "gatepass_subjects",
    metadata,
    Column("subject", Text, primary_key=True),
    Column("epoch", BigInteger, nullable=False),
    Column("raised_ms", BigInteger, nullable=False, server_default="0"),
    Column("raised_epoch", BigInteger, nullable=False, server_default="0"),
)

revocations: Final = Table(
    "gatepass_revocations",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    UniqueConstraint("kind", "id", name="gatepass_revocations_kind_id"),
    Index("gatepass_revocations_at", "at_ms"),
    sqlite_autoincrement=True,
)

limits: Final = Table(
    "gatepass_limits",
    metadata,
    Column("key", LargeBinary, primary_key=True),
    Column("start_ms", BigInteger, nullable=False),
    Column("previous", BigInteger, nullable=False),
    Column("current", BigInteger, nullable=False),
    Column("ends_ms", BigInteger, nullable=False),
    Index("gatepass_limits_ends", "ends_ms"),
)

meta: Final = Table(
    "gatepass_meta",
    metadata,
    Column("log_identity", Text, primary_key=True),
    Column("longest_access_ms", BigInteger, nullable=False),
    Column("epoch_of_all", BigInteger, nullable=False),
    Column("raised_ms", BigInteger, nullable=False, server_default="0"),
    Column("raised_epoch", BigInteger, nullable=False, server_default="0"),
)

accounts: Final = Table(
    "gatepass_accounts",
    metadata,
    Column("subject", Text, primary_key=True),
    Column("username", Text, nullable=False),
    Column("email", Text),
    Column("role", Text),
    Column("password_hash", Text, nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("updated_ms", BigInteger, nullable=False),
    Column("lot", Text),
    UniqueConstraint("username", name="gatepass_accounts_username"),
    Index("gatepass_accounts_lot", "lot"),
)

STRANGERS: Final = ("login_failed", "rate_limited")
"""The kinds of events that anybody can cause."""
OF_STRANGERS: Final = text("kind IN ('login_failed', 'rate_limited')")
"""The condition as the index has it: with parameters, no database would use the index."""

events: Final = Table(
    "gatepass_events",
    metadata,
    Column("event_id", Text, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text),
    Column("session_id", Text),
    Column("client_id", Text),
    Column("address", Text),
    Column("device", Text),
    Column("reason", Text),
    Index("gatepass_events_at", "at_ms"),
    Index("gatepass_events_subject", "subject", "at_ms"),
    Index("gatepass_events_session", "session_id"),
    Index(
        "gatepass_events_strangers",
        "at_ms",
        sqlite_where=OF_STRANGERS,
        postgresql_where=OF_STRANGERS,
    ),
)


def why_unusable(found: str | None) -> str:
    """The sentence about tables of another revision than `HEAD`; `None`: there are no tables."""
    if found is None or "v" <= found < HEAD:
        return OUTDATED
    if found < HEAD:
        return UNRELEASED
    return NEWER.format(found.partition("_")[2] or f"of revision {found}")


def alembic_include_name(
    name: str | None, type_: str, parent_names: Mapping[str, str | None]
) -> bool:
    """Alembic's `include_name` hook that leaves these tables out of another project's migrations.

    Give it to `context.configure(include_name=alembic_include_name)`.
    """
    table = name if type_ == "table" else parent_names.get("table_name")
    return not (table or "").startswith("gatepass_")
