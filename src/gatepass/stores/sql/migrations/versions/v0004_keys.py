"""Make the functions of `postgres/functions/v0004`, which know API keys; no table changes."""

from pathlib import Path

from alembic import context, op

revision = "v0004_0.1"
down_revision = "v0003_0.1"
branch_labels = None
depends_on = None

_FUNCTIONS = Path(__file__).parents[2] / "postgres" / "functions" / "v0004"


def upgrade() -> None:
    """Make them in the schema that the version table is in."""
    schema, database = context.get_context().version_table_schema, op.get_bind().dialect.name
    prefix = "" if schema is None else f'"{schema}".'
    for file in sorted(_FUNCTIONS.glob("*.sql")) if database == "postgresql" else ():
        op.get_bind().exec_driver_sql(file.read_text().replace("{p}", prefix))
