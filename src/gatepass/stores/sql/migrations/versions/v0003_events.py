"""Make the table of events, which the server and its commands write."""

from alembic import context, op

revision = "v0003_0.1"
down_revision = "v0002_0.1"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    CREATE TABLE {p}gatepass_events (
      event_id TEXT NOT NULL PRIMARY KEY,
      at_ms BIGINT NOT NULL,
      kind TEXT NOT NULL,
      subject TEXT,
      session_id TEXT,
      client_id TEXT,
      address TEXT,
      device TEXT,
      reason TEXT
    )
    """,
    "CREATE INDEX gatepass_events_at ON {p}gatepass_events (at_ms)",
    "CREATE INDEX gatepass_events_subject ON {p}gatepass_events (subject, at_ms)",
    "CREATE INDEX gatepass_events_session ON {p}gatepass_events (session_id)",
    """
    CREATE INDEX gatepass_events_strangers ON {p}gatepass_events (at_ms)
      WHERE kind IN ('login_failed', 'rate_limited')
    """,
)


def upgrade() -> None:
    """Make it in the schema that the version table is in."""
    schema = context.get_context().version_table_schema
    prefix = "" if schema is None else f'"{schema}".'
    for statement in _STATEMENTS:
        op.get_bind().exec_driver_sql(statement.format(p=prefix))
