"""On PostgreSQL, a log-in that is asked for again finds out that its session has ended meanwhile.

Its answer was lost, and somebody revoked the session before the repeated statement came: it
handed out tokens of a session that was acknowledged to be over.
"""

from pathlib import Path

from alembic import context, op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Replace the function that inserts sessions."""
    _make_function("0007_functions")


def downgrade() -> None:
    """Make the older function again."""
    _make_function("0003_functions")


def _make_function(folder: str) -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    schema = context.get_context().version_table_schema
    prefix = "" if schema is None else f'"{schema}".'
    text = Path(__file__).with_name(folder).joinpath("issue.sql").read_text()
    text = text.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
    op.get_bind().exec_driver_sql(text.replace("{p}", prefix))
