"""Checks whether other users can read, write or replace a file; changes nothing.

1. A file is as safe as its mode, its owner and its folder. In a folder that everybody can write,
   other users rename their file over it, or put a file beside it.
2. The sticky bit prevents the renaming, but not a new file beside it, so a sticky folder is
   rejected too. A link may lie in a sticky folder if the owner of the link is trusted: then the
   target counts.
3. Folders above are not checked: a user who replaces one of them owns the files in it, and the
   check of the owner rejects those.
"""

import os
import stat
from collections.abc import Collection
from pathlib import Path
from typing import Final

from gatepass.errors import SettingsRejected

_IN_A_VOLUME: Final = "in a Kubernetes secret volume set defaultMode: 0400, and fsGroup unless root"


def trusted_owners() -> frozenset[int]:
    """Users who control this process anyway: its own, and root."""
    return frozenset({0, os.geteuid()})


def find_status(path: Path) -> os.stat_result | None:
    """The status of the file with this name, or `None`; a link is not followed."""
    try:
        return path.lstat()
    except FileNotFoundError:
        return None


def require_own_alone(path: Path, found: os.stat_result, *, is_folder: bool = False) -> None:
    """Reject a file or folder that another user owns, can read or can write.

    Raises:
        SettingsRejected: Another user can, or the path is no file (no folder).
    """
    kind, mode = (stat.S_ISDIR, "700") if is_folder else (stat.S_ISREG, "600")
    if not kind(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise SettingsRejected(f"{path} must be yours alone: chmod {mode} it, or remove it")


def require_closed(path: Path, found: os.stat_result) -> None:
    """Reject a file or folder that everybody can write.

    Raises:
        SettingsRejected: Everybody can write it; the message says how to change that.
    """
    if found.st_mode & stat.S_IWOTH:
        cure = "chmod o-w it"
        if stat.S_ISDIR(found.st_mode):
            cure += ", or keep the file in a folder of your own"
        raise SettingsRejected(f"{path} can be written by everybody: {cure}")


def require_owner(path: Path, found: os.stat_result, owners: Collection[int]) -> None:
    """Reject a file or folder that belongs to none of these users.

    Raises:
        SettingsRejected: Another user owns it; the message has that user's id.
    """
    if found.st_uid not in owners:
        raise SettingsRejected(
            f"{path} belongs to another user (uid {found.st_uid}), who may have put it there: "
            "chown it to yours or to root if it is what you made, else remove it"
        )


def require_key_file(path: Path, found: os.stat_result, owners: Collection[int]) -> None:
    """Reject a key file that others can read, or that another user owns.

    Raises:
        SettingsRejected: Others can read it, another user owns it, or it is no file.
    """
    if not stat.S_ISREG(found.st_mode) or found.st_mode & (stat.S_IRWXO | stat.S_IWGRP):
        raise SettingsRejected(f"{path} is open to other users: chmod 600 it; {_IN_A_VOLUME}")
    require_owner(path, found, owners)


def require_key_folder(path: Path) -> None:
    """Reject a key file that others can replace, by a file or by a link.

    Raises:
        SettingsRejected: Others can; the message names the folder or the link.
        OSError: The status of a folder cannot be read.
    """
    folder = Path(os.path.realpath(path)).parent
    found = folder.stat()
    require_closed(folder, found)
    if os.geteuid() != 0:  # root may look after another user's files
        require_owner(folder, found, trusted_owners())
    link = find_status(path)
    if link is not None and stat.S_ISLNK(link.st_mode):
        around = path.parent.stat()
        if not around.st_mode & stat.S_ISVTX:
            require_closed(path.parent, around)
        require_owner(path, link, trusted_owners())
