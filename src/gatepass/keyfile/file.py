"""The file of a ring: JSON, replaced as a whole, changed by one process at a time."""

import os
from collections.abc import Collection
from dataclasses import fields
from pathlib import Path
from typing import Final, Literal

import msgspec

from gatepass._file_access import find_status, require_key_file, require_key_folder, trusted_owners
from gatepass._private_files import Mark, locked, mark, replace_private
from gatepass.errors import KeyRejected, SettingsRejected, StoreUnavailable
from gatepass.keyfile.ring import Entry, Ring, State, Step

_MAX_SIZE: Final = 1024 * 1024
_WAIT_S: Final = 8.0


_MEMBERS: Final = frozenset(each.name for each in fields(Entry))


class _Document(msgspec.Struct, forbid_unknown_fields=True):
    """The content of the file."""

    gatepass_keys: Literal[1]
    """The version of this form; the file of a later release is rejected."""
    keys: list[Entry]


class KeyFile:
    """One key file of its reader's or of root's, in a folder that others cannot write.

    Others may not read it; a group may, so that servers can share a file of root's.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    def mark(self) -> Mark:
        """A value that changes when the file is replaced; it is cheap.

        Raises:
            SettingsRejected: The file is missing.
        """
        try:
            return mark(self.path.stat())
        except OSError as error:
            raise self._unreadable(error) from error

    def read(self) -> tuple[Ring, Mark]:
        """The keys in the file, and its mark.

        Raises:
            SettingsRejected: There is no file, others can read or replace it, another user owns
                it, or it holds something else.
        """
        return self._read(trusted_owners())

    def _read(self, owners: Collection[int]) -> tuple[Ring, Mark]:
        try:
            require_key_folder(self.path)
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
            with os.fdopen(descriptor, "rb") as file:
                found = os.fstat(descriptor)
                require_key_file(self.path, found, owners)
                octets = file.read(_MAX_SIZE)
        except OSError as error:
            raise self._unreadable(error) from error
        return self._parse(octets), mark(found)

    def change(self, step: Step) -> Ring:
        """Take one step and keep it; a file that is missing begins empty.

        The file keeps its owner, its group and whether the group may read; a link stays a link.

        Raises:
            StepRefused, KeyRejected: The step is rejected; the file stays as it is.
            SettingsRejected: The file is not a key file, or others can read or replace it.
            StoreUnavailable: The file could not be written, or another process holds its lock.
        """
        path = self._real_path()
        owners = trusted_owners()
        with locked(path, "lock", _WAIT_S) as is_held:
            if not is_held:
                raise StoreUnavailable(f"{self.path} is being changed by somebody else")
            before = find_status(path)
            if before is not None and os.geteuid() == 0:  # root may look after another's file
                owners |= {before.st_uid}
            ring = step(Ring() if before is None else self._read(owners)[0])
            _require_whole(ring)
            document = _Document(gatepass_keys=1, keys=list(ring.entries))
            octets = msgspec.json.format(msgspec.json.encode(document), indent=2)
            replace_private(path, octets + b"\n", like=before)
            return ring

    def _real_path(self) -> Path:
        """The path without links, so that all links to one file use one lock."""
        try:
            require_key_folder(self.path)
            self.path.stat()
        except FileNotFoundError:
            pass  # the first step makes it
        except OSError as error:  # such as a link that leads to itself, which would be overwritten
            raise self._unreadable(error) from error
        return Path(os.path.realpath(self.path))

    def _parse(self, octets: bytes) -> Ring:
        try:
            document = msgspec.json.decode(octets, type=_Document)
            _require_known(octets)
            ring = Ring(tuple(document.keys))
            _require_whole(ring)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            reason = "it is no key file of this release"
        except KeyRejected as error:
            reason = str(error)
        else:
            return ring
        raise SettingsRejected(f"{self.path} is rejected: {reason}")

    def _unreadable(self, error: OSError) -> SettingsRejected:
        return SettingsRejected(f"{self.path} cannot be read: {error.strerror}")


def _require_whole(ring: Ring) -> None:
    """Reject a ring that no sequence of steps leads to."""
    names = {entry.kid for entry in ring.entries}
    primaries = [entry for entry in ring.entries if entry.state is State.PRIMARY]
    if len(names) != len(ring.entries) or len(primaries) != min(1, len(ring.entries)):
        raise KeyRejected("its keys are not one primary and others of other names")
    if not all(entry.is_whole for entry in ring.entries):
        raise KeyRejected("a key in it has a life that no steps lead to")


def _require_known(octets: bytes) -> None:
    """Reject members that would be lost with the next change: msgspec leaves them out."""
    found: dict[str, list[dict[str, object]]] = msgspec.json.decode(octets)
    if any(not entry.keys() <= _MEMBERS for entry in found["keys"]):
        raise KeyRejected("its keys have members of a later release")
