"""`Passwords`: argon2id hashes, those of other programs, and the same work for nobody's."""

import secrets
from base64 import b64encode
from collections.abc import Container, Mapping
from contextlib import suppress
from typing import Any, Final

from argon2 import Parameters, PasswordHasher, Type, extract_parameters
from argon2.exceptions import VerificationError
from argon2.low_level import ARGON2_VERSION

from gatepass.errors import HashRejected, PasswordRejected
from gatepass.passwords.common import COMMON_PASSWORDS
from gatepass.passwords.foreign import read_foreign, require_argon2, verify_foreign
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
        """Whether the password belongs to the hash, which may be another program's.

        `None` stands for the hash of a user who does not exist: it costs the same time, so that
        nobody can tell by it which user names exist. A hash that `require_hash` rejects belongs to
        no password.

        Raises:
            ModuleNotFoundError: The extra `migrate` is not installed, and the hash needs it.
        """
        if password_hash is None:
            self.refuse(password, like=None)
            return False
        argon2 = _argon2_of(password_hash)
        if argon2 is not None:
            return any(self._belongs(argon2, octets) for octets in _spellings(password))
        with suppress(HashRejected):
            return verify_foreign(password_hash, password)
        return False

    def refuse(self, password: str, *, like: str | None) -> None:
        """Do the work of `verify` on a hash like this one, or like a new one, without a result."""
        if like is not None and _argon2_of(like) is None:
            with suppress(HashRejected):
                verify_foreign(like, password)
                return
        parameters = _parameters_of(like) or _parameters_of_new(self._hasher)
        self.verify(_hash_of_nothing(parameters), password)

    def needs_rehash(self, password_hash: str) -> bool:
        """Whether the hash is not as a new one, in kind or costs: then keep `hash(password)`."""
        try:
            return self._hasher.check_needs_rehash(password_hash)
        except ValueError:
            return True

    def _belongs(self, argon2: str, octets: bytes) -> bool:
        try:
            return self._hasher.verify(argon2, octets)
        except (VerificationError, ValueError):
            return False

    def _require_bounded(self, password: str) -> bytes:
        normal = normalize(password)
        if normal is None or len(normal) > MAX_PASSWORD:
            raise PasswordRejected(f"a password is text of at most {MAX_PASSWORD} bytes")
        return normal


def require_hash(password_hash: str) -> None:
    """Return when `Passwords.verify` can check a hash that comes from elsewhere.

    Raises:
        HashRejected: The hash is of no known kind, damaged, or would cost more than a second or
            two, or 128 MiB. The message does not hold the hash.
        ModuleNotFoundError: The extra `migrate` is not installed, and the hash needs it.
    """
    if _argon2_of(password_hash) is None:
        read_foreign(password_hash)
    else:
        require_argon2(password_hash)


def _argon2_of(password_hash: str) -> str | None:
    """The hash as argon2 writes it; Django writes its own name before it."""
    argon2 = password_hash.removeprefix("argon2")
    return argon2 if argon2.startswith("$argon2") else None


def _spellings(password: str) -> list[bytes]:
    """The password as argon2 hashes know it: in normal form here, as it was typed elsewhere."""
    normal = normalize(password)
    if normal is None:
        return [b""]
    typed = password.encode()
    return [normal] if typed == normal else [normal, typed]


def _parameters_of(password_hash: str | None) -> Parameters | None:
    try:
        return extract_parameters(_argon2_of(password_hash or "") or "")
    except ValueError:
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
