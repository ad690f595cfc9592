"""Make everything: the tables of sessions, opaque tokens, subjects, revocations and accounts.

On PostgreSQL also the functions of `stores/sql/postgres/functions`, each of which is one atomic
step of a store and one round trip:

1. All are VOLATILE, so that under READ COMMITTED every statement inside sees what was committed
   while the one before it waited for a lock.
2. Whoever locks several sessions does so by id. A subject's lock is an advisory one, and
   everybody's is another, which log-ins share.
3. Each has a `search_path` of its own, in which nobody can make anything, and names what is ours
   in full: along the caller's path, whoever may make objects in one of its schemas could plant an
   operator or a function that fits better, and have it run as the role of the store.
"""

import secrets
from pathlib import Path

import sqlalchemy as sa
from alembic import context, op

revision = "v0001"
down_revision = None
branch_labels = None
depends_on = None

_FUNCTIONS = sorted((Path(__file__).parents[2] / "postgres" / "functions").glob("*.sql"))
_TRIGGER = """
CREATE TRIGGER gatepass_tell_followers AFTER INSERT OR UPDATE ON {p}gatepass_revocations
FOR EACH STATEMENT EXECUTE FUNCTION {p}gatepass_tell_followers()
"""


def upgrade() -> None:
    """Make it all in the schema that the version table is in."""
    schema = context.get_context().version_table_schema
    _make_sessions(schema)
    _make_tokens_and_log(schema)
    _make_accounts(schema)
    if op.get_bind().dialect.name == "postgresql":
        _make_postgres_parts(schema)


def _make_sessions(schema: str | None) -> None:
    """The indexes leave ended sessions out.

    They stay as rows for a month, and a log-in looks at the live ones of its subject while it
    holds the lock: whoever logs in and out all day would make each slower than the one before.
    """
    op.create_table(
        "gatepass_sessions",
        sa.Column("session_id", sa.Text, primary_key=True),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("client_id", sa.Text, nullable=False),
        sa.Column("device", sa.Text),
        sa.Column("auth_time", sa.BigInteger, nullable=False),
        sa.Column("generation", sa.BigInteger, nullable=False),
        sa.Column("born_ms", sa.BigInteger, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("last_used_ms", sa.BigInteger, nullable=False),
        sa.Column("idle_ends_ms", sa.BigInteger, nullable=False),
        sa.Column("ends_ms", sa.BigInteger, nullable=False),
        sa.Column("revoked_ms", sa.BigInteger),
        sa.Column("reason", sa.Text),
        sa.Column("claims_json", sa.LargeBinary, nullable=False),
        sa.Column("sec_hash", sa.LargeBinary, nullable=False),
        sa.Column("recent", sa.LargeBinary, nullable=False),
        sa.Column("actor", sa.Text),
        schema=schema,
        postgresql_with={"fillfactor": "70"},
    )
    op.create_index("gatepass_sessions_ends", "gatepass_sessions", ["ends_ms"], schema=schema)
    unrevoked = sa.text("revoked_ms IS NULL")
    op.create_index(
        "gatepass_sessions_unrevoked",
        "gatepass_sessions",
        ["subject", "created_ms"],
        schema=schema,
        sqlite_where=unrevoked,
        postgresql_where=unrevoked,
    )
    opened = sa.text("actor IS NOT NULL AND revoked_ms IS NULL")
    op.create_index(
        "gatepass_sessions_actor",
        "gatepass_sessions",
        ["actor", "session_id"],
        schema=schema,
        sqlite_where=opened,
        postgresql_where=opened,
    )


def _make_tokens_and_log(schema: str | None) -> None:
    """Opaque tokens have no foreign key to sessions.

    A purge removes each by its own end, and a missing session means revoked.
    """
    op.create_table(
        "gatepass_opaque_tokens",
        sa.Column("opaque_id", sa.Text, primary_key=True),
        sa.Column("token_id", sa.Text, nullable=False),
        sa.Column("session_id", sa.Text, nullable=False),
        sa.Column("issued_ms", sa.BigInteger, nullable=False),
        sa.Column("ends_ms", sa.BigInteger, nullable=False),
        schema=schema,
    )
    op.create_index(
        "gatepass_opaque_tokens_ends", "gatepass_opaque_tokens", ["ends_ms"], schema=schema
    )
    op.create_table(
        "gatepass_revocations",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("kind", "id", name="gatepass_revocations_kind_id"),
        schema=schema,
        sqlite_autoincrement=True,
    )
    op.create_index("gatepass_revocations_at", "gatepass_revocations", ["at_ms"], schema=schema)
    made = op.create_table(
        "gatepass_meta",
        sa.Column("log_identity", sa.Text, primary_key=True),
        sa.Column("longest_access_ms", sa.BigInteger, nullable=False),
        sa.Column("epoch_of_all", sa.BigInteger, nullable=False),
        schema=schema,
    )
    op.bulk_insert(
        made,
        [{"log_identity": secrets.token_hex(16), "longest_access_ms": 0, "epoch_of_all": 0}],
    )


def _make_accounts(schema: str | None) -> None:
    op.create_table(
        "gatepass_subjects",
        sa.Column("subject", sa.Text, primary_key=True),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        schema=schema,
    )
    op.create_table(
        "gatepass_accounts",
        sa.Column("subject", sa.Text, primary_key=True),
        sa.Column("username", sa.Text, nullable=False),
        sa.Column("email", sa.Text),
        sa.Column("role", sa.Text),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("disabled", sa.Boolean, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("updated_ms", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("username", name="gatepass_accounts_username"),
        schema=schema,
    )


def _make_postgres_parts(schema: str | None) -> None:
    """The column that readers of the log resume by, its index, the functions, and the trigger.

    The index is in the order in which the log is read, page by page: by transaction alone, a page
    out of one that logged a million entries has them sorted each time. Rotations never fire the
    trigger, since a notification makes commits queue for a moment.
    """
    prefix = f'"{schema}".'

    def run(statement: str) -> None:
        op.get_bind().exec_driver_sql(statement.replace("{p}", prefix))

    run("ALTER TABLE {p}gatepass_revocations ADD xid xid8 NOT NULL DEFAULT pg_current_xact_id()")
    op.create_index(
        "gatepass_revocations_xid_seq", "gatepass_revocations", ["xid", "seq"], schema=schema
    )
    for file in _FUNCTIONS:
        run(file.read_text())
    run(_TRIGGER)
