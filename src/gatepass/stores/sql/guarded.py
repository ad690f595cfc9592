"""Checks whether others can change a SQLite database, or plant files that SQLite reads with it."""

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final

from sqlalchemy import URL

from gatepass._file_access import find_status, require_closed, require_owner, trusted_owners
from gatepass.stores.sql.engines import parse_url
from gatepass.stores.sql.sqlite.file import SqliteFile

_COMPANIONS: Final = ("-wal", "-shm", "-journal")
"""The files that SQLite keeps beside a database and reads with it."""
_POWER: Final = "who can make accounts and un-revoke"


def require_guarded(url: str | URL, warn: Callable[[str], object]) -> None:
    """Reject a SQLite file that everybody can change: they could make accounts and un-revoke.

    Call it before the file is opened: SQLite takes planted files beside it for its own. A group
    may be meant to run commands beside the server, and a file may be another user's, as when root
    looks after it: `warn` tells that. A database that is no file is not checked.

    Raises:
        SettingsRejected: Everybody can write the file, a file beside it or the folder; another
            user owns a file beside it; the folder is missing, or the URL is not supported.
    """
    parsed = parse_url(url)
    if parsed.get_backend_name() != "sqlite":
        return
    named = SqliteFile(parsed)
    named.require_folder()
    path, file = Path(named.path), Path(named.real_path)
    for folder in {path.parent, file.parent}:
        require_closed(folder, folder.stat())
    found = find_status(file)
    if found is not None:
        require_closed(file, found)
        _tell(file, found, warn)
    for above in file.parent.parents:
        if above.stat().st_mode & (stat.S_IWOTH | stat.S_ISVTX) == stat.S_IWOTH:
            warn(f"{above} can be written by everybody, who can replace {file.parent}")
    _require_companions(file, found)


def _tell(file: Path, found: os.stat_result, warn: Callable[[str], object]) -> None:
    """Warn of other users who can read or change the file."""
    if found.st_mode & stat.S_IROTH and file.parent.stat().st_mode & stat.S_IXOTH:
        warn(f"{file} can be read by everybody, with names and hashes: chmod o-r it")
    if found.st_mode & stat.S_IWGRP:
        warn(f"{file} can be written by its whole group, {_POWER}")
    if found.st_uid != os.geteuid():
        warn(f"{file} belongs to another user, {_POWER}")


def _require_companions(file: Path, found: os.stat_result | None) -> None:
    """Reject files beside the database that belong to other users."""
    owners = trusted_owners() | (set() if found is None else {found.st_uid})
    for suffix in _COMPANIONS:
        beside = file.with_name(file.name + suffix)
        status = find_status(beside)
        if status is None:
            continue
        require_closed(beside, status)
        is_of_group = found is not None and bool(found.st_mode & stat.S_IWGRP)
        if not (is_of_group and found is not None and status.st_gid == found.st_gid):
            require_owner(beside, status, owners)
