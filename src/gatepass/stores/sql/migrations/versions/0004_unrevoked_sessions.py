"""Find a subject's sessions among those that have not ended; keep the log a day at least.

Ended sessions stay as rows for a month, and a log-in looks at the live ones of its subject while
it holds the lock: whoever logs in and out all day would make each log-in slower than the one
before. PostgreSQL's functions that shorten the log are replaced: a clock that is ahead for a
moment must not forget what still matters.
"""

from pathlib import Path

import sqlalchemy as sa
from alembic import context, op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

FUNCTIONS = ("purge", "trim")


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
    _make_functions("0004_functions")


def downgrade() -> None:
    """Make the index of all sessions and the older functions again."""
    schema = context.get_context().version_table_schema
    op.create_index(
        "gatepass_sessions_subject", "gatepass_sessions", ["subject", "created_ms"], schema=schema
    )
    op.drop_index("gatepass_sessions_unrevoked", "gatepass_sessions", schema=schema)
    _make_functions("0003_functions")


def _make_functions(folder: str) -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    schema = context.get_context().version_table_schema
    prefix = "" if schema is None else f'"{schema}".'
    for name in FUNCTIONS:
        text = Path(__file__).with_name(folder).joinpath(f"{name}.sql").read_text()
        text = text.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
        op.get_bind().exec_driver_sql(text.replace("{p}", prefix))
