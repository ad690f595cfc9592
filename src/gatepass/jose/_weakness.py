"""Secrets that must not become keys: guessable, published, or keys of another kind (pure).

Every check looks at each layer: at the secret, and at the octets inside its base64 or hex.
"""

import math
import re
from collections import Counter
from itertools import pairwise

from gatepass.errors import KeyRejected
from gatepass.jose._key_material import is_key_material, layers, plain_text, text_of
from gatepass.jose._published import PHRASES, RFC_KEYS, WORDS, is_published

MIN_SECRET_LENGTH = 32
_MIN_DISTINCT_OCTETS = 6
_MIN_ENTROPY_BITS = 80
_MIN_ENTROPY_BITS_EACH = 2.5
_MIN_REMAINDER = 12
_MAX_REPEATED = 0.85
_MAX_WALKED = 0.5
_MAX_EVEN_STEPS = 0.5
_MAX_STRIDE = 4
# Characters that are looked at; the head of a longer text must be good enough by itself.
_HEAD = 1024

_RUNS = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiop[]\\",
    "asdfghjkl;'",
    "zxcvbnm,./",
    "qwertzuiop",
    "azertyuiop",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "~!@#$%^&*()_+",
    "0-=",
    "{}|",
    ':"',
    "<>?",
)
_STEPS = {a + b: 1 for run in _RUNS for a, b in pairwise(run)}
_STEPS |= {pair[::-1]: -1 for pair in _STEPS}
_LEET = str.maketrans("@4310$5!7|", "aaeiossiti")
_COMMON = tuple(sorted((*PHRASES, *WORDS), key=len, reverse=True))
_TOKEN_OR_URL = re.compile(r"\beyJ[\w-]{6,}\.|^[A-Za-z][\w+.:-]*://|^\{\s*\"[\w-]+\"\s*:")


def require_strong(secret: str) -> None:
    """Reject a secret that is short, guessable, published, or a key of another kind."""
    if len(secret) < MIN_SECRET_LENGTH:
        message = (
            f"the secret is shorter than {MIN_SECRET_LENGTH} characters: make one with "
            f"`gatepass secret` or secrets.token_urlsafe({MIN_SECRET_LENGTH})"
        )
        raise KeyRejected(message)
    octets = secret.encode("utf-8", "surrogatepass")
    _require_no_key_material(octets)
    if not secret.isascii():
        # A binary key file that was read as text: each character may stand for one octet.
        _require_no_key_material(secret.encode("latin-1", "replace"))
    _require_not_published(octets)
    if _is_guessable_text(secret[:_HEAD]) or any(map(_is_guessable, layers(octets))):
        message = "the secret is guessable: make one with `gatepass secret`"
        raise KeyRejected(message)


def require_strong_octets(octets: bytes, *, allow_rfc_keys: bool = False) -> None:
    """Reject key bytes that are guessable, published, or a key of another kind.

    `allow_rfc_keys` takes those that specifications print as JWKs, for tests with them.
    """
    _require_no_key_material(octets)
    if allow_rfc_keys and octets in RFC_KEYS:
        return
    _require_not_published(octets)
    if any(map(_is_guessable, layers(octets))):
        message = "the key bytes are guessable: use SharedKey.generate"
        raise KeyRejected(message)


def _require_no_key_material(octets: bytes) -> None:
    if any(map(is_key_material, layers(octets))):
        message = "the secret is key material of another kind"
        raise KeyRejected(message)


def _require_not_published(octets: bytes) -> None:
    if any(is_published(layer, text_of(layer)) for layer in layers(octets)):
        message = "the secret is a published example"
        raise KeyRejected(message)


def _is_guessable(octets: bytes) -> bool:
    text = plain_text(octets)
    if text is not None:
        return _is_guessable_text(text[:_HEAD])
    octets = octets[:_HEAD]
    return len(set(octets)) < _MIN_DISTINCT_OCTETS or _is_patterned(octets.decode("latin-1"))


def _is_guessable_text(text: str) -> bool:
    folded = text.strip().casefold()
    return (
        _TOKEN_OR_URL.search(text.strip()) is not None
        or _is_patterned(folded)
        or _walked(folded) >= _MAX_WALKED * len(folded)
        or _has_few_symbols(text)
        or _is_made_of_words(folded)
    )


def _is_patterned(text: str) -> bool:
    """Whether it mostly repeats itself, or mostly goes on by steps of one size."""
    for stride in range(1, _MAX_STRIDE + 1):
        steps = Counter(ord(b) - ord(a) for a, b in zip(text, text[stride:], strict=False))
        if steps and max(steps.values()) > _MAX_EVEN_STEPS * steps.total():
            return True
    return any(
        sum(a == b for a, b in zip(text, text[period:], strict=False))
        >= _MAX_REPEATED * (len(text) - period)
        for period in range(1, min(len(text) // 2, 256) + 1)
    )


def _walked(text: str) -> int:
    """How many characters carry on a walk of at least three along a row or the alphabet."""
    steps = [0 if a == b else _STEPS.get(a + b, math.inf) for a, b in pairwise(text)]
    return sum(
        step != math.inf and step in {before, after}
        for before, step, after in zip([None, *steps], steps, [*steps[1:], None], strict=False)
    )


def _has_few_symbols(text: str) -> bool:
    counts = Counter(text).values()
    entropy = -sum(count * math.log2(count / len(text)) for count in counts)
    return entropy < min(_MIN_ENTROPY_BITS, _MIN_ENTROPY_BITS_EACH * len(text))


def _is_made_of_words(folded: str) -> bool:
    return folded.startswith("django-insecure-") or any(
        _remainder(spelling) < _MIN_REMAINDER for spelling in (folded, folded.translate(_LEET))
    )


def _remainder(folded: str) -> int:
    """Characters that are neither in a common word nor a walk nor the separator before."""
    rest = re.sub(r"[\W_]+", "", folded)
    for word in _COMMON:
        rest = rest.replace(word, "")
    marks = re.sub(r"[^\W_]+", "", folded)
    return len(rest) - _walked(rest) + sum(a != b for a, b in pairwise(" " + marks))
