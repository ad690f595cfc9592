"""Make everything: the tables of sessions, opaque tokens, subjects, revocations and accounts.

On PostgreSQL also the functions of `stores/sql/postgres/functions`, each of which is one atomic
step of a store and one round trip:

1. All are VOLATILE, so that under READ COMMITTED every statement inside sees the commits of the
   time in which the statement before it waited for a lock.
2. A function that locks several sessions locks them by id. A subject's lock is an advisory one, and
   everybody's is another, which logins share.
3. Each has a `search_path` of its own, in which nobody can make anything, and names our
   objects in full: a role that can make objects in a schema of the caller's path could plant an
   operator or a function that fits better, and have it run as the role of the store.
"""

import secrets
from pathlib import Path

from alembic import context, op

revision = "v0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = Path(__file__).with_name("v0001_tables.sql")
_SPELT = {
    "sqlite": {"bytes": "BLOB", "counted": "INTEGER PRIMARY KEY AUTOINCREMENT", "options": ""},
    "postgresql": {
        "bytes": "BYTEA",
        "counted": "BIGSERIAL PRIMARY KEY",
        "options": "WITH (fillfactor = 70)",
    },
}

# The column that readers of the log resume by. Its index is in the order in which the log is read,
# page by page: by transaction alone, a page out of one that logged a million entries has them
# sorted each time. Rotations never fire the trigger, since a notification makes commits queue.
_POSTGRES = (
    "ALTER TABLE {p}gatepass_revocations ADD xid xid8 NOT NULL DEFAULT pg_current_xact_id()",
    "CREATE INDEX gatepass_revocations_xid_seq ON {p}gatepass_revocations (xid, seq)",
    *(
        file.read_text()
        for file in sorted((Path(__file__).parents[2] / "postgres" / "functions").glob("*.sql"))
    ),
    (
        "CREATE TRIGGER gatepass_tell_followers AFTER INSERT OR UPDATE ON {p}gatepass_revocations "
        "FOR EACH STATEMENT EXECUTE FUNCTION {p}gatepass_tell_followers()"
    ),
)


def upgrade() -> None:
    """Make it all in the schema that the version table is in."""
    schema, database = context.get_context().version_table_schema, op.get_bind().dialect.name
    prefix = "" if schema is None else f'"{schema}".'
    tables = _TABLES.read_text().format(
        p=prefix, identity=secrets.token_hex(16), **_SPELT[database]
    )
    for statement in tables.strip().removesuffix(";").split(";\n"):
        op.get_bind().exec_driver_sql(statement)
    for statement in _POSTGRES if database == "postgresql" else ():
        op.get_bind().exec_driver_sql(statement.replace("{p}", prefix))
