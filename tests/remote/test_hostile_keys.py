"""Hostile keys and hostile times: what one bad key, a storm or a failure does to the others."""

import time
import tracemalloc

import pytest

from gatepass.errors import TokenInvalid
from gatepass.jose import SharedKey, sign
from tests.budget import TIMES
from tests.cases import case
from tests.jose.forge import b64
from tests.jose.material import OCTETS, private_jwk_of, private_key, signing_key
from tests.remote.conftest import Connect
from tests.remote.issuer import AUDIENCE, Issuer, reply
from tests.remote.resource import Clock, Resource

MEGABYTE = 1024 * 1024
KEY = signing_key("ES256")


BAD = {
    "not an object": 7,
    "empty": {},
    "unknown kind": {"kty": "XYZ", "kid": "x"},
    "unknown algorithm": KEY.public().to_jwk() | {"kid": "x", "alg": "ES257"},
    "for encryption": signing_key("ES256", 1).public().to_jwk() | {"use": "enc"},
    "off the curve": KEY.public().to_jwk() | {"kid": "x", "y": KEY.public().to_jwk()["x"]},
    "short RSA": {"kty": "RSA", "alg": "RS256", "n": "AQAB", "e": "AQAB", "kid": "x"},
    "long kid": signing_key("ES256", 1).public().to_jwk() | {"kid": "x" * 5000},
    "kid of another type": signing_key("ES256", 1).public().to_jwk() | {"kid": ["x"]},
    "types of types": {"kty": [], "crv": {}, "alg": 7},
}


def test_bad_keys_among_good_ones_cost_only_themselves(issuer: Issuer, connect: Connect) -> None:
    for what, entry in BAD.items():
        issuer.publish(KEY, among=[entry])
        resource = connect()

        with case(what):
            assert resource.verify(issuer.token()).subject == "ada"
            assert len(resource.keys.current().keys) == 1


def test_a_key_with_private_parts_is_not_accepted(issuer: Issuer, resource: Resource) -> None:
    exposed = signing_key("ES256", 1)
    entry = private_jwk_of(private_key("ES256", 1)) | {"kid": exposed.kid, "alg": "ES256"}
    issuer.publish(KEY, among=[entry])

    assert resource.outcome(issuer.token(KEY)) == "ada"
    assert resource.outcome(issuer.token(exposed)) != "ada"


def test_a_shared_key_in_a_jwks_is_never_taken(issuer: Issuer, resource: Resource) -> None:
    entry = {"kty": "oct", "k": b64(OCTETS[:32]), "kid": "shared", "alg": "HS256"}
    shared = SharedKey.from_jwk(entry)
    issuer.publish(KEY, among=[entry])
    claims = {"iss": issuer.name, "aud": AUDIENCE, "sub": "eve", "exp": time.time() + 60}
    forged = sign(claims, shared, typ="at+jwt")

    with pytest.raises(TokenInvalid):
        resource.verify(forged)
    assert len(resource.keys.current().keys) == 1


def test_two_keys_of_one_name_are_both_left_out(issuer: Issuer, resource: Resource) -> None:
    one, other = (signing_key("ES256", n).public().to_jwk() | {"kid": "same"} for n in (1, 2))
    issuer.publish(KEY, among=[one, other])

    assert resource.outcome(issuer.token()) == "ada"
    assert [key.kid for key in resource.keys.current().keys] == [KEY.kid]


def test_of_thousands_of_keys_a_hundred_are_looked_at(issuer: Issuer, resource: Resource) -> None:
    many = [KEY.public().to_jwk() | {"kid": str(number)} for number in range(1000)]
    issuer.publish(signing_key("ES256", 1), among=many)

    assert len(resource.refresh().keys) == 100


def test_a_storm_of_unknown_kids_makes_one_fetch_per_cool_down(
    issuer: Issuer, connect: Connect, clock: Clock
) -> None:
    issuer.publish(KEY)
    resource = connect(cooldown=10)
    assert resource.outcome(issuer.token()) == "ada"
    tokens = [_of_unknown_kid(issuer, number) for number in range(1_000 * TIMES)]
    tracemalloc.start()
    try:
        outcomes = set(resource.outcomes(tokens))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert outcomes == {"keys_unavailable"}
    assert issuer.asked == ["/jwks"]
    assert peak < 64 * MEGABYTE
    clock.now += 11
    outcomes = set(resource.outcomes(tokens))
    assert outcomes <= {"token_invalid", "keys_unavailable"}
    assert issuer.asked == ["/jwks"] * 2
    assert resource.outcome(issuer.token()) == "ada"


def _of_unknown_kid(issuer: Issuer, number: int) -> str:
    claims = {"iss": issuer.name, "aud": AUDIENCE, "sub": "eve", "exp": 2_000_000_000}
    return sign(claims, KEY, typ="at+jwt", kid=f"unknown-{number}")


def test_keys_that_were_good_stay_when_the_issuer_fails(
    issuer: Issuer, resource: Resource, clock: Clock
) -> None:
    issuer.publish(KEY)
    token = issuer.token()
    assert resource.outcome(token) == "ada"
    for script in (reply(b"", "500 Oops"), reply(b"{"), lambda: [b""]):
        issuer.scripts["/jwks"] = script
        clock.now += 3700
        assert resource.outcome(token) == "ada"
    clock.now += 12 * 3600
    assert resource.outcome(token) == "ada"
    clock.now += 12 * 3600

    assert resource.outcome(token) == "keys_unavailable"


@pytest.mark.parametrize("among", [[], [{"kty": "oct", "k": "AAAA"}]])
def test_a_jwks_without_usable_keys_ends_the_old_ones(
    among: list[object], issuer: Issuer, resource: Resource, clock: Clock
) -> None:
    issuer.publish(KEY)
    token = issuer.token()
    assert resource.outcome(token) == "ada"
    issuer.publish(among=among)
    clock.now += 3700

    assert resource.outcome(token) == "keys_unavailable"
