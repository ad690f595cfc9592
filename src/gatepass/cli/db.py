"""`gatepass db`: the tables of the database that `DATABASE_URL` names."""

import os
from typing import Annotated, Final

import typer

from gatepass._secret_files import with_files
from gatepass.cli import needs
from gatepass.cli.output import AsJson, say, show
from gatepass.errors import SettingsRejected

app = typer.Typer(
    help="Make the database's tables, or bring them up to date.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_UNSET: Final = "DATABASE_URL is not set: name a database as in postgresql://gate@db/gate"

Schema = Annotated[
    str | None, typer.Option(metavar="NAME", help="The schema of the tables, in PostgreSQL.")
]


@app.command(
    epilog="""\
\b
Examples:
  DATABASE_URL=postgresql://gate@db/gate gatepass db upgrade
  gatepass db upgrade --schema auth
  gatepass db upgrade --json
"""
)
def upgrade(*, schema: Schema = None, as_json: AsJson = False) -> None:
    """Run the migrations that the database has not seen, all or none; repeating is safe.

    Several may run at once: one does it, the others wait half a minute at most.
    """
    url = _url()
    with needs("sql"):
        from gatepass.stores.sql import SqlStore  # noqa: PLC0415 - an extra
        from gatepass.stores.sql.guarded import require_guarded  # noqa: PLC0415
        from gatepass.stores.sql.revisions import find_revision  # noqa: PLC0415

    require_guarded(url, say)
    before = find_revision(url, schema)
    store = SqlStore.from_url(url, schema=schema)
    try:
        store.upgrade()
    finally:
        store.close()
    result = {"before": before.found, "revision": before.needed}
    text = (
        f"the tables are of revision {before.needed} already"
        if before.is_current
        else f"upgraded from {before.found or 'nothing'} to revision {before.needed}"
    )
    show(result, text, as_json=as_json)


@app.command(
    epilog="""\
\b
Examples:
  gatepass db current
  gatepass db current --json
"""
)
def current(*, schema: Schema = None, as_json: AsJson = False) -> None:
    """Print the revision of the tables; exit code 1 unless it is the one that is needed."""
    url = _url()
    with needs("sql"):
        from gatepass.stores.sql.guarded import require_guarded  # noqa: PLC0415 - an extra
        from gatepass.stores.sql.revisions import find_revision  # noqa: PLC0415

    require_guarded(url, say)
    revision = find_revision(url, schema)
    result = {
        "revision": revision.found,
        "needed": revision.needed,
        "is_current": revision.is_current,
    }
    found = "no tables" if revision.found is None else f"revision {revision.found}"
    verdict = "up to date" if revision.is_current else f"this release needs {revision.needed}"
    show(result, f"{found}: {verdict}", as_json=as_json)
    if not revision.is_current:
        raise typer.Exit(1)


def _url() -> str:
    url = with_files(os.environ).get("DATABASE_URL")
    if not url:
        raise SettingsRejected(_UNSET)
    return url
