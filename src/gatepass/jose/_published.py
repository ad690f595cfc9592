"""Secrets that everybody knows: printed in specifications, tutorials and documentation (pure)."""

import hashlib
import re
from functools import cache
from importlib import resources
from typing import Final

from gatepass.jose._key_material import layers

_HEAD = 16
_SHORT = 8

# Random octets of specifications (RFC 7515 appendix A.1, RFC 7520 §3.5).
_OF_RFCS = (
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
    "hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg",
)
_OF_TUTORIALS = (
    "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
    "404E635266556A586E3272357538782F413F4428472B4B6250645367566B5970",
    "413F4428472B4B6250645367566B5970337336763979244226452948404D6351",
    "413F4428472B4B6250655368566D5970337336763979244226452948404D6351",
    "3cfa76ef14937c1c0ea519f8fc057a80fcd04a7420f8e8bcd0a7567c272e007b",
    "357638792F423F4428472B4B6250655368566D597133743677397A2443264629",
    "5367566B59703373367639792F423F4528482B4D6251655468576D5A71347437",
    "9a4f2c8d3b7a1e6f45c8a0b3f267d8b1d4e6f3c8a9d2b5f8e3a9c8b5f6v8a3d9",
    "GQDstcKsx0NHjPOuXOYg5MbeJ1XT0uFiwDVvVBrk",
    "a-valid-string-secret-that-is-at-least-512-bits-long-which-is-very-long",
    "123e4567-e89b-12d3-a456-426614174000",
    "f47ac10b-58cc-4372-a567-0e02b2c3d479",
    "3.14159265358979323846264338327",
    "2.71828182845904523536028747135",
)
PHRASES: Final = (
    "thequickbrownfox jumpsoverthe lazydog loremipsum dolorsitamet consectetur adipiscing "
    "iloveyou nevergonna giveyouup letyoudown tobeornottobe thatisthequestion deadbeef cafebabe "
    "feedface baadf00d deadf00d"
).split()
WORDS: Final = (
    "access administrator admin algorithm application auth backend battery bearer between bits "
    "changeme change character chars check company correct corp database default demo development "
    "django dummy enough example fastapi fixme flask foobar from gatepass generate generation "
    "generator hardcoded here hmac horse hs256 hs384 hs512 insecure insert json know knows least "
    "letmein local long make minimum must never nobody node not passphrase passwd password phrase "
    "placeholder please private prod production public random refresh replace required safe sample "
    "secret secure server service session sha256 should signature signing sign some staging "
    "staple string strong super temporary test that this todo token ultra update user value very "
    "web welcome with your 128 256 384 512 api app bit dev for jwt key put set the use and"
).split()
"""An attacker has to guess the rest of a secret, without these phrases and words."""

RFC_KEYS: Final = frozenset(layer for text in _OF_RFCS for layer in list(layers(text.encode()))[1:])


def is_published(octets: bytes, text: str) -> bool:
    """Whether the octets, or the text that they are, contain a published secret."""
    plain = _plain(text)
    return (
        any(known in plain for known in _TEXTS)
        or any(known in octets for known in _OCTETS)
        or octets[:_HEAD] in _digests()
        or _short_digest(octets) in _listed()
        or _short_digest(text.encode("utf-8", "replace")) in _listed()
    )


def _plain(text: str) -> str:
    """Letters and digits only: how standard and url-safe base64 differ, and padding, is gone."""
    return re.sub(r"[^0-9a-z]", "", text.casefold())


_TEXTS = tuple(map(_plain, (*_OF_RFCS, *_OF_TUTORIALS)))
_OCTETS = tuple(
    layer for text in (*_OF_RFCS, *_OF_TUTORIALS) for layer in list(layers(text.encode()))[1:]
)


def _short_digest(octets: bytes) -> bytes:
    return hashlib.sha256(octets).digest()[:_SHORT]


@cache
def _listed() -> frozenset[bytes]:
    """Digests of the secrets in public lists; `.ci/published-secrets` made the file."""
    table = resources.files("gatepass.jose").joinpath("published_secrets.bin").read_bytes()
    return frozenset(table[at : at + _SHORT] for at in range(0, len(table), _SHORT))


@cache
def _digests() -> frozenset[bytes]:
    """The first octets of the common digests of nothing and of common words."""
    words = ("", *WORDS, *PHRASES, "123456", "12345678", "123456789", "qwerty", "hello", "root")
    return frozenset(
        hashlib.new(name, spelling.encode(), usedforsecurity=False).digest()[:_HEAD]
        for name in ("md5", "sha1", "sha224", "sha256", "sha384", "sha512")
        for word in words
        for spelling in (word, word.title(), word.upper())
    )
