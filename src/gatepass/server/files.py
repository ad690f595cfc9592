"""Files of the state: made whole or not at all, and rejected if others could reach them."""

import os
import secrets
from pathlib import Path

from gatepass._file_access import require_own_alone
from gatepass.errors import SettingsRejected


def make_folder(folder: Path) -> None:
    """Make the folder, for its owner alone; one that is there stays as it is.

    Raises:
        SettingsRejected: The folder cannot be made.
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
        SettingsRejected: The file cannot be written.
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
    """Reject a path that is missing, of another kind, or open to other users.

    Args:
        path: The path to check; a link is not followed.
        directory: Whether it should be a folder, and not a file.
        start: The advice for a missing path.

    Raises:
        SettingsRejected: The path is one of these; the sentence says which, and the next step.
    """
    try:
        found = path.lstat()
    except FileNotFoundError:
        raise SettingsRejected(f"no gatepass here ({path} is missing): {start}") from None
    except OSError as error:
        raise SettingsRejected(f"{path} cannot be read: {error.strerror}") from error
    require_own_alone(path, found, is_folder=directory)
