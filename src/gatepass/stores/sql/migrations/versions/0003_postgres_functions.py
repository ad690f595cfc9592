"""PostgreSQL's functions: each is one atomic step of a store, and one round trip.

All are VOLATILE, so that under READ COMMITTED every statement inside sees what was committed
while the one before it waited for a lock. Whoever locks several sessions does so by id. A
subject's lock is an advisory one, and everybody's is another, which log-ins share.
"""

from pathlib import Path

from alembic import context, op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

FILES = sorted(Path(__file__).with_name("0003_functions").glob("*.sql"))


def upgrade() -> None:
    """Make the functions, in the schema that the version table is in."""
    if op.get_bind().dialect.name != "postgresql":
        return
    schema = context.get_context().version_table_schema
    prefix = "" if schema is None else f'"{schema}".'
    for file in FILES:
        op.get_bind().exec_driver_sql(file.read_text().replace("{p}", prefix))


def downgrade() -> None:
    """Remove the functions; older releases have no use for them."""
    if op.get_bind().dialect.name != "postgresql":
        return
    schema = context.get_context().version_table_schema
    prefix = "" if schema is None else f'"{schema}".'
    for file in FILES:
        op.get_bind().exec_driver_sql(f"DROP FUNCTION {prefix}gatepass_{file.stem}")
