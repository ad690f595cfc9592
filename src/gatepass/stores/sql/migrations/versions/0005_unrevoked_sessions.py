"""Find a subject's sessions among those that have not ended, which stay as rows for a month.

A log-in looks at all live sessions of its subject while it holds the lock; whoever logs in and
out all day would make each log-in slower than the one before.
"""

import sqlalchemy as sa
from alembic import context, op

revision = "0005"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Replace the index of all sessions by one of those that were not revoked."""
    schema = context.get_context().version_table_schema
    unrevoked = sa.text("revoked_ms IS NULL")
    op.create_index(
        "gatepass_sessions_unrevoked",
        "gatepass_sessions",
        ["subject", "created_ms"],
        schema=schema,
        sqlite_where=unrevoked,
        postgresql_where=unrevoked,
    )
    op.drop_index("gatepass_sessions_subject", "gatepass_sessions", schema=schema)


def downgrade() -> None:
    """Make the index of all sessions again."""
    schema = context.get_context().version_table_schema
    op.create_index(
        "gatepass_sessions_subject", "gatepass_sessions", ["subject", "created_ms"], schema=schema
    )
    op.drop_index("gatepass_sessions_unrevoked", "gatepass_sessions", schema=schema)
