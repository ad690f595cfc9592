"""On PostgreSQL, index the revocation log in the order in which it is read, page by page.

By transaction alone, a page out of a transaction that logged a million entries had them sorted
each time.
"""

from alembic import context, op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_TABLE = "gatepass_revocations"


def upgrade() -> None:
    """Put the index in the place of the one that it makes needless."""
    _replace("gatepass_revocations_xid", "gatepass_revocations_xid_seq", ["xid", "seq"])


def downgrade() -> None:
    """Index by transaction alone."""
    _replace("gatepass_revocations_xid_seq", "gatepass_revocations_xid", ["xid"])


def _replace(old: str, new: str, columns: list[str]) -> None:
    if op.get_bind().dialect.name == "postgresql":
        schema = context.get_context().version_table_schema
        op.create_index(new, _TABLE, columns, schema=schema)
        op.drop_index(old, _TABLE, schema=schema)
