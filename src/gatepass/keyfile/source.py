"""`FileKeySource`: the keys of a key file as they are at this moment, for managers and issuers."""

import logging
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Final

from gatepass._forks import ForkAware, watch_forks
from gatepass._private_files import Mark
from gatepass.errors import KeyRejected, KeysUnavailable, SettingsRejected
from gatepass.jose import KeySet, VerificationKey
from gatepass.keyfile.file import KeyFile
from gatepass.keyfile.ring import PICK_UP_S, Ring

_logger = logging.getLogger("gatepass")
_LOOK_S: Final = 1.0
_steady: Final[Callable[[], float]] = (
    partial(time.clock_gettime, time.CLOCK_BOOTTIME)  # does not stop while the machine sleeps
    if hasattr(time, "CLOCK_BOOTTIME")
    else time.monotonic
)


class FileKeySource(ForkAware):
    """A `KeySource` that checks its file once a second, and reads it when it was replaced.

    A file that cannot be read is logged, and the keys before stay in force for a minute. After
    that every token is `KeysUnavailable`: a key may have been removed because it leaked.

    Raises:
        SettingsRejected: The file cannot be read or is rejected.
        KeyRejected: No key in it signs.
    """

    def __init__(self, path: str | os.PathLike[str], *, now: Callable[[], float] = _steady) -> None:
        self._file = KeyFile(path)
        self._now = now
        self._lock = threading.Lock()
        self._known: dict[str, VerificationKey] = {}
        self._version = 0
        self._is_troubled = False
        self._look_at = self._seen_at = now()
        self._mark, self._ring, self._keys = self._read()
        self._look_at += _LOOK_S
        watch_forks(self)

    @property
    def version(self) -> int:
        """A number that grows whenever the file was read again."""
        return self._version

    @property
    def lifetime(self) -> timedelta:
        """How long tokens may live that are signed with the primary key."""
        primary = self._ring.primary
        return timedelta(seconds=0 if primary is None else primary.lifetime_s)

    @property
    def promoted_at(self) -> int:
        """Since when the primary key signs, in whole seconds since 1970; for metrics."""
        with suppress(KeysUnavailable):
            self.current()
        primary = self._ring.primary
        return 0 if primary is None else primary.promoted_at or 0

    def current(self) -> KeySet:
        """The keys in force.

        Raises:
            KeysUnavailable: The file could not be read for a minute.
        """
        if self._now() < self._look_at:
            return self._keys
        return self._look()

    def after_fork(self, *, in_child: bool) -> None:
        """See `ForkAware`."""
        if in_child:
            self._lock = threading.Lock()

    def _look(self) -> KeySet:
        with self._lock:
            now = self._now()
            if now < self._look_at:
                return self._keys
            try:
                if self._file.mark() != self._mark:
                    self._mark, self._ring, self._keys = self._read()
                    self._version += 1
                self._seen_at = now
                self._is_troubled = False
            except (SettingsRejected, KeyRejected) as error:
                self._endure(error, now)
            self._look_at = now + _LOOK_S
            return self._keys

    def _read(self) -> tuple[Mark, Ring, KeySet]:
        ring, mark = self._file.read()
        return mark, ring, ring.key_set(self._known)

    def _endure(self, error: SettingsRejected | KeyRejected, now: float) -> None:
        if not self._is_troubled:
            _logger.error("the key file cannot be used, its keys before stay in force: %s", error)
            self._is_troubled = True
        if now >= self._seen_at + PICK_UP_S:
            raise KeysUnavailable("the key file could not be read for a minute") from error
