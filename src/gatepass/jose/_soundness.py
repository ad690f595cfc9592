"""Public keys that give themselves away: RSA moduli that factor, Ed25519 points of small order."""

import math
from typing import Final

from gatepass.errors import KeyRejected

MIN_RSA_BITS: Final = 2048
MAX_RSA_BITS: Final = 8192
# A verification costs in proportion to it. OpenSSL draws the same line above 3072 bits.
MAX_EXPONENT_BITS: Final = 64
_TRIED_BITS = 12
_FIRST_PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61)
_PRIMES = _FIRST_PRIMES + tuple(
    number
    for number in range(67, 1 << _TRIED_BITS)
    if math.gcd(number, math.prod(_FIRST_PRIMES)) == 1
)
_PRODUCT = math.prod(_PRIMES)
_EXACT_BITS = 50

# Keys of the flawed generator have, modulo each of these primes, a power of 65537 (ROCA,
# CVE-2017-15361); a sound key passes for one with probability below 2**-27.
_ROCA_PRIMES = (11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157)

# The field of Ed25519, and the y of its eight points of small order (RFC 8032 §5.1): of order 1,
# 2, 4 (two points) and 8 (four). Two points that differ in the sign of x share their y.
_FIELD = 2**255 - 19
_ORDER_8 = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
_SMALL_ORDER = frozenset({1, _FIELD - 1, 0, _ORDER_8, _FIELD - _ORDER_8})


def require_sound_rsa(modulus: int, exponent: int) -> None:
    """Reject a modulus that is small, huge or trivial to factor, and a useless or huge exponent."""
    bits = modulus.bit_length()
    is_usable = exponent > 1 and exponent % 2 == 1 and exponent.bit_length() <= MAX_EXPONENT_BITS
    if not MIN_RSA_BITS <= bits <= MAX_RSA_BITS or not is_usable:
        message = (
            f"RSA keys have {MIN_RSA_BITS} to {MAX_RSA_BITS} bits, and an odd exponent above 1 "
            f"of at most {MAX_EXPONENT_BITS} bits, here"
        )
        raise KeyRejected(message)
    if all(_is_power_of_65537(modulus % prime, prime) for prime in _ROCA_PRIMES):
        message = "the RSA key comes from a generator with a known flaw (CVE-2017-15361)"
        raise KeyRejected(message)
    # Of a product of random primes about half the bits are set; 2**2203 - 1 is a prime.
    is_round = not bits < 4 * modulus.bit_count() < 3 * bits
    if is_round or math.gcd(modulus, _PRODUCT) != 1 or _is_perfect_power(modulus, bits):
        message = "the RSA modulus is trivial to factor"
        raise KeyRejected(message)


def require_sound_ed25519(octets: bytes) -> None:
    """Reject a point of small order, for which anybody can sign, and one in another spelling.

    RFC 8032 §5.1.3 rejects y that are no field elements; libraries take them.
    """
    y = int.from_bytes(octets, "little") & ~(1 << 255)
    if y >= _FIELD or y in _SMALL_ORDER:
        message = "the Ed25519 key is a point of small order or not in its one spelling"
        raise KeyRejected(message)


def _is_power_of_65537(residue: int, prime: int) -> bool:
    power = 1
    for _ in range(prime):
        if power == residue:
            return True
        power = power * 65537 % prime
    return False


def _is_perfect_power(number: int, bits: int) -> bool:
    """Whether it is a power of a number without small factors."""
    exponents = (prime for prime in _PRIMES if prime <= bits // _TRIED_BITS)
    return any(_root(number, k) ** k == number for k in exponents)


def _root(number: int, k: int) -> int:
    """The k-th root, rounded down: Newton's method from above, from a float's precision."""
    whole, rest = divmod(math.log2(number) / k, 1)
    guess = int(2 ** (rest + _EXACT_BITS)) + (1 << 10)
    shift = int(whole) - _EXACT_BITS
    root = guess << shift if shift > 0 else (guess >> -shift) + 1
    while (better := ((k - 1) * root + number // root ** (k - 1)) // k) < root:
        root = better
    return root
