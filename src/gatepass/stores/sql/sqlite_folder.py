"""The folder of a SQLite database: whether its entries are still those that were looked at.

To make, delete or rename a file changes the time of its folder, and to ask an open folder for
that costs a quarter of asking for the two files by their names.
"""

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

_fstat = os.fstat
_now_ns = time.monotonic_ns
_FLAGS: Final = os.O_CLOEXEC | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_PATH", os.O_RDONLY)
_SETTLED_NS: Final = 50_000_000
"""A later change is sure to have another time than one this old: kernels count in 1 to 10 ms."""
_AGAIN_NS: Final = 50_000_000
"""Look at the files themselves this often: the folder does not know what becomes of its own."""

Found = tuple[int, int]
"""When the folder was changed, and until when (monotonic) that says something; nanoseconds."""

NOTHING: Final[Found] = (-1, 0)
"""Says nothing."""


class SqliteFolder:
    """Watches the folder of a file whose path has no links in it; `None`: finds nothing ever."""

    __slots__ = ("_descriptor", "_path")

    def __init__(self, path: str | None) -> None:
        self._path = None if path is None else str(Path(path).parent)
        self._descriptor: int | None = None

    def is_still(self, found: Found) -> bool:
        """Whether nothing was made, deleted or renamed since this was found, which was just now."""
        descriptor = self._descriptor
        if descriptor is None or _now_ns() > found[1]:
            return False
        try:
            return _fstat(descriptor).st_ctime_ns == found[0]
        except OSError:
            return False

    def look(self) -> Found:
        """What `is_still` may be asked about if the files are found in place after this."""
        if self._path is None:
            return NOTHING
        try:
            if self._descriptor is None:
                self._descriptor = os.open(self._path, _FLAGS)
            changed_ns = os.fstat(self._descriptor).st_ctime_ns
        except OSError:
            return NOTHING
        is_settled = time.time_ns() - changed_ns > _SETTLED_NS
        return (changed_ns, time.monotonic_ns() + _AGAIN_NS) if is_settled else NOTHING

    def close(self) -> None:
        """Close the folder; it is opened again when it is looked at."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            with suppress(OSError):
                os.close(descriptor)
