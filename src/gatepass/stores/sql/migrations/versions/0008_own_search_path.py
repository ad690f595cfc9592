"""On PostgreSQL, functions that mean the same whoever calls them, and revocations that commit.

What a function of ours names was looked up along the caller's `search_path`: whoever may make
objects in a schema of it could plant an operator or a function that fits better, and have it run
as the role of the store. Now each has a path of its own, in which nobody can make anything. And a
queue of notifications that somebody filled no longer keeps a revocation from being committed.
"""

from pathlib import Path

from alembic import context, op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_FOLDERS = ("0003_functions", "0004_functions", "0007_functions", "0008_functions")
_PATH = "SET search_path = pg_catalog, pg_temp"
_FIND_SCHEMA = """
SELECT n.nspname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = pg_catalog.to_regclass('gatepass_meta')
"""
_OLD_TRIGGER = """
CREATE FUNCTION {p}gatepass_tell_followers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NOTIFY gatepass_revocations;
  RETURN NULL;
END $$
"""


def upgrade() -> None:
    """Make all functions again, with every name of ours in full."""
    if op.get_bind().dialect.name != "postgresql":
        return
    schema = context.get_context().version_table_schema
    if schema is None:
        schema = op.get_bind().exec_driver_sql(_FIND_SCHEMA).scalar_one()
    for text in _texts(_FOLDERS).values():
        _make(text.replace(" AS $$", f" {_PATH} AS $$", 1), f'"{schema}".')


def downgrade() -> None:
    """Make the older functions again, which look along the path of whoever calls them."""
    if op.get_bind().dialect.name != "postgresql":
        return
    schema = context.get_context().version_table_schema
    texts = _texts(_FOLDERS[:-1]) | {"tell_followers": _OLD_TRIGGER}
    for text in texts.values():
        _make(text, "" if schema is None else f'"{schema}".')


def _texts(folders: tuple[str, ...]) -> dict[str, str]:
    """The newest text of each function."""
    return {
        file.stem: file.read_text()
        for folder in folders
        for file in sorted(Path(__file__).with_name(folder).glob("*.sql"))
    }


def _make(text: str, prefix: str) -> None:
    text = text.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION", 1)
    op.get_bind().exec_driver_sql(text.replace("{p}", prefix))
