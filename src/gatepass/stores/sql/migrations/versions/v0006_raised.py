"""Keep when each epoch was raised last, and on PostgreSQL make `postgres/functions/v0006`.

An epoch that was raised before counts as raised now: the time is not known, and a token that was
issued earlier than the revocation must not pass. `raised_epoch` is the epoch that the time belongs
to: a process of an older release raises the epoch alone.
"""

import time
from pathlib import Path

from alembic import context, op

revision = "v0006_0.1"
down_revision = "v0005_0.1"
branch_labels = None
depends_on = None

_STATEMENTS = (
    "ALTER TABLE {p}gatepass_subjects ADD COLUMN raised_ms BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE {p}gatepass_meta ADD COLUMN raised_ms BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE {p}gatepass_subjects ADD COLUMN raised_epoch BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE {p}gatepass_meta ADD COLUMN raised_epoch BIGINT NOT NULL DEFAULT 0",
    "UPDATE {p}gatepass_subjects SET raised_ms = {now} WHERE epoch > 0",
    "UPDATE {p}gatepass_subjects SET raised_epoch = epoch",
    "UPDATE {p}gatepass_meta SET raised_ms = {now} WHERE epoch_of_all > 0",
    "UPDATE {p}gatepass_meta SET raised_epoch = epoch_of_all",
)
_FUNCTIONS = Path(__file__).parents[2] / "postgres" / "functions" / "v0006"


def upgrade() -> None:
    """Change it all in the schema that the version table is in."""
    schema, database = context.get_context().version_table_schema, op.get_bind().dialect.name
    prefix = "" if schema is None else f'"{schema}".'
    for statement in _STATEMENTS:
        op.get_bind().exec_driver_sql(statement.format(p=prefix, now=int(time.time() * 1000)))
    for file in sorted(_FUNCTIONS.glob("*.sql")) if database == "postgresql" else ():
        op.get_bind().exec_driver_sql(file.read_text().replace("{p}", prefix))
