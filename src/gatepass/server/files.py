"""Files of the state: made whole or not at all, and refused where others could reach them."""

import os
import secrets
import stat
from collections.abc import Callable
from pathlib import Path

from gatepass.errors import SettingsRejected


def make_folder(folder: Path) -> None:
    """Make the folder, for its owner alone; one that is there stays as it is.

    Raises:
        SettingsRejected: It cannot be made.
    """
    try:
        folder.mkdir(mode=0o700)
        folder.chmod(0o700)  # the process's umask may have taken more away
    except FileExistsError:
        return
    except OSError as error:
        raise SettingsRejected(f"{folder} cannot be made: {error.strerror}") from error


def make_file(file: Path, text: str) -> None:
    """Write a file aside, then give it its name if nobody has taken it: the first one stays.

    Raises:
        SettingsRejected: It cannot be written.
    """
    aside = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w") as opened:
                os.fchmod(descriptor, 0o600)
                opened.write(text)
                opened.flush()
                os.fsync(opened.fileno())
            file.hardlink_to(aside)
        finally:
            aside.unlink()
    except FileExistsError:
        return
    except OSError as error:
        raise SettingsRejected(f"{file} cannot be written: {error.strerror}") from error


def require_private(path: Path, *, directory: bool, start: str) -> None:
    """Refuse a path that is missing, not what it should be, or open to other users.

    Args:
        path: What is looked at; a link is not followed.
        directory: Whether it should be a folder, and not a file.
        start: What to do where it is missing.

    Raises:
        SettingsRejected: The sentence says which, and what to do.
    """
    try:
        found = path.lstat()
    except FileNotFoundError:
        raise SettingsRejected(f"no gatepass here ({path} is missing): {start}") from None
    except OSError as error:
        raise SettingsRejected(f"{path} cannot be read: {error.strerror}") from error
    kind, mode = (stat.S_ISDIR, "700") if directory else (stat.S_ISREG, "600")
    if not kind(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise SettingsRejected(f"{path} must be yours alone: chmod {mode} it, or remove it")


def require_guarded(file: Path, warn: Callable[[str], object]) -> None:
    """Refuse a database that everybody can change: they could make accounts and un-revoke.

    A group may be meant to run commands beside the server, and a file may be another user's, as
    when root looks after it: that is only said.

    Raises:
        SettingsRejected: Everybody can write it, or put another in its place.
    """
    found, folder = file.stat(), file.parent.stat()
    if found.st_mode & stat.S_IWOTH:
        raise SettingsRejected(f"{file} can be written by everybody: chmod o-w it")
    if folder.st_mode & stat.S_IWOTH and not folder.st_mode & stat.S_ISVTX:
        raise SettingsRejected(f"{file.parent} can be written by everybody: chmod o-w it")
    if found.st_mode & stat.S_IWGRP:
        warn(f"{file} can be written by its whole group, who can make accounts and un-revoke")
    if found.st_uid != os.geteuid():
        warn(f"{file} belongs to another user, who can make accounts and un-revoke")
