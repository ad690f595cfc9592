"""The statements of `statements.sql` by name, with named parameters."""

from importlib import resources
from typing import Final, NamedTuple

from gatepass.stores.sql.rows import COLUMNS


class Statements(NamedTuple):
    """The text of each statement."""

    is_revoked: str
    find_session: str
    find_epoch: str
    live_sessions: str
    live_ids: str
    count_live_of: str
    count_live: str
    find_opaque: str
    find_access_life: str
    insert_session: str
    insert_opaque: str
    update_rotation: str
    revoke_session: str
    revoke_sessions_of: str
    revoke_sessions: str
    log_session: str
    log_token: str
    log_sessions_of: str
    log_sessions: str
    raise_epoch: str
    raise_epoch_of_all: str
    raise_access_life: str
    purge_sessions: str
    purge_opaque: str
    purge_log: str
    log_state: str
    log_page: str


def _read_statements() -> Statements:
    """The statements; a name that the file lacks is a `KeyError` on import."""
    file = resources.files("gatepass.stores.sql.sqlite") / "statements.sql"
    texts = {"columns": ", ".join(f"s.{name}" for name in COLUMNS)}
    for section in file.read_text("ascii").split("-- name: ")[1:]:
        name, *lines = section.splitlines()
        code = (line.strip() for line in lines if not line.startswith("--"))
        texts[name] = " ".join(code).strip().format_map(texts)
    return Statements(*(texts[name] for name in Statements._fields))


SQL: Final = _read_statements()
