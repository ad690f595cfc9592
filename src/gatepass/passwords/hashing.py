"""`Passwords`: argon2id hashes, and the same work for accounts that do not exist."""

import secrets
from base64 import b64encode
from collections.abc import Container, Mapping
from typing import Any, Final

from argon2 import Parameters, PasswordHasher, Type, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import ARGON2_VERSION

from gatepass.errors import PasswordRejected
from gatepass.passwords.common import COMMON_PASSWORDS
from gatepass.passwords.rules import MAX_PASSWORD, normalize, require_good

_COSTS: Final[Mapping[str, Any]] = {
    "time_cost": 3,
    "memory_cost": 65_536,
    "parallelism": 4,
    "hash_len": 32,
    "salt_len": 16,
}
"""RFC 9106 §4, the second; memory in KiB. Here, so that no upgrade of a library moves them."""


class Passwords:
    """Hashes and checks passwords with argon2id, and rejects bad ones.

    A later release may raise the costs: call `needs_rehash` after each login.
    """

    def __init__(
        self, hasher: PasswordHasher | None = None, *, common: Container[str] = COMMON_PASSWORDS
    ) -> None:
        """Take other costs, or other passwords to reject.

        Args:
            hasher: Of argon2-cffi; by default one with the costs of RFC 9106 §4: 64 MiB of memory,
                3 passes, 4 threads.
            common: Passwords that are rejected, in lower case.
        """
        self._hasher = PasswordHasher(**_COSTS, type=Type.ID) if hasher is None else hasher
        self._common = common

    def hash_new(self, password: str, username: str) -> str:
        """The hash to keep of a password that somebody chooses now.

        Raises:
            PasswordRejected: The password has fewer than 8 characters or more than 1,024 bytes, is
                no text, blank, the user name or a common one. The message is for the user.
        """
        self._require_bounded(password)
        require_good(password, username, self._common)
        return self.hash(password)

    def hash(self, password: str) -> str:
        """The hash to keep of a password that is in use already, as after `needs_rehash`.

        Raises:
            PasswordRejected: The password has more than 1,024 bytes or is no text.
        """
        return self._hasher.hash(self._require_bounded(password))

    def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether the password belongs to the hash.

        `None` stands for the hash of a user who does not exist: it costs the same time, so that
        nobody can tell by it which user names exist.
        """
        if password_hash is None:
            self.refuse(password, like=None)
            return False
        try:
            return self._hasher.verify(password_hash, normalize(password) or b"")
        except (VerificationError, InvalidHashError):
            return False

    def refuse(self, password: str, *, like: str | None) -> None:
        """Do the work of `verify` on a hash like this one, or like a new one, without a result."""
        parameters = _parameters_of(like) or _parameters_of_new(self._hasher)
        self.verify(_hash_of_nothing(parameters), password)

    def needs_rehash(self, password_hash: str) -> bool:
        """Whether the hash was made with other costs than a new one: then keep `hash(password)`."""
        return self._hasher.check_needs_rehash(password_hash)

    def _require_bounded(self, password: str) -> bytes:
        normal = normalize(password)
        if normal is None or len(normal) > MAX_PASSWORD:
            raise PasswordRejected(f"a password is text of at most {MAX_PASSWORD} bytes")
        return normal


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
