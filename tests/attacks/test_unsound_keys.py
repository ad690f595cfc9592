"""Public keys under which anybody can sign: they are no keys, whatever door they come to."""

import base64
import math
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from gatepass.errors import KeyRejected
from gatepass.jose import KeySet, VerificationKey, verify
from tests.cases import case
from tests.jose.forge import b64, compact
from tests.jose.material import RSA, public_jwk_of, rough_number, rsa_key

FIELD = 2**255 - 19
_D = -121665 * pow(121666, -1, FIELD) % FIELD
Point = tuple[int, int]


def _add(one: Point, other: Point) -> Point:
    """The sum of two points of Ed25519, written from RFC 8032 §5.1."""
    (x1, y1), (x2, y2) = one, other
    product = _D * x1 * x2 * y1 * y2
    return (
        (x1 * y2 + x2 * y1) * pow(1 + product, -1, FIELD) % FIELD,
        (y1 * y2 + x1 * x2) * pow(1 - product, -1, FIELD) % FIELD,
    )


def _times(number: int, point: Point) -> Point:
    total = (0, 1)
    for bit in f"{number:b}":
        total = _add(total, total)
        if bit == "1":
            total = _add(total, point)
    return total


def _lift(y: int) -> Point | None:
    """A point with this y, where there is one (RFC 8032 §5.1.3)."""
    square = (y * y - 1) * pow(_D * y * y + 1, -1, FIELD) % FIELD
    x = pow(square, (FIELD + 3) // 8, FIELD)
    for candidate in (x, x * pow(2, (FIELD - 1) // 4, FIELD) % FIELD):
        if candidate * candidate % FIELD == square:
            return candidate, y
    return None


def _small_order_points() -> list[Point]:
    """All eight: multiples of a point from which the large prime order was taken away."""
    large_order = 2**252 + 27742317777372353535851937790883648493
    points = filter(None, map(_lift, range(2, 200)))
    torsion = (_times(large_order, point) for point in points)
    generator = next(point for point in torsion if _times(4, point) != (0, 1))
    return [_times(number, generator) for number in range(8)]


def _spellings() -> dict[str, bytes]:
    """Every text of 32 octets that some library reads as a point of small order."""
    found = {}
    for order, (_, y) in enumerate(_small_order_points()):
        for spelled in (y, y + FIELD):
            for sign in (0, 1):
                if spelled < 2**255:
                    octets = (spelled | sign << 255).to_bytes(32, "little")
                    found[f"{order} times the generator, {octets.hex()[:4]}-{sign}"] = octets
    return found


SPELLINGS = _spellings()


def _spki(octets: bytes) -> str:
    der = bytes.fromhex("302a300506032b6570032100") + octets
    body = base64.b64encode(der).decode()
    return f"-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n"


def test_there_are_eight_points_of_small_order_and_fourteen_spellings_of_them() -> None:
    assert len(set(_small_order_points())) == 8
    assert all(_times(8, point) == (0, 1) for point in _small_order_points())
    assert len(set(SPELLINGS.values())) == 14


@pytest.mark.parametrize("algorithm", ["EdDSA", "Ed25519"])
@pytest.mark.parametrize("name", SPELLINGS)
def test_ed25519_key_of_small_order(name: str, algorithm: str) -> None:
    jwk = {"kty": "OKP", "crv": "Ed25519", "alg": algorithm, "x": b64(SPELLINGS[name])}

    with pytest.raises(KeyRejected):
        VerificationKey.from_jwk(jwk)
    with pytest.raises(KeyRejected):
        VerificationKey.from_pem(_spki(SPELLINGS[name]), algorithm=algorithm)
    with pytest.raises(KeyRejected):
        KeySet.from_jwks({"keys": [jwk]})


def test_ed25519_key_that_is_no_field_element() -> None:
    for y in [FIELD, FIELD + 3, 2**255 - 1]:
        with case(y):
            for sign in (0, 1):
                octets = (y | sign << 255).to_bytes(32, "little")
                with pytest.raises(KeyRejected):
                    VerificationKey.from_jwk({"kty": "OKP", "crv": "Ed25519", "x": b64(octets)})
                with pytest.raises(KeyRejected):
                    VerificationKey.from_pem(_spki(octets))


def test_nobody_signs_for_a_set_that_came_with_a_key_of_small_order() -> None:
    good = ed25519.Ed25519PrivateKey.generate()
    identity = {"kty": "OKP", "crv": "Ed25519", "x": b64(b"\x01" + bytes(31))}
    keys = KeySet.from_jwks({"keys": [identity, public_jwk_of(good)]})
    forged = compact({"alg": "EdDSA"}, b"{}", lambda _: b"\x01" + bytes(63))

    assert len(keys.keys) == 1
    with pytest.raises(Exception, match="invalid"):
        verify(forged, keys)
    assert verify(compact({"alg": "EdDSA"}, b"{}", good.sign), keys).payload == b"{}"


def _product() -> int:
    return rsa_key().public_key().public_numbers().n


MODULI: dict[str, Callable[[], int]] = {
    "even": lambda: _product() - 1,
    "divisible by three": lambda: 3 * _product(),
    "divisible by 4093": lambda: 4093 * _product(),
    "a power of three": lambda: 3**1300,
    "all ones": lambda: 2**2048 - 1,
    "a Mersenne prime": lambda: 2**2203 - 1,
    "two ones": lambda: 2**2047 + 1,
    "a square": lambda: _product() ** 2,
    "a cube": lambda: rough_number(1024) ** 3,
    "a fifth power": lambda: rough_number(500) ** 5,
    "a power of a small number": lambda: 4099 ** (2048 // math.ceil(math.log2(4099)) + 20),
    "a power with a large exponent": lambda: 4099**173,
}


@pytest.mark.parametrize("name", MODULI)
def test_rsa_modulus_that_anybody_can_factor(name: str) -> None:
    modulus = MODULI[name]()
    n = b64(modulus.to_bytes((modulus.bit_length() + 7) // 8))
    assert 2048 <= modulus.bit_length() <= 8192

    for algorithm in RSA:
        jwk = {"kty": "RSA", "alg": algorithm, "e": "AQAB", "n": n}
        with case(algorithm):
            with pytest.raises(KeyRejected):
                VerificationKey.from_jwk(jwk)
            with pytest.raises(KeyRejected):
                KeySet.from_jwks({"keys": [jwk]})


def test_sound_rsa_keys_of_every_size_are_taken() -> None:
    for number in range(3):
        jwk = public_jwk_of(rsa_key(number, size=2048 + 8 * number))

        assert VerificationKey.from_jwk(jwk, algorithm="PS256").algorithm == "PS256"
