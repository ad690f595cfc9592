"""A pair in a file that several processes of one user share."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from gatepass._file_access import require_own_alone
from gatepass._private_files import Mark, locked, mark, replace_private
from gatepass.errors import SettingsRejected, StoreUnavailable, TokenMalformed
from gatepass.httpx.tokens import Tokens

_MAX_SIZE: Final = 64 * 1024
_BRIEF_S: Final = 8.0


class FileTokens:
    """Keeps the pair in a file for its owner alone, replaced as a whole; no file is no pair.

    Beside it are two files that only serve as locks: `….refreshing` is held while one process
    refreshes, `….saving` for the moment in which the file is replaced.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)
        self._seen: tuple[Mark, Tokens] | None = None

    def load(self) -> Tokens | None:
        """See `TokenStorage.load`; the file is read again only when it was replaced.

        Raises:
            SettingsRejected: The file is not its owner's alone, or holds something else.
            StoreUnavailable: The file cannot be read.
        """
        seen = self._seen
        try:
            if seen is not None and mark(os.lstat(self._path)) == seen[0]:
                return seen[1]
            descriptor = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(descriptor, "rb") as file:
                found = os.fstat(descriptor)
                require_own_alone(self._path, found)
                octets = file.read(_MAX_SIZE)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreUnavailable(f"{self._path} cannot be read: {error.strerror}") from error
        tokens = self._parse(octets)
        self._seen = mark(found), tokens
        return tokens

    def save(self, tokens: Tokens | None) -> None:
        """See `TokenStorage.save`.

        Raises:
            StoreUnavailable: The file cannot be written.
        """
        with self._saving():
            self._write(tokens)

    def replace(self, expected: Tokens | None, tokens: Tokens | None) -> bool:
        """See `TokenStorage.replace`.

        Raises:
            StoreUnavailable: The file cannot be read or written.
        """
        with self._saving():
            if self.load() != expected:
                return False
            self._write(tokens)
            return True

    @contextmanager
    def refreshing(self, wait: float) -> Iterator[bool]:
        """See `TokenStorage.refreshing`."""
        with locked(self._path, "refreshing", wait) as is_held:
            yield is_held

    @contextmanager
    def _saving(self) -> Iterator[None]:
        with locked(self._path, "saving", _BRIEF_S) as is_held:
            if not is_held:
                raise StoreUnavailable(f"{self._path} is locked")
            yield

    def _write(self, tokens: Tokens | None) -> None:
        replace_private(self._path, None if tokens is None else tokens.to_json())

    def _parse(self, octets: bytes) -> Tokens:
        try:
            return Tokens.from_members(msgspec.json.decode(octets, type=dict))
        except (msgspec.MsgspecError, TokenMalformed, KeyError, ValueError, RecursionError):
            pass
        raise SettingsRejected(f"{self._path} holds no tokens: log in again, or remove it")
