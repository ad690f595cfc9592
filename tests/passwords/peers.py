"""Password hashes as the programs that people come from make them, at little cost."""

from collections.abc import Callable, Mapping
from typing import Final

import argon2
import bcrypt
from django.contrib.auth import hashers
from passlib import hash as passlib  # type: ignore[import-untyped]
from werkzeug.security import generate_password_hash

SALT: Final = "NaCl9NaCl9NaCl9NaCl9aa"


class CheapArgon2(hashers.Argon2PasswordHasher):
    """Django's, with less memory."""

    time_cost, memory_cost, parallelism = 1, 64, 8


class CheapBcrypt(hashers.BCryptPasswordHasher):
    """Django's, with fewer rounds."""

    rounds = 4


class CheapBcryptSHA256(hashers.BCryptSHA256PasswordHasher):
    """Django's, with fewer rounds."""

    rounds = 4


def _salted(hasher: hashers.BasePasswordHasher) -> Callable[[str], str]:
    return lambda word: hasher.encode(word, hasher.salt())


def _modular_bcrypt(variant: str) -> Callable[[str], str]:
    return lambda password: (
        bcrypt.hashpw(password.encode()[:72], bcrypt.gensalt(4))
        .decode()
        .replace("$2b$", f"${variant}$")
    )  # for passwords below 256 bytes they are the same


KINDS: Final[Mapping[str, Callable[[str], str]]] = {
    "django pbkdf2_sha256": lambda word: hashers.PBKDF2PasswordHasher().encode(word, SALT, 3),
    "django pbkdf2_sha1": lambda word: hashers.PBKDF2SHA1PasswordHasher().encode(word, SALT, 3),
    "django argon2": lambda word: CheapArgon2().encode(word, SALT),
    "django bcrypt_sha256": _salted(CheapBcryptSHA256()),
    "django bcrypt": _salted(CheapBcrypt()),
    "django scrypt": lambda word: hashers.ScryptPasswordHasher().encode(word, SALT, 16, 8, 2),
    "werkzeug scrypt": lambda word: generate_password_hash(word, "scrypt:1024:8:1"),
    "werkzeug pbkdf2": lambda word: generate_password_hash(word, "pbkdf2:sha256:3"),
    "werkzeug pbkdf2 sha512": lambda word: generate_password_hash(word, "pbkdf2:sha512:3"),
    "passlib pbkdf2_sha1": passlib.pbkdf2_sha1.using(rounds=3).hash,
    "passlib pbkdf2_sha256": passlib.pbkdf2_sha256.using(rounds=3).hash,
    "passlib pbkdf2_sha512": passlib.pbkdf2_sha512.using(rounds=3).hash,
    "passlib scrypt": passlib.scrypt.using(rounds=4).hash,
    "passlib sha512_crypt": passlib.sha512_crypt.using(rounds=1000).hash,
    "passlib bcrypt": passlib.bcrypt.using(rounds=4).hash,
    "bcrypt 2a": _modular_bcrypt("2a"),
    "bcrypt 2b": _modular_bcrypt("2b"),
    "bcrypt 2y": _modular_bcrypt("2y"),
    "argon2id": argon2.PasswordHasher(2, 16, 1).hash,
    "argon2i": argon2.PasswordHasher(2, 16, 1, type=argon2.Type.I).hash,
}
"""Each kind of hash that moves in, and how its own program makes it."""
BCRYPT: Final = ("django bcrypt", "passlib bcrypt", "bcrypt 2a", "bcrypt 2b", "bcrypt 2y")
"""The kinds that read 72 bytes."""

PUBLISHED: Final = {
    # Django's tests
    "pbkdf2_sha256$1000000$seasalt$r1uLUxoxpP2Ued/qxvmje7UH9PUJBkRrvf9gGPL7Cps=": "lètmein",
    "scrypt$16384$seasalt$8$5$ECMIUp+LMxMSK8xB/IVyba+KYGTI7FTnet025q/1f/vBAVnnP3hdYqJuRi+mJn6ji6ze"
    "3Fbb7JEFPKGpuEf5vw==": "lètmein",
    # RFC 7914 §12 and RFC 6070 §2, as Werkzeug and passlib write them
    "scrypt:16384:8:1$SodiumChloride$7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da"
    "1f2d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887": "pleaseletmein",
    "pbkdf2:sha1:4096$salt$4b007901b765489abead49d926f721d065a429c1": "password",
    # passlib's tests and documentation
    "$pbkdf2-sha256$1212$4vjV83LKPjQzk31VI4E0Vw$hsYF68OiOUPdDZ1Fg.fJPeq1h/gXXY7acBp9/6c.tmQ": (
        "password"
    ),
    "$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E": (
        "password"
    ),
    # crypt_blowfish's tests
    "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW": "U*U",
    "$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui": (
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
        "chars after 72 are ignored"
    ),
    # Drepper's specification of SHA-crypt
    "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoE"
    "OfaS35inz1": "Hello world!",
    "$6$rounds=10000$saltstringsaltst$OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZe"
    "HBy/YTBmSK6H9qs/y3RnOaw5v.": "Hello world!",
}
"""Hashes and passwords that others have published."""
