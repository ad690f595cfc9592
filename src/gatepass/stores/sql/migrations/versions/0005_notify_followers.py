"""On PostgreSQL, wake those who follow the revocation log whenever there is more of it.

A notification makes commits queue for a moment, which is why rotations never send one.
"""

from alembic import context, op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_FUNCTION = """
CREATE FUNCTION {p}gatepass_tell_followers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NOTIFY gatepass_revocations;
  RETURN NULL;
END $$
"""
_TRIGGER = """
CREATE TRIGGER gatepass_tell_followers AFTER INSERT OR UPDATE ON {p}gatepass_revocations
FOR EACH STATEMENT EXECUTE FUNCTION {p}gatepass_tell_followers()
"""


def upgrade() -> None:
    """Make the trigger, in the schema that the version table is in."""
    for statement in (_FUNCTION, _TRIGGER):
        _run(statement)


def downgrade() -> None:
    """Remove the trigger; those who follow look a few times in each second anyway."""
    _run("DROP TRIGGER gatepass_tell_followers ON {p}gatepass_revocations")
    _run("DROP FUNCTION {p}gatepass_tell_followers()")


def _run(statement: str) -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    schema = context.get_context().version_table_schema
    op.get_bind().exec_driver_sql(
        statement.replace("{p}", "" if schema is None else f'"{schema}".')
    )
