"""Make the table of limits, and on PostgreSQL the functions of `postgres/functions/v0002`."""

from pathlib import Path

from alembic import context, op

revision = "v0002_0.1"
down_revision = "v0001"
branch_labels = None
depends_on = None

# An unlogged table would be faster, but a standby that takes over would begin without counts. Most
# updates change no column that has an index; the fill factor lets them stay in their page.
_TABLE = """
CREATE TABLE {p}gatepass_limits (
  key {bytes} NOT NULL PRIMARY KEY,
  start_ms BIGINT NOT NULL,
  previous BIGINT NOT NULL,
  current BIGINT NOT NULL,
  ends_ms BIGINT NOT NULL
) {options}
"""
_INDEX = "CREATE INDEX gatepass_limits_ends ON {p}gatepass_limits (ends_ms)"
_SPELT = {
    "sqlite": {"bytes": "BLOB", "options": ""},
    "postgresql": {"bytes": "BYTEA", "options": "WITH (fillfactor = 70)"},
}
_FUNCTIONS = Path(__file__).parents[2] / "postgres" / "functions" / "v0002"


def upgrade() -> None:
    """Make it all in the schema that the version table is in."""
    schema, database = context.get_context().version_table_schema, op.get_bind().dialect.name
    prefix = "" if schema is None else f'"{schema}".'
    for statement in (_TABLE, _INDEX):
        op.get_bind().exec_driver_sql(statement.format(p=prefix, **_SPELT[database]))
    for file in sorted(_FUNCTIONS.glob("*.sql")) if database == "postgresql" else ():
        op.get_bind().exec_driver_sql(file.read_text().replace("{p}", prefix))
