"""Password hashes that other programs made: Django, Werkzeug, and those in modular crypt format.

1. A hash is read whole, and its costs are bounded, before any work is done: no hash keeps a thread
   busy for more than some two seconds, or takes more than 128 MiB.
2. No algorithm is written here. PBKDF2 and scrypt are `hashlib`'s, as in the programs themselves;
   bcrypt is `bcrypt`'s and sha512-crypt is libpass's, both in the extra `migrate`.
3. A password counts as the UTF-8 that was typed, as there. Normal forms come with the new hash.
4. bcrypt reads 72 bytes. Programs passed it longer passwords too, and it ignored the rest, so the
   rest is cut off here. Django's `bcrypt_sha256` passes a digest, so that every byte counts.
5. A check does the same work for every password, so that a rejected user can be imitated: a
   password that nobody can have is checked as an empty one, and does not belong to the hash.
   So is one of more than 128 bytes for sha512-crypt, whose costs grow with the password.
"""

import hashlib
import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from contextlib import suppress
from hmac import compare_digest
from typing import Final

from gatepass._extras import needs_extra
from gatepass.errors import HashRejected
from gatepass.passwords.rules import MAX_PASSWORD

_MAX_HASH: Final = 512
"""Characters."""
_MAX_PBKDF2: Final = 3_000_000
_MAX_PBKDF2_SHA512: Final = 1_000_000
_MAX_SHA512_CRYPT: Final = 656_000
_SHA512_CRYPT_READS: Final = 128
"""Bytes of a password: each round reads all of it."""
_MAX_BCRYPT: Final = 14
_MAX_SCRYPT: Final = 2**20
"""Of n * r * p; n * r * 128 bytes is what it takes, so this is 128 MiB, too."""
_MAX_SCRYPT_BLOCKS: Final = 64
"""Of r, and of p; with more, the memory besides n * r * 128 counts."""
_SCRYPT_MEMORY: Final = 2**28
_MAX_ARGON2_MEMORY: Final = 2**17
_MAX_ARGON2_WORK: Final = 2**20
_MAX_ARGON2_LANES: Final = 16
_MAX_ARGON2_STARTS: Final = 1024
"""Of passes * parallelism: each pass starts four threads for each, however little memory it has."""
_BCRYPT_READS: Final = 72

_Check = Callable[[bytes], bool]
_Groups = dict[str, str]


def verify_foreign(password_hash: str, password: str) -> bool:
    """Whether the password belongs to a hash of another program, which is not argon2.

    Raises:
        HashRejected: The hash is of no known kind, damaged, or too costly.
        ModuleNotFoundError: The extra `migrate` is not installed, and the hash needs it.
    """
    check = read_foreign(password_hash)
    typed = password.encode("utf-8", "surrogatepass")
    possible = len(typed) <= MAX_PASSWORD and not re.search("[\ud800-\udfff]", password)
    return check(typed if possible else b"") and possible


def read_foreign(password_hash: str) -> _Check:
    """The check of this hash; see `verify_foreign`."""
    if len(password_hash) <= _MAX_HASH:
        for pattern, read in _FORMATS:
            found = pattern.fullmatch(password_hash)
            if found is not None:
                return read(found.groupdict() | {"whole": password_hash})
    if password_hash.startswith("!"):
        raise HashRejected("the user has no password (Django's `!`)")
    raise HashRejected("the password hash is of no kind that gatepass reads, or damaged")


def require_argon2(password_hash: str) -> None:
    """Return when argon2 can check this hash at bounded costs.

    Raises:
        HashRejected: The hash is damaged or too costly.
    """
    found = _ARGON2.fullmatch(password_hash) if len(password_hash) <= _MAX_HASH else None
    if found is None:
        raise HashRejected("the argon2 hash is damaged")
    memory, passes = int(found["m"]), int(found["t"])
    lanes = _bounded("argon2 lanes", found["p"], 1, _MAX_ARGON2_LANES)
    _bounded("KiB of argon2 memory", found["m"], 8 * lanes, _MAX_ARGON2_MEMORY)
    _bounded("argon2 passes", found["t"], 1, _MAX_ARGON2_WORK)
    if memory * passes > _MAX_ARGON2_WORK:
        raise HashRejected(f"argon2 memory times passes is more than {_MAX_ARGON2_WORK:,} KiB")
    _bounded("argon2 passes times lanes", str(passes * lanes), 1, _MAX_ARGON2_STARTS)
    for group in "salt", "digest":
        _octets(found[group])


def _bounded(name: str, digits: str, lowest: int, highest: int) -> int:
    number = int(digits)
    if not lowest <= number <= highest:
        raise HashRejected(f"{name}: {number:,} is not from {lowest:,} to {highest:,}")
    return number


def _octets(text: str) -> bytes:
    digits = text.rstrip("=").replace(".", "+")
    with suppress(ValueError):
        octets = b64decode(digits + "=" * (-len(digits) % 4))
        if b64encode(octets).decode().rstrip("=") == digits:  # argon2 reads no other spelling
            return octets
    raise HashRejected("the password hash is damaged: it is no base64")


def _salt(groups: _Groups) -> bytes:
    return groups["text"].encode() if "text" in groups else _octets(groups["salt"])


def _digest(groups: _Groups, size: int) -> bytes:
    digest = bytes.fromhex(groups["hex"]) if "hex" in groups else _octets(groups["digest"])
    if len(digest) != size:
        raise HashRejected(f"the password hash is damaged: it has {len(digest)} bytes, not {size}")
    return digest


def _pbkdf2(groups: _Groups) -> _Check:
    name = groups["name"] or "sha1"
    highest = _MAX_PBKDF2_SHA512 if name == "sha512" else _MAX_PBKDF2
    iterations = _bounded("PBKDF2 iterations", groups["n"], 1, highest)
    salt, digest = _salt(groups), _digest(groups, hashlib.new(name).digest_size)
    return lambda password: compare_digest(
        hashlib.pbkdf2_hmac(name, password, salt, iterations), digest
    )


def _scrypt(groups: _Groups) -> _Check:
    n = 2 ** _bounded("scrypt ln", groups["ln"], 1, 20) if "ln" in groups else int(groups["n"])
    r, p = (_bounded(f"scrypt {name}", groups[name], 1, _MAX_SCRYPT_BLOCKS) for name in "rp")
    if not 1 < n < 2 ** min(16 * r, 64) or n & (n - 1):
        raise HashRejected("the password hash is damaged: scrypt has no such n")
    _bounded("scrypt n * r * p", str(n * r * p), 1, _MAX_SCRYPT)
    size = 32 if "ln" in groups else 64
    salt, digest = _salt(groups), _digest(groups, size)
    return lambda password: compare_digest(
        hashlib.scrypt(password, salt=salt, n=n, r=r, p=p, maxmem=_SCRYPT_MEMORY, dklen=size),
        digest,
    )


def _cut(password: bytes) -> bytes:
    return password[:_BCRYPT_READS]


def _sha256_hex(password: bytes) -> bytes:
    return hashlib.sha256(password).hexdigest().encode()


def _bcrypt(groups: _Groups) -> _Check:
    with needs_extra("migrate"):
        import bcrypt  # noqa: PLC0415 - an extra

    _bounded("bcrypt rounds", groups["n"], 4, _MAX_BCRYPT)
    kept = groups["bcrypt"].encode()
    prepare = _sha256_hex if groups["whole"].startswith("bcrypt_sha256") else _cut
    return lambda password: compare_digest(bcrypt.hashpw(prepare(password), kept), kept)


def _sha512_crypt(groups: _Groups) -> _Check:
    with needs_extra("migrate"):
        from passlib.hash import sha512_crypt  # type: ignore[import-untyped]  # noqa: PLC0415

    _bounded("sha512-crypt rounds", groups["n"] or "5000", 1_000, _MAX_SHA512_CRYPT)

    def check(password: bytes) -> bool:
        readable = b"" if len(password) > _SHA512_CRYPT_READS else password
        readable = readable.replace(b"\0", b"")  # the peer takes no NUL
        return bool(sha512_crypt.verify(readable, groups["whole"])) and readable == password

    return check


_PARTS: Final = {
    "N": "(?P<n>[1-9][0-9]{0,11})",
    "R": "(?P<r>[1-9][0-9]{0,6})",
    "P": "(?P<p>[1-9][0-9]{0,6})",
    "TEXT": "(?P<text>[!-#%-~]{1,128})",
    "SALT": "(?P<salt>[A-Za-z0-9+./]{2,172})",
    "DIGEST": "(?P<digest>[A-Za-z0-9+./]{2,128}={0,2})",
    "HEX": "(?P<hex>(?:[0-9a-f]{2}){1,64})",
    "BCRYPT": "(?P<bcrypt>[$]2[aby][$](?P<n>[0-9]{2})[$][./A-Za-z0-9]{21}[.Oeu]"
    "[./A-Za-z0-9]{30}[.CGKOSWaeimquy26])",
    "SALT64": "[./0-9A-Za-z]{1,16}",
    "DIGEST64": "[./0-9A-Za-z]{85}[./01]",
}


def _format(pattern: str) -> re.Pattern[str]:
    """A pattern where names in braces stand for `_PARTS`, and every dollar for itself."""
    return re.compile(pattern.replace("$", "[$]").format_map(_PARTS))


_FORMATS: Final[tuple[tuple[re.Pattern[str], Callable[[_Groups], _Check]], ...]] = (
    (_format("pbkdf2_(?P<name>sha256|sha1)${N}${TEXT}${DIGEST}"), _pbkdf2),
    (_format("pbkdf2:(?P<name>sha1|sha256|sha512):{N}${TEXT}${HEX}"), _pbkdf2),
    (_format("$pbkdf2(?:-(?P<name>sha256|sha512))?${N}${SALT}${DIGEST}"), _pbkdf2),
    (_format("scrypt${N}${TEXT}${R}${P}${DIGEST}"), _scrypt),
    (_format("scrypt:{N}:{R}:{P}${TEXT}${HEX}"), _scrypt),
    (_format("$scrypt$ln=(?P<ln>[1-9][0-9]?),r={R},p={P}${SALT}${DIGEST}"), _scrypt),
    (_format("(?:bcrypt$)?{BCRYPT}"), _bcrypt),
    (_format("bcrypt_sha256${BCRYPT}"), _bcrypt),
    (_format("$6$(?:rounds={N}$)?{SALT64}${DIGEST64}"), _sha512_crypt),
)
_ARGON2: Final = re.compile(
    r"(?:argon2)?\$argon2(?:id|i|d)\$(?:v=(?:16|19)\$)?"
    r"m=(?P<m>[1-9][0-9]{0,8}),t=(?P<t>[1-9][0-9]{0,8}),p=(?P<p>[1-9][0-9]{0,8})"
    r"\$(?P<salt>[A-Za-z0-9+/]{11,128})\$(?P<digest>[A-Za-z0-9+/]{22,128})"
)
