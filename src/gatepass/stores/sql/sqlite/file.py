"""The file a SQLite database lives in: made private, and watched for being swapped or deleted.

Never opens an existing file: closing any descriptor of it would drop this process's locks.
"""

import os
import stat
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

from sqlalchemy import URL

from gatepass.errors import SettingsRejected, StoreUnavailable
from gatepass.sessions.texts import is_encodable

_IN_MEMORY: Final = "SQLite needs a file; for sessions in memory use gatepass.stores.memory"
_NO_FOLDER: Final = "the database's folder does not exist:"

Identity = tuple[int, int]
"""Device and inode: which file it is, whatever its name."""


class SqliteFile:
    """One database file, which stays the same file for as long as the store lives."""

    def __init__(self, url: URL) -> None:
        name = url.database or ""
        query = {key: str(value) for key, value in url.query.items()}
        if name.startswith("file:"):
            parts = urlsplit(name)
            name = unquote(parts.path)
            query |= {key: values[-1] for key, values in parse_qs(parts.query).items()}
        if name in {"", ":memory:"} or query.get("mode") == "memory":
            raise SettingsRejected(_IN_MEMORY)
        if "\0" in name or not is_encodable(name):
            raise SettingsRejected("the database URL names no file that there could be")
        self.path = str(Path(name).absolute())
        self.real_path = os.path.realpath(self.path)
        """The path without links: SQLite keeps its own files beside it."""
        self._log_path = self.real_path + "-wal"
        self._may_create = query.get("mode", "rwc") == "rwc" and "immutable" not in query
        self._identity: Identity | None = None

    def require_folder(self) -> None:
        """Reject a file whose folder is missing, as a misspelt one is.

        Raises:
            SettingsRejected: The folder is missing; the sentence names it.
        """
        folder = Path(self.path).parent
        try:
            is_there = stat.S_ISDIR(folder.stat().st_mode)
        except (FileNotFoundError, NotADirectoryError):
            is_there = False
        except OSError:
            return  # it may be there; whoever opens the file finds out
        if not is_there:
            raise SettingsRejected(f"{_NO_FOLDER} {folder}, make it first")

    def prepare(self) -> None:
        """Make the file, readable by its owner only, unless it is there or was there before.

        SQLite gives its `-wal` and `-shm` files the permissions of the database.
        """
        if self._identity is not None or not self._may_create:
            return
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            descriptor = os.open(self.path, flags, 0o600)
        except FileExistsError:
            return
        except OSError as error:
            why = self._why_not(error)
            raise StoreUnavailable(f"{self.path} cannot be created: {why}") from error
        try:
            os.fchmod(descriptor, 0o600)  # whatever the umask took away
        finally:
            os.close(descriptor)

    def require_same(self) -> None:
        """Hold on to the file that is there now, or reject another one than the first.

        Raises:
            StoreUnavailable: The file is gone, or it was replaced by another one.
        """
        found = self._find(self.path)
        if found is None:
            raise StoreUnavailable("the database file is gone")
        if self._identity is None:
            self._identity = found
        elif found != self._identity:
            raise StoreUnavailable("the database file was replaced; restart to use the new one")

    def find_log(self) -> Identity | None:
        """Which file is the write-ahead log now, `None` where there is none."""
        return self._find(self._log_path)

    def require_both(self, log: Identity | None) -> None:
        """Reject a file, or a write-ahead log, that others no longer see.

        Raises:
            StoreUnavailable: Either is gone, or it was replaced by another one.
        """
        self.require_same()
        if self._find(self._log_path) != log:
            raise StoreUnavailable("the database's write-ahead log is gone or was replaced")

    def _why_not(self, error: OSError) -> str:
        if isinstance(error, (FileNotFoundError, NotADirectoryError)):
            return f"{_NO_FOLDER} {Path(self.path).parent}, make it first"
        if isinstance(error, PermissionError):
            return "its folder may not be written to"
        return error.strerror or "the system does not say why"

    @staticmethod
    def _find(path: str) -> Identity | None:
        try:
            status = os.stat(path)  # noqa: PTH116 (on the hot path; Path.stat costs three times it)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreUnavailable("the database file cannot be looked at") from error
        return status.st_dev, status.st_ino
