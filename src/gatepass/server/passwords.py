"""Passwords: argon2id hashes, one verification per login, and a pool that cannot pile up."""

import asyncio
import secrets
import threading
import unicodedata
from base64 import b64encode
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final, ParamSpec, TypeVar

from argon2 import Parameters, PasswordHasher, Type, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import ARGON2_VERSION

from gatepass.http import RequestRefused
from gatepass.http.problems import RATE_LIMITED
from gatepass.server.common_passwords import COMMON_PASSWORDS
from gatepass.server.errors import AccountRejected

MIN_PASSWORD: Final = 8
"""Characters of a password at least (NIST SP 800-63B §5.1.1.2)."""
MAX_PASSWORD: Final = 1_024
"""Bytes of a password at most."""
_COSTS: Final[Mapping[str, Any]] = {
    "time_cost": 3,
    "memory_cost": 65_536,
    "parallelism": 4,
    "hash_len": 32,
    "salt_len": 16,
}
"""RFC 9106 §4, the second; memory in KiB. Here, so that no upgrade of a library moves them."""

_P = ParamSpec("_P")
_R = TypeVar("_R")


class Passwords:
    """Hashes and checks passwords; every check costs one argon2 verification, found or not."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = PasswordHasher(**_COSTS, type=Type.ID) if hasher is None else hasher

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

    def hash_new(self, password: str, username: str) -> str:
        """`hash` for a password that somebody chooses now (NIST SP 800-63B §5.1.1.2).

        Raises:
            AccountRejected: As `hash`; or it is a common password, blank, or the user name.
        """
        folded = unicodedata.normalize("NFKC", password).casefold()
        if len(password) >= MIN_PASSWORD and not folded.strip():
            raise AccountRejected("a password is more than blanks")
        if folded == username:
            raise AccountRejected("a password is not the user name")
        if folded in COMMON_PASSWORDS:
            raise AccountRejected("this password is too common: attackers try it first")
        return self.hash(password)

    def verify(self, password_hash: str, password: str) -> bool:
        """Whether the password belongs to the hash."""
        try:
            return self._hasher.verify(password_hash, _normalize(password) or b"")
        except (VerificationError, InvalidHashError):
            return False

    def refuse(self, password: str, *, like: str | None) -> None:
        """Do the work of `verify` on a hash like this one, or like a new one, without a result."""
        parameters = _parameters_of(like) or _parameters_of_new(self._hasher)
        self.verify(_hash_of_nothing(parameters), password)

    def needs_rehash(self, password_hash: str) -> bool:
        """Whether the hash was made with other parameters than are in use now."""
        return self._hasher.check_needs_rehash(password_hash)


class PasswordPool:
    """A few threads for argon2 and a short queue; when both are full, a login is rejected."""

    def __init__(self, *, workers: int = 2, waiting: int = 16) -> None:
        self._executor = ThreadPoolExecutor(workers, thread_name_prefix="gatepass-argon2")
        self._slots = threading.BoundedSemaphore(workers + waiting)

    async def run(self, work: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R:
        """The result of `work`; its slot is free again when it ends, not when a client leaves.

        Raises:
            RequestRefused: Too many logins wait already.
        """
        if not self._slots.acquire(blocking=False):
            raise RequestRefused(RATE_LIMITED, retry_after=1)
        future = self._executor.submit(work, *args, **kwargs)
        future.add_done_callback(self._leave)
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Let the running checks end and drop the waiting ones."""
        self._executor.shutdown(cancel_futures=True)

    def _leave(self, _: Future[_R]) -> None:
        self._slots.release()


def _normalize(password: str) -> bytes | None:
    """One form for characters that keyboards write in several (NIST SP 800-63B: NFKC)."""
    try:
        return unicodedata.normalize("NFKC", password).encode()
    except UnicodeEncodeError:
        return None


def _parameters_of(password_hash: str | None) -> Parameters | None:
    try:
        return None if password_hash is None else extract_parameters(password_hash)
    except InvalidHashError:
        return None


def _parameters_of_new(hasher: PasswordHasher) -> Parameters:
    return Parameters(
        type=hasher.type,
        version=ARGON2_VERSION,
        salt_len=hasher.salt_len,
        hash_len=hasher.hash_len,
        time_cost=hasher.time_cost,
        memory_cost=hasher.memory_cost,
        parallelism=hasher.parallelism,
    )


def _hash_of_nothing(parameters: Parameters) -> str:
    """A hash of these parameters that no password has: its octets are random."""
    salt, octets = (
        b64encode(secrets.token_bytes(size)).decode().rstrip("=")
        for size in (parameters.salt_len, parameters.hash_len)
    )
    costs = f"m={parameters.memory_cost},t={parameters.time_cost},p={parameters.parallelism}"
    name = f"argon2{parameters.type.name.lower()}"
    return f"${name}$v={parameters.version}${costs}${salt}${octets}"
