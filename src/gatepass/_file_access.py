"""Who else can read, write or replace a file that gatepass relies on; nothing is changed here.

1. Others reach a file through its mode, its owner and the folder that it is in: in a folder that
   everybody can write they rename a file of theirs over it, or plant one beside it.
2. The sticky bit forbids the renaming and not the planting, so it makes no folder good. A link may
   lie in a sticky folder if its owner is trusted: the file is then as safe as where it leads.
3. Folders above that one are not looked at. A folder that somebody puts in its place holds files
   of another owner.
"""

import os
import stat
from collections.abc import Collection
from pathlib import Path
from typing import Final

from gatepass.errors import SettingsRejected

_IN_A_VOLUME: Final = "in a Kubernetes secret volume set defaultMode: 0400, and fsGroup unless root"


def trusted_owners() -> frozenset[int]:
    """Users who can do to this process whatever they like anyway: its own, and root."""
    return frozenset({0, os.geteuid()})


def find_status(path: Path) -> os.stat_result | None:
    """The status of what has this name, `None` where nothing has; a link is not followed."""
    try:
        return path.lstat()
    except FileNotFoundError:
        return None


def require_own_alone(path: Path, found: os.stat_result, *, is_folder: bool = False) -> None:
    """Refuse what another user owns, can read or can write.

    Raises:
        SettingsRejected: It is so, or it is no file (no folder).
    """
    kind, mode = (stat.S_ISDIR, "700") if is_folder else (stat.S_ISREG, "600")
    if not kind(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise SettingsRejected(f"{path} must be yours alone: chmod {mode} it, or remove it")


def require_closed(path: Path, found: os.stat_result) -> None:
    """Refuse what everybody can write.

    Raises:
        SettingsRejected: Everybody can; the sentence names the cure.
    """
    if found.st_mode & stat.S_IWOTH:
        cure = "chmod o-w it"
        if stat.S_ISDIR(found.st_mode):
            cure += ", or keep the file in a folder of your own"
        raise SettingsRejected(f"{path} can be written by everybody: {cure}")


def require_owner(path: Path, found: os.stat_result, owners: Collection[int]) -> None:
    """Refuse what belongs to another user than these.

    Raises:
        SettingsRejected: It does; the sentence names that user's id.
    """
    if found.st_uid not in owners:
        raise SettingsRejected(
            f"{path} belongs to another user (uid {found.st_uid}), who may have put it there: "
            "chown it to yours or to root if it is what you made, else remove it"
        )


def require_key_file(path: Path, found: os.stat_result, owners: Collection[int]) -> None:
    """Refuse a file of signing keys that others can read, or that another user wrote.

    Raises:
        SettingsRejected: They can, or it is no file.
    """
    if not stat.S_ISREG(found.st_mode) or found.st_mode & (stat.S_IRWXO | stat.S_IWGRP):
        raise SettingsRejected(f"{path} is open to other users: chmod 600 it; {_IN_A_VOLUME}")
    require_owner(path, found, owners)


def require_key_folder(path: Path) -> None:
    """Refuse a file of signing keys in whose place others can put one, or a link to one.

    Raises:
        SettingsRejected: They can; the sentence names the folder, or the link.
        OSError: A folder cannot be looked at.
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
