"""A few bytes beside the database that change with every durable commit, cheap to look at.

Asking SQLite whether anybody has committed takes a lock, and is answered by rotations too,
which revoke nothing. Whoever commits durably rings before it is acknowledged; who holds a copy
of the revocation log looks here before every check.
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from gatepass.errors import StoreUnavailable

_SIZE: Final = 8
_FLAGS: Final = os.O_RDWR | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)
_pread = os.pread


class SqliteBell:
    """The file `…-bell`; anybody may delete it, it is made again."""

    def __init__(self, database: str) -> None:
        self._database = database
        self._path = f"{database}-bell"
        self._descriptor: int | None = None

    def look(self) -> bytes:
        """What the last durable commit left here; empty when there is nothing to look at."""
        descriptor = self._descriptor  # another thread may close it at any moment
        try:
            return b"" if descriptor is None else _pread(descriptor, _SIZE, 0)
        except OSError:
            return b""

    def ring(self) -> None:
        """Leave something new.

        Raises:
            StoreUnavailable: It cannot be written, so others may not have heard of the commit.
        """
        try:
            if not self.is_in_place():
                self.open()
            if self._descriptor is None or os.pwrite(self._descriptor, os.urandom(_SIZE), 0) < 1:
                raise StoreUnavailable("the file beside the database cannot be written")
        except OSError as error:
            raise StoreUnavailable("the file beside the database cannot be written") from error

    def open(self) -> None:
        """Open the file that is there now, or make it."""
        self.close()
        with suppress(FileExistsError):
            self._make()
        self._descriptor = os.open(self._path, _FLAGS)

    def is_in_place(self) -> bool:
        """Whether the open file is the one that others find by its name."""
        if self._descriptor is None:
            return False
        try:
            there, here = Path(self._path).stat(), os.fstat(self._descriptor)
        except OSError:
            return False
        return (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino)

    def _make(self) -> None:
        """An empty file for whoever may use the database, as SQLite makes its own."""
        like = Path(self._database).stat()
        descriptor = os.open(self._path, _FLAGS | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.fchmod(descriptor, like.st_mode & 0o666)
            if os.geteuid() == 0:
                with suppress(OSError):  # a container's root may give nothing away
                    os.fchown(descriptor, like.st_uid, like.st_gid)
        finally:
            os.close(descriptor)

    def close(self) -> None:
        """Close the file; closing twice is fine."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)
