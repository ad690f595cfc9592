"""Give each account a random text: by it the server chooses an account for an unknown name."""

from alembic import context, op

revision = "v0005_0.1"
down_revision = "v0004_0.1"
branch_labels = None
depends_on = None

# The subjects so far are random, too; those that come out of another application are not.
_STATEMENTS = (
    "ALTER TABLE {p}gatepass_accounts ADD COLUMN lot TEXT",
    "UPDATE {p}gatepass_accounts SET lot = subject",
    "CREATE INDEX gatepass_accounts_lot ON {p}gatepass_accounts (lot)",
)


def upgrade() -> None:
    """Add it in the schema that the version table is in."""
    schema = context.get_context().version_table_schema
    prefix = "" if schema is None else f'"{schema}".'
    for statement in _STATEMENTS:
        op.get_bind().exec_driver_sql(statement.format(p=prefix))
