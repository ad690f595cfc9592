"""On PostgreSQL, two gaps in the functions that log in and revoke.

The answer of a log-in was lost, and somebody revoked the session before the repeated statement
came: it handed out tokens of a session that was acknowledged to be over. And where a pooler takes
a session's settings away, the isolation of the database came back: behind a subject's lock a
log-in then compared the epoch of before it waited.
"""

from pathlib import Path

from alembic import context, op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


FUNCTIONS = ("confirm", "issue")


def upgrade() -> None:
    """Replace the functions."""
    _make_functions("0007_functions")


def downgrade() -> None:
    """Make the older functions again."""
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
