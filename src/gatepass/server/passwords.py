"""Passwords: argon2id hashes, one verification per log-in, and a pool that cannot pile up."""

import asyncio
import secrets
import threading
import unicodedata
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, ParamSpec, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from gatepass.http import RequestRefused
from gatepass.http.problems import RATE_LIMITED
from gatepass.server.errors import AccountRejected

MIN_PASSWORD: Final = 8
"""Characters of a password at least (NIST SP 800-63B §5.1.1.2)."""
MAX_PASSWORD: Final = 1_024
"""Bytes of a password at most."""

_P = ParamSpec("_P")
_R = TypeVar("_R")


class Passwords:
    """Hashes and checks passwords; every check costs one argon2 verification, found or not."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = PasswordHasher() if hasher is None else hasher
        self._nobodys = _hash_of_nothing(self._hasher)

    def hash(self, password: str) -> str:
        """The argon2id hash to keep.

        Raises:
            AccountRejected: The password is too short, too long or not text.
        """
        normal = _normalize(password)
        if normal is None or len(normal) > MAX_PASSWORD:
            raise AccountRejected(f"a password is text of at most {MAX_PASSWORD} bytes")
        if len(password) < MIN_PASSWORD:
            raise AccountRejected(f"a password has at least {MIN_PASSWORD} characters")
        return self._hasher.hash(normal)

    def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether the password belongs to the hash; without one, `False` after the same work."""
        presented = _normalize(password) or b""
        try:
            self._hasher.verify(password_hash or self._nobodys, presented)
        except (VerificationError, InvalidHashError):
            return False
        return password_hash is not None

    def needs_rehash(self, password_hash: str) -> bool:
        """Whether the hash was made with other parameters than are in use now."""
        return self._hasher.check_needs_rehash(password_hash)


class PasswordPool:
    """A few threads for argon2 and a short queue; when both are full, the log-in is refused."""

    def __init__(self, *, workers: int = 2, waiting: int = 16) -> None:
        self._executor = ThreadPoolExecutor(workers, thread_name_prefix="gatepass-argon2")
        self._places = threading.BoundedSemaphore(workers + waiting)

    async def run(self, work: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R:
        """What `work` returns; a place is given back when it ends, not when a client leaves.

        Raises:
            RequestRefused: Too many wait already.
        """
        if not self._places.acquire(blocking=False):
            raise RequestRefused(RATE_LIMITED, retry_after=1)
        future = self._executor.submit(work, *args, **kwargs)
        future.add_done_callback(self._leave)
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Let the running checks end and drop the waiting ones."""
        self._executor.shutdown(cancel_futures=True)

    def _leave(self, _: Future[_R]) -> None:
        self._places.release()


def _normalize(password: str) -> bytes | None:
    """One form for what keyboards write in several (NIST SP 800-63B: NFKC)."""
    try:
        return unicodedata.normalize("NFKC", password).encode()
    except UnicodeEncodeError:
        return None


def _hash_of_nothing(hasher: PasswordHasher) -> str:
    """A hash in use's parameters that no password has: its octets are random."""
    salt, octets = (
        b64encode(secrets.token_bytes(size)).decode().rstrip("=")
        for size in (hasher.salt_len, hasher.hash_len)
    )
    costs = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"$argon2id$v=19${costs}${salt}${octets}"
