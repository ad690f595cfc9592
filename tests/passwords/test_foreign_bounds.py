"""Password hashes that other programs made, and gatepass rejects: costly and damaged ones."""

from contextlib import suppress

import pytest
from argon2 import PasswordHasher
from argon2.exceptions import VerificationError, VerifyMismatchError
from passlib import hash as passlib  # type: ignore[import-untyped]

from gatepass.errors import HashRejected
from gatepass.passwords import Passwords, require_hash
from gatepass.passwords.foreign import verify_foreign
from tests.server.world import CountingHasher

WORD = "a pässword"
COSTLY = [
    ("pbkdf2_sha256$3000001$salt${b32}=", "PBKDF2 iterations: 3,000,001"),
    ("pbkdf2:sha512:1000001$salt${h64}", "PBKDF2 iterations: 1,000,001 is not from 1 to 1,000,000"),
    ("$pbkdf2-sha512$1000001$aaaaaaaa${b64}", "PBKDF2 iterations: 1,000,001"),
    ("pbkdf2:sha512:999999999999$salt${h64}", "PBKDF2 iterations: 999,999,999,999"),
    ("$pbkdf2-sha256$9999999$aaaaaaaa${b32}", "PBKDF2 iterations: 9,999,999"),
    ("scrypt$2097152$salt$8$1${b64}==", "scrypt n * r * p: 16,777,216"),
    ("scrypt:32768:8:8$salt${h64}", "scrypt n * r * p: 2,097,152"),
    ("scrypt:2:65:1$salt${h64}", "scrypt r: 65"),
    ("scrypt:2:524288:1$salt${h64}", "scrypt r: 524,288"),
    ("scrypt:2:1:65$salt${h64}", "scrypt p: 65"),
    ("$scrypt$ln=21,r=8,p=1$aaaaaaaa${b32}", "scrypt ln: 21"),
    ("$2b$15$" + "." * 53, "bcrypt rounds: 15 is not from 4 to 14"),
    ("bcrypt_sha256$$2b$31$" + "." * 53, "bcrypt rounds: 31"),
    ("$6$rounds=656001$salt$" + "." * 86, "sha512-crypt rounds: 656,001"),
    ("$6$rounds=999$salt$" + "." * 86, "sha512-crypt rounds: 999"),
    ("$argon2id$v=19$m=131073,t=1,p=4$aaaaaaaaaaA${b32}", "KiB of argon2 memory: 131,073"),
    ("$argon2id$v=19$m=65536,t=17,p=4$aaaaaaaaaaA${b32}", "argon2 memory times passes"),
    ("argon2$argon2id$v=19$m=65536,t=3,p=17$aaaaaaaaaaA${b32}", "argon2 lanes: 17"),
    ("$argon2id$v=19$m=128,t=8192,p=16$aaaaaaaaaaA${b32}", "argon2 passes times lanes: 131,072"),
    ("$argon2id$v=19$m=128,t=65,p=16$aaaaaaaaaaA${b32}", "argon2 passes times lanes: 1,040"),
    ("$argon2id$v=19$m=8,t=1025,p=1$aaaaaaaaaaA${b32}", "argon2 passes times lanes: 1,025"),
]
DAMAGED = [
    "",
    "plain",
    "!1a2b3c",
    "sha1$salt$5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8",
    "5f4dcc3b5aa765d61d8327deb882cf99",
    "pbkdf2_sha256$0$salt${b32}=",
    "pbkdf2_sha256$-1$salt${b32}=",
    "pbkdf2_sha256$\u0661$salt${b32}=",
    "pbkdf2_sha256$1$salt$AAAA",
    "pbkdf2_sha256$1$salt$A",
    "pbkdf2:md5:1$salt${h64}",
    "pbkdf2:sha256:1$salt${h64}",
    "$pbkdf2-sha256$1$a${b32}",
    "scrypt$15$salt$8$1${b64}==",
    "scrypt$65536$salt$1$1${b64}==",
    "scrypt$1$salt$8$1${b64}==",
    "scrypt:16:8:1$salt$00",
    "scrypt:16:0:1$salt${h64}",
    "$2x$10$" + "." * 53,
    "$2b$10$" + "." * 52,
    "$2b$10$" + "a" * 53,
    "$2b$10$" + "." * 53 + "\n",
    "bcrypt_sha256$2b$10$" + "." * 53,
    "$6$rounds=01000$salt$" + "." * 86,
    "$6$salt$" + "." * 85 + "z",
    "$argon2id$v=19$m=65536,t=0,p=4$aaaaaaaaaaA${b32}",
    "$argon2id$v=19$m=1,t=1,p=4$aaaaaaaaaaA${b32}",
    "$argon2id$v=18$m=65536,t=1,p=4$aaaaaaaaaaA${b32}",
    "$argon2id$v=19$m=65536,t=1,p=4$aaaaaaaaa$AAAA",
    "$argon2id$v=19$m=01024,t=1,p=4$aaaaaaaaaaA${b32}",
    "$argon2id$v=19$m=1024,t=01,p=4$aaaaaaaaaaA${b32}",
    "$argon2id$v=19$m=1024,t=1,p=04$aaaaaaaaaaA${b32}",
    "$argon2id$v=19$m=1024,t=1,p=4$aaaaaaaaaaa${b32}",
    "$argon2id$v=19$m=1024,t=1,p=4$aaaaaaaaaaA$" + "A" * 42 + "B",
    "pbkdf2_sha256$1$salt$" + "A" * 42 + "B=",
    "$pbkdf2-sha256$1$aaaaaaaaaaa${b32}",
    "$pbkdf2-sha512$1$aaaaaaaa$" + "A" * 85 + "B",
    "scrypt$16384$salt$8$1$" + "A" * 85 + "B==",
    "$scrypt$ln=4,r=8,p=1$aaaaaaaaaaa${b32}",
    "$2b$10$" + "." * 21 + "/" + "." * 31,
    "$2b$10$" + "." * 52 + "/",
    "$argon2id$v=19$m=" + "9" * 5000 + ",t=1,p=4$aaaaaaaaaaA${b32}",
    "pbkdf2_sha256$1$" + "s" * 600 + "${b32}=",
]


def filled(pattern: str) -> str:
    """The pattern with digests of 32 and 64 bytes."""
    return pattern.replace("{b32}", "A" * 43).replace("{b64}", "A" * 86).replace("{h64}", "0" * 128)


@pytest.fixture
def passwords() -> Passwords:
    return Passwords(CountingHasher())


@pytest.mark.parametrize(("pattern", "reason"), COSTLY)
def test_a_hash_that_would_keep_a_thread_busy_is_refused(
    passwords: Passwords, pattern: str, reason: str
) -> None:
    with pytest.raises(HashRejected) as caught:
        require_hash(filled(pattern))

    assert str(caught.value).startswith(reason)
    if "argon2" not in pattern:
        assert not passwords.verify(filled(pattern), WORD)


@pytest.mark.parametrize("pattern", DAMAGED)
def test_a_damaged_hash_is_refused_without_being_shown(passwords: Passwords, pattern: str) -> None:
    kept = filled(pattern)
    with pytest.raises(HashRejected) as caught:
        require_hash(kept)

    assert not kept or kept not in str(caught.value)
    assert not passwords.verify(kept, WORD)
    assert passwords.needs_rehash(kept)
    passwords.refuse(WORD, like=kept)


@pytest.mark.parametrize(
    "kept",
    [
        *(f"pbkdf2_sha256${rounds}$salt${{b32}}=" for rounds in (600_000, 1_500_000, 1_800_000)),
        "scrypt:32768:8:1$salt${h64}",
        "scrypt$16384$salt$8$5${b64}==",
        "$scrypt$ln=17,r=8,p=1$aaaaaaaa${b32}",
        "$2y$14$" + "." * 53,
        f"$6$rounds={passlib.sha512_crypt.default_rounds}$salt$" + "." * 86,
        f"$pbkdf2-sha512${passlib.pbkdf2_sha512.default_rounds}$aaaaaaaa$" + "A" * 86,
        "argon2$argon2id$v=19$m=102400,t=2,p=8$aaaaaaaaaaA${b32}",
        "$argon2id$v=19$m=65536,t=3,p=4$aaaaaaaaaaA${b32}",
    ],
)
def test_the_costs_that_programs_have_by_default_are_within_bounds(kept: str) -> None:
    require_hash(filled(kept))


@pytest.mark.parametrize(
    "kept",
    [
        "pbkdf2:sha512:1$salt${h64}",
        "$scrypt$ln=1,r=64,p=64$aaaaaaaa${b32}",
        "scrypt:4:64:64$salt${h64}",
        "$2y$04$" + "." * 53,
        "$6$rounds=1000$s$" + "." * 86,
    ],
)
def test_a_hash_at_a_bound_is_computed(kept: str) -> None:
    require_hash(filled(kept))

    assert not verify_foreign(filled(kept), WORD)


@pytest.mark.parametrize("version", ["", "v=16$", "v=19$"])
@pytest.mark.parametrize("last", "ABEGIMQYcgw048+/")
def test_an_argon2_hash_is_accepted_if_argon2_itself_reads_it(version: str, last: str) -> None:
    for salt, digest in ((f"aaaaaaaaaa{last}", "A" * 43), ("aaaaaaaaaaA", "A" * 42 + last)):
        kept = f"$argon2i${version}m=128,t=1,p=16${salt}${digest}"
        with suppress(HashRejected):
            require_hash(kept)
            with pytest.raises(VerifyMismatchError):
                PasswordHasher().verify(kept, WORD)
            continue
        with pytest.raises(VerificationError, match="Decoding failed"):
            PasswordHasher().verify(kept, WORD)
