"""Opaque access tokens, by the hash of their text.

No foreign key to sessions: a purge removes each by its own end, and a missing session means
revoked.
"""

import sqlalchemy as sa
from alembic import context, op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table, in the schema that the version table is in."""
    schema = context.get_context().version_table_schema
    op.create_table(
        "gatepass_opaque_tokens",
        sa.Column("opaque_id", sa.Text, primary_key=True),
        sa.Column("token_id", sa.Text, nullable=False),
        sa.Column("session_id", sa.Text, nullable=False),
        sa.Column("issued_ms", sa.BigInteger, nullable=False),
        sa.Column("ends_ms", sa.BigInteger, nullable=False),
        schema=schema,
    )
    op.create_index(
        "gatepass_opaque_tokens_ends", "gatepass_opaque_tokens", ["ends_ms"], schema=schema
    )


def downgrade() -> None:
    """Remove it, and with it every opaque token."""
    op.drop_table("gatepass_opaque_tokens", schema=context.get_context().version_table_schema)
