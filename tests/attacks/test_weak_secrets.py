"""Secrets that somebody guesses: known, patterned or made of words, and wrapped to look random."""

import base64
import hashlib
import itertools
import random
import string
from collections.abc import Callable

import pytest

from gatepass.errors import KeyRejected
from gatepass.jose import SharedKey, sign, verify
from tests.budget import TIMES
from tests.cases import case
from tests.jose.forge import b64

WRAPPERS: dict[str, Callable[[bytes], str]] = {
    "base64": lambda octets: base64.b64encode(octets).decode(),
    "url-safe base64": b64,
    "base64 in lines": lambda octets: base64.encodebytes(octets).decode(),
    "base64 of base64": lambda octets: base64.b64encode(base64.b64encode(octets)).decode(),
    "base64 marked as such": lambda octets: "base64:" + base64.b64encode(octets).decode(),
    "base64 of hex": lambda octets: base64.b64encode(octets.hex().encode()).decode(),
    "hex": bytes.hex,
    "upper-case hex": lambda octets: octets.hex().upper(),
    "hex after 0x": lambda octets: "0x" + octets.hex(),
    "hex of base64": lambda octets: base64.b64encode(octets).hex(),
}
WEAK = {
    "password": b"password" * 4,
    "changeme": b"changeme" * 4,
    "qwertyui": b"qwertyui" * 4,
    "words": b"mysupersecretkeythatnobodyknows1",
    "a sentence": b"This is a very secret key for JWT",
    "an example": b"your-256-bit-secret-your-256-bit-secret",
    "leetspeak": b"MyS3cr3tK3yF0rJWTT0k3nG3n3r4t10n!!",
    "the alphabet": b"abcdefghijklmnopqrstuvwxyz123456",
    "from nought": bytes(range(32)),
    "from one": bytes(range(1, 33)),
    "by threes": bytes(range(0, 96, 3)),
    "backwards": bytes(range(255, 191, -1)),
    "two that alternate": bytes(itertools.chain(*zip(range(32), range(99, 131), strict=True))),
    "zeros": bytes(32),
    "one octet": b"a" * 32,
    "short, filled up with zeros": b"mysecret".ljust(32, b"\0"),
    "in UTF-16": "mysupersecretkeythatnobodyknows1".encode("utf-16"),
}
A_1 = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"
KNOWN = (
    "404E635266556A586E3272357538782F413F4428472B4B6250645367566B5970",
    "413F4428472B4B6250645367566B5970337336763979244226452948404D6351",
    "3cfa76ef14937c1c0ea519f8fc057a80fcd04a7420f8e8bcd0a7567c272e007b",
    "357638792F423F4428472B4B6250655368566D597133743677397A2443264629",
    "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
    A_1,
)
SAYINGS = (
    "mysupersecretkeythatnobodyknows1",
    "ThisIsMySuperSecretKeyThatNobodyShouldKnow",
    "MyS3cr3tK3yF0rJWTT0k3nG3n3r4t10n!!",
    "p@ssw0rdp4ssw0rdP@55w0rdpassw0rd!",
    "a-valid-string-secret-that-is-at-least-512-bits-long-which-is-very-long",
    "secret_key_for_jwt_token_generation_hs256_algorithm",
    "my-32-character-ultra-secure-and-ultra-long-secret",
    "thequickbrownfoxjumpsoverthelazydog",
    "TheQuickBrownFoxJumpsOverTheLazyDog123",
    "the quick brown fox jumps over the lazy dog",
    "Lorem ipsum dolor sit amet, consectetur adipiscing elit",
    "NEVER_GONNA_GIVE_YOU_UP_NEVER_GONNA_LET_YOU_DOWN",
    "deadbeefcafebabefeedfacebaadf00d",
    "123e4567-e89b-12d3-a456-426614174000",
    "31415926535897932384626433832795",
)
WALKS = (
    "acegikmoqsuwybdfhjlnprtvxzACEGIKMO",
    "a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6",
    "1a2b3c4d5e6f7g8h9i0j1k2l3m4n5o6p7q",
    "00112233445566778899aabbccddeeff",
    "!@#$%^&*()_+{}|:\"<>?~`-=[]\\;',./",
    "Zxcvbnm,./Asdfghjkl;'Qwertyuiop[]",
)
PLACES = (
    "https://login.example.com/oauth2/default",
    "postgres://user:pass@localhost:5432/mydatabase",
    "jdbc:postgresql://db.internal:5432/warehouse",
)


def _secret_is_refused(secret: str) -> None:
    with pytest.raises(KeyRejected) as refusal:
        SharedKey.from_secret(secret)
    assert secret not in str(refusal.value)


def _octets_are_refused(octets: bytes) -> None:
    with pytest.raises(KeyRejected):
        SharedKey.from_bytes(octets)
    with pytest.raises(KeyRejected):
        SharedKey.from_jwk({"kty": "oct", "alg": "HS256", "k": b64(octets)})


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_weak_secret_in_a_wrapper(wrapper: str) -> None:
    for name, weak in WEAK.items():
        wrapped = WRAPPERS[wrapper](weak)

        with case(name):
            _secret_is_refused(wrapped)
            _octets_are_refused(wrapped.encode())


@pytest.mark.parametrize("name", WEAK)
def test_weak_secret_as_key_bytes_and_as_jwk(name: str) -> None:
    _octets_are_refused(WEAK[name])


@pytest.mark.parametrize("secret", KNOWN)
def test_known_key_in_every_spelling(secret: str) -> None:
    octets = bytes.fromhex(secret) if len(secret) == 64 else base64.urlsafe_b64decode(secret + "==")
    _secret_is_refused(secret)
    _secret_is_refused(f"prefix-{secret}-suffix")
    for wrap in WRAPPERS.values():
        _secret_is_refused(wrap(octets))
        _secret_is_refused(wrap(secret.encode()))
    with pytest.raises(KeyRejected, match="published"):
        SharedKey.from_bytes(octets)


def test_key_of_rfc_7515_is_taken_as_jwk_alone() -> None:
    key = SharedKey.from_jwk({"kty": "oct", "alg": "HS256", "k": A_1})

    assert verify(sign(b"{}", key), key).payload == b"{}"
    with pytest.raises(KeyRejected, match="published"):
        SharedKey.from_jwk({"kty": "oct", "alg": "HS256", "k": b64(A_1)})


@pytest.mark.parametrize("word", ["", "password", "secret", "changeme", "Admin", "123456"])
@pytest.mark.parametrize("name", ["md5", "sha1", "sha256", "sha512"])
def test_digest_of_a_common_word(name: str, word: str) -> None:
    digest = hashlib.new(name, word.encode(), usedforsecurity=False).digest()

    for secret in (digest.hex(), digest.hex().upper(), base64.b64encode(digest).decode() * 2):
        if len(secret) >= 32:
            _secret_is_refused(secret)
    _secret_is_refused(digest.hex()[:32])
    if len(digest) >= 32:
        _octets_are_refused(digest)


def test_secret_that_everybody_would_try() -> None:
    for secret in [*SAYINGS, *WALKS, *PLACES]:
        with case(secret):
            _secret_is_refused(secret)
            _octets_are_refused(secret.encode())
            _secret_is_refused(base64.b64encode(secret.encode()).decode())


def test_token_as_secret() -> None:
    token = sign({"sub": "alice"}, SharedKey.generate())

    _secret_is_refused(token)
    _secret_is_refused(f"Bearer {token}")
    _secret_is_refused("".join(token.split(".")[:2]))
    _octets_are_refused(token.encode())


# Short words in the manner of lists for rolling dice; some contain what counts as guessable.
DICE_WORDS = (
    "acid acorn agent alias alley amber angle ankle apple apron arena armor atlas attic bacon "
    "badge baker banjo barn basil beach bison blaze board bonus boxer brick broom cabin cable "
    "camel canal candy cargo cedar chalk chess cider cliff cloth cobra cocoa comet coral crane "
    "crust cubic daisy delta denim depot diner dodge dough dragon drift eagle earth ebony elbow "
    "ember enjoy envoy fable fauna ferry fiber fig flint flute fossil frost gamma ghost glade "
    "goose grape gravy grove habit harp hazel heron hinge honey hotel house igloo index inlet "
    "ivory jelly jewel jockey juice kayak kiosk kite koala lapel laser lemon lilac linen llama "
    "lotus lunar mango maple marsh medal melon mocha monkey moose mural nacho nickel noble north "
    "nutmeg oasis ocean olive onion opera orbit otter oxide panda parka pearl pedal phone piano "
    "pilot plaza plume poker polar prism puppy quail quartz quilt radio raven relay rhino river "
    "robin rover ruby saddle salad satin sauna scarf sedan shore sierra silk slate snail solar "
    "spice spoon squid stork sugar swan tango thorn tiger toast topaz torch trout tulip tundra "
    "turban ultra umber union user valley vapor velvet verse viola visor wagon walnut whale wheat "
    "willow yacht zebra zinc"
).split()


def _phrase(rng: random.Random) -> str:
    words, separator = rng.sample(DICE_WORDS, 6), rng.choice([" ", "-", "", "."])
    while len(separator.join(words)) < 32:
        words.append(rng.choice(DICE_WORDS))
    return separator.join(words)


RANDOM: dict[str, Callable[[random.Random], str]] = {
    "hex": lambda rng: rng.randbytes(16).hex(),
    "long hex": lambda rng: rng.randbytes(32).hex().upper(),
    "base64": lambda rng: base64.b64encode(rng.randbytes(32)).decode(),
    "url-safe base64": lambda rng: b64(rng.randbytes(24)),
    "base32": lambda rng: base64.b32encode(rng.randbytes(20)).decode(),
    "letters and digits": lambda rng: "".join(
        rng.choices(string.ascii_letters + string.digits, k=32)
    ),
    "small letters": lambda rng: "".join(rng.choices(string.ascii_lowercase, k=32)),
    "digits": lambda rng: "".join(rng.choices(string.digits, k=48)),
    "printable": lambda rng: "".join(rng.choices(string.printable[:94], k=32)),
    "punctuation": lambda rng: "".join(rng.choices(string.punctuation, k=32)),
    "words": _phrase,
}


@pytest.mark.parametrize("alphabet", RANDOM)
def test_random_secret_is_never_taken_for_a_guessable_one(alphabet: str) -> None:
    rng = random.Random(alphabet)
    for _ in range(50 * TIMES):
        SharedKey.from_secret(RANDOM[alphabet](rng))


def test_random_octets_are_never_taken_for_guessable_ones() -> None:
    rng = random.Random("octets")
    for _ in range(50 * TIMES):
        SharedKey.from_bytes(rng.randbytes(32))


def test_random_secret_that_is_mostly_punctuation() -> None:
    SharedKey.from_secret(r"hDNN/9@`'\M,,]m($~?(b.$&#p1o+<](")
