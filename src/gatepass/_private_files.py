"""Small files that hold secrets: read and replaced as a whole, and locked from beside."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from gatepass.errors import StoreUnavailable

_LOOK_S: Final = 0.02
Mark = tuple[int, int, int, int]


def mark(found: os.stat_result) -> Mark:
    """Tells one content of a file from another, given that each has a file of its own."""
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size


def replace_private(
    path: Path, octets: bytes | None, *, like: os.stat_result | None = None
) -> None:
    """Give the file this content, for its owner alone and durably; `None` removes it.

    With `like` it belongs to, and may be read by, the same as that one, but is written by its
    owner alone.

    The caller holds a lock of the file, so one name for the new file is enough: the next change
    removes a file that a killed process left under that name.

    Raises:
        StoreUnavailable: The file could not be written; the old content stays.
    """
    aside = path.with_name(f"{path.name}.new")
    try:
        aside.unlink(missing_ok=True)
        if octets is None:
            path.unlink(missing_ok=True)
        else:
            _write(aside, octets, like)
            aside.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        with suppress(OSError):
            aside.unlink(missing_ok=True)
        raise StoreUnavailable(f"{path} cannot be written: {error.strerror}") from error


@contextmanager
def locked(path: Path, what: str, wait: float) -> Iterator[bool]:
    """Hold the lock of this name beside a file; `False` if it is taken for `wait` seconds.

    A process that dies releases it.

    Raises:
        StoreUnavailable: The lock's file cannot be opened.
    """
    try:
        descriptor = os.open(f"{path}.{what}", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise StoreUnavailable(f"{path} cannot be locked: {error.strerror}") from error
    try:
        yield _lock(descriptor, time.monotonic() + wait)
    finally:
        # A child that was forked meanwhile has the descriptor too: closing ours is no end.
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def _lock(descriptor: int, deadline: float) -> bool:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_LOOK_S)
        else:
            return True


def _write(path: Path, octets: bytes, like: os.stat_result | None) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        mode = 0o600
        if like is not None:
            os.fchown(descriptor, like.st_uid, like.st_gid)
            mode |= like.st_mode & 0o040
        os.fchmod(descriptor, mode)  # the process's umask may have taken more away
        file.write(octets)
        file.flush()
        os.fsync(descriptor)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
