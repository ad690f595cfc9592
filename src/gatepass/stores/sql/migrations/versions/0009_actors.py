"""Remember who opened a session as another's actor, so that revoking them ends it.

On PostgreSQL the function of log-ins takes the actor too, and may still be called without; another
one ends the sessions of an actor, step by step.
"""

from pathlib import Path

import sqlalchemy as sa
from alembic import context, op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_TABLE = "gatepass_sessions"
_INDEX = "gatepass_sessions_actor"
_PATH = "SET search_path = pg_catalog, pg_temp"
_FIND_SCHEMA = """
SELECT n.nspname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = pg_catalog.to_regclass('gatepass_meta')
"""
_OLD_ISSUE = (
    "text,text,text,text,bigint,bytea,bytea,bigint,bigint,bigint,bigint,bigint,boolean,bigint"
)


def upgrade() -> None:
    """Add the column, its index and what uses it."""
    schema = context.get_context().version_table_schema
    op.add_column(_TABLE, sa.Column("actor", sa.Text), schema=schema)
    opened = sa.text("actor IS NOT NULL AND revoked_ms IS NULL")
    op.create_index(
        _INDEX,
        _TABLE,
        ["actor", "session_id"],
        schema=schema,
        sqlite_where=opened,
        postgresql_where=opened,
    )
    _run(f"DROP FUNCTION {{p}}gatepass_issue({_OLD_ISSUE})")
    _make("0009_functions", "issue", "revoke_actor")


def downgrade() -> None:
    """Forget who the actors are."""
    _run(f"DROP FUNCTION {{p}}gatepass_issue({_OLD_ISSUE},text)")
    _run("DROP FUNCTION {p}gatepass_revoke_actor(text,bigint,text,bigint)")
    _make("0007_functions", "issue")
    schema = context.get_context().version_table_schema
    op.drop_index(_INDEX, _TABLE, schema=schema)
    op.drop_column(_TABLE, "actor", schema=schema)


def _make(folder: str, *names: str) -> None:
    for name in names:
        text = Path(__file__).with_name(folder).joinpath(f"{name}.sql").read_text()
        _run(text.replace(" AS $$", f" {_PATH} AS $$", 1))


def _run(statement: str) -> None:
    """Run it, with every name of ours in full."""
    if op.get_bind().dialect.name != "postgresql":
        return
    schema = context.get_context().version_table_schema
    if schema is None:
        schema = op.get_bind().exec_driver_sql(_FIND_SCHEMA).scalar_one()
    op.get_bind().exec_driver_sql(statement.replace("{p}", f'"{schema}".'))
