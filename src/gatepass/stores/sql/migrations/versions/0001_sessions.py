"""Make the tables of sessions, subjects, revocations and accounts.

Revision ID: 0001
"""

import secrets

import sqlalchemy as sa
from alembic import context, op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make everything; on PostgreSQL the log also has the column that its readers resume by."""
    schema = context.get_context().version_table_schema
    op.create_table(
        "gatepass_sessions",
        sa.Column("session_id", sa.Text, primary_key=True),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("client_id", sa.Text, nullable=False),
        sa.Column("device", sa.Text),
        sa.Column("auth_time", sa.BigInteger, nullable=False),
        sa.Column("generation", sa.BigInteger, nullable=False),
        sa.Column("born_ms", sa.BigInteger, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("last_used_ms", sa.BigInteger, nullable=False),
        sa.Column("idle_ends_ms", sa.BigInteger, nullable=False),
        sa.Column("ends_ms", sa.BigInteger, nullable=False),
        sa.Column("revoked_ms", sa.BigInteger),
        sa.Column("reason", sa.Text),
        sa.Column("claims_json", sa.LargeBinary, nullable=False),
        sa.Column("sec_hash", sa.LargeBinary, nullable=False),
        sa.Column("recent", sa.LargeBinary, nullable=False),
        schema=schema,
        postgresql_with={"fillfactor": "70"},
    )
    op.create_index(
        "gatepass_sessions_subject", "gatepass_sessions", ["subject", "created_ms"], schema=schema
    )
    op.create_index("gatepass_sessions_ends", "gatepass_sessions", ["ends_ms"], schema=schema)
    op.create_table(
        "gatepass_subjects",
        sa.Column("subject", sa.Text, primary_key=True),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        schema=schema,
    )
    op.create_table(
        "gatepass_revocations",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("kind", "id", name="gatepass_revocations_kind_id"),
        schema=schema,
        sqlite_autoincrement=True,
    )
    op.create_index("gatepass_revocations_at", "gatepass_revocations", ["at_ms"], schema=schema)
    if op.get_bind().dialect.name == "postgresql":
        table = "gatepass_revocations" if schema is None else f'"{schema}".gatepass_revocations'
        op.execute(f"ALTER TABLE {table} ADD xid xid8 NOT NULL DEFAULT pg_current_xact_id()")
        op.create_index("gatepass_revocations_xid", "gatepass_revocations", ["xid"], schema=schema)
    made = op.create_table(
        "gatepass_meta",
        sa.Column("log_identity", sa.Text, primary_key=True),
        sa.Column("longest_access_ms", sa.BigInteger, nullable=False),
        sa.Column("epoch_of_all", sa.BigInteger, nullable=False),
        schema=schema,
    )
    op.bulk_insert(
        made,
        [{"log_identity": secrets.token_hex(16), "longest_access_ms": 0, "epoch_of_all": 0}],
    )
    op.create_table(
        "gatepass_accounts",
        sa.Column("subject", sa.Text, primary_key=True),
        sa.Column("username", sa.Text, nullable=False),
        sa.Column("email", sa.Text),
        sa.Column("role", sa.Text),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("disabled", sa.Boolean, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("updated_ms", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("username", name="gatepass_accounts_username"),
        schema=schema,
    )


def downgrade() -> None:
    """Remove everything, and with it every session."""
    schema = context.get_context().version_table_schema
    for table in ("accounts", "meta", "revocations", "subjects", "sessions"):
        op.drop_table(f"gatepass_{table}", schema=schema)
