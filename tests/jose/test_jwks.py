"""Key sets as RFC 7517 allows them, which entries are left out of them, and why."""

from typing import Any

import pytest

from gatepass.errors import KeyRejected, TokenInvalid
from gatepass.jose import KeySet, SharedKey, sign, verify
from tests.jose.forge import b64, compact
from tests.jose.material import (
    OCTETS,
    private_key,
    public_jwk_of,
    raw_signer,
    rsa_key,
    signing_key,
)

EC, RSA = public_jwk_of(private_key("ES256")), public_jwk_of(rsa_key())
OCT = {"kty": "oct", "alg": "HS256", "k": b64(OCTETS)}


def token(algorithm: str, kid: str | None) -> str:
    header = {"alg": algorithm} | ({} if kid is None else {"kid": kid})
    return compact(header, b"{}", raw_signer(algorithm))


LEGAL: dict[str, tuple[list[dict[str, Any]], set[tuple[str, str]]]] = {
    "keys of two kinds that are alternatives (RFC 7517 §4.5)": (
        [EC | {"kid": "a"}, RSA | {"kid": "a", "alg": "RS256"}],
        {("ES256", "a"), ("RS256", "a")},
    ),
    "one key of Keycloak's for two algorithms": (
        [RSA | {"kid": "a", "alg": "RS256"}, RSA | {"kid": "a", "alg": "PS256"}],
        {("RS256", "a"), ("PS256", "a")},
    ),
    "a key for signatures and the same for encryption": (
        [EC | {"kid": "a"}, EC | {"kid": "a", "use": "enc", "alg": "ECDH-ES"}],
        {("ES256", "a")},
    ),
    "one key under two names": (
        [EC | {"kid": "a"}, EC | {"kid": "b"}],
        {("ES256", "a"), ("ES256", "b")},
    ),
    "the same entry twice": ([EC | {"kid": "a"}] * 2, {("ES256", "a")}),
    "members that are null": (
        [EC | dict.fromkeys(("use", "key_ops", "alg", "d", "k", "n", "x5c"), None) | {"kid": "a"}],
        {("ES256", "a")},
    ),
    "a kid that is null": ([EC | {"kid": None}], {("ES256", signing_key("ES256").kid or "")}),
}


@pytest.mark.parametrize("what", LEGAL)
def test_legal_key_sets_are_taken_and_every_name_of_a_key_counts(what: str) -> None:
    entries, names = LEGAL[what]

    keys = KeySet.from_jwks({"keys": entries})

    assert {(key.algorithm, key.kid) for key in keys.keys} == names
    for algorithm, kid in names:
        assert verify(token(algorithm, kid), keys).payload == b"{}"
        assert verify(token(algorithm, None), keys).payload == b"{}"


def test_a_key_that_signs_has_one_name() -> None:
    """A rotation to the same key under another name would change nothing."""
    renamed = type(signing_key("ES256")).from_pem(signing_key("ES256").to_pem(), kid="2027")

    for again in (renamed, renamed.public()):
        with pytest.raises(KeyRejected, match="the same private or shared key twice"):
            KeySet(signing_key("ES256")).rotate(again)
    with pytest.raises(KeyRejected, match="the same private or shared key twice"):
        KeySet(signing_key("ES256").public(), renamed)


@pytest.mark.parametrize("broken", [{"y": EC["x"]}, {"x": None}, {"key_ops": ["sign"]}])
def test_a_broken_key_under_the_name_of_a_good_one_makes_the_name_unclear(broken: Any) -> None:
    named = EC | {"kid": "a", "alg": "ES256"}

    for entries in ([named, named | broken], [named | broken, named]):
        with pytest.raises(KeyRejected, match="same kid and algorithm"):
            KeySet.from_jwks({"keys": entries})
        other = named | broken | {"use": "enc"}
        assert KeySet.from_jwks({"keys": [named, other]}).primary.kid == "a"


def test_a_key_with_two_names_is_left_out_with_both() -> None:
    other = signing_key("ES256", 1)
    entries = [other.public().to_jwk(), EC | {"kid": "a"}, EC | {"kid": "b"}]
    keys = KeySet.from_jwks({"keys": entries})

    rest = keys.without("a")

    assert [key.kid for key in rest.keys] == [other.kid]
    for kid in ("a", "b", None):
        with pytest.raises(TokenInvalid):
            verify(token("ES256", kid), rest)


def test_a_second_name_does_not_leave_the_primary_out() -> None:
    keys = KeySet.from_jwks({"keys": [EC | {"kid": "a"}, EC | {"kid": "b"}]})

    with pytest.raises(KeyRejected):
        keys.without("b")


def test_a_key_under_many_names_uses_up_one_attempt_of_a_token_without_name() -> None:
    many = [EC | {"kid": str(number)} for number in range(20)]
    keys = KeySet.from_jwks({"keys": [*many, signing_key("ES256", 1).public().to_jwk()]})

    assert verify(sign(b"{}", signing_key("ES256", 1), kid=None), keys).payload == b"{}"


def test_shared_keys_are_taken_only_where_they_are_asked_for() -> None:
    with pytest.raises(KeyRejected, match=r"a shared key .*accept_shared_keys=True"):
        KeySet.from_jwks({"keys": [OCT]})
    beside = KeySet.from_jwks({"keys": [OCT, EC]})

    assert [key.algorithm for key in beside.keys] == ["ES256"]
    with pytest.raises(TokenInvalid):
        verify(token("HS256", None), beside)
    taken = KeySet.from_jwks({"keys": [OCT]}, accept_shared_keys=True)
    assert verify(token("HS256", None), taken).payload == b"{}"


REASONS: dict[str, tuple[list[Any], str]] = {
    "RSA without algorithm": ([RSA], "an RSA key that names no algorithm: pass algorithm="),
    "shared without algorithm": ([{"kty": "oct", "k": b64(OCTETS)}], "a shared key"),
    "encryption": ([EC | {"use": "enc"}], "the JWK's use is not sig"),
    "another curve": ([{"kty": "EC", "crv": "secp256k1"}], "a kind or curve that no algorithm"),
    "another algorithm": ([RSA | {"alg": "RSA-OAEP"}], "the algorithm is not one of"),
    "no object": ([7], "not one JSON object"),
    "short": ([public_jwk_of(rsa_key(size=1024)) | {"alg": "RS256"}], "2048"),
    "a use without a hash": ([EC | {"use": ["sig"]}, EC | {"use": {}}], "the JWK's use is not sig"),
    "several": ([RSA, RSA | {"kid": "b"}, 7], r"pass algorithm= \(2 entries\); an entry that"),
    "many": (
        [RSA, {}, 7, EC | {"use": "enc"}, RSA | {"alg": "none"}, EC | {"kid": 5}],
        "and 2 more entries",
    ),
    "none": ([], "it is empty .*JWT_ACCESS_SECRET.*GATEPASS_KEY_FILE"),
}


@pytest.mark.parametrize("what", REASONS)
def test_a_set_without_a_usable_key_says_why(what: str) -> None:
    entries, why = REASONS[what]

    with pytest.raises(KeyRejected, match=f"no usable key: .*{why}"):
        KeySet.from_jwks({"keys": entries})


def test_a_token_of_a_key_that_was_left_out_is_rejected_with_the_reason() -> None:
    keys = KeySet.from_jwks({"keys": [EC, RSA | {"kid": "a"}]})

    with pytest.raises(TokenInvalid, match="left out of the JWKS: an RSA key that names no algo"):
        verify(token("RS256", "a"), keys)


def test_a_shared_key_of_a_secret_has_the_name_it_is_given() -> None:
    secret = "c9V-3xqLr7_TzWk0hYbN5sGfJ2uPmE8aXoRd"
    old, new = (
        SharedKey.from_secret(each, kid=name) for each, name in ((secret, "1"), (secret[::-1], "2"))
    )

    keys = KeySet(new, old)

    assert verify(sign(b"{}", keys), keys).header["kid"] == "2"
    assert verify(sign(b"{}", old), keys).header["kid"] == "1"


@pytest.mark.parametrize(
    ("kid", "why"),
    [
        (5, "a kid is a text, and not int"),
        ("", "1 to 256 characters, and not 0"),
        ("x" * 300, "1 to 256 characters, and not 300"),
        ("\ud800", "no UTF-8 form"),
    ],
)
def test_a_name_that_no_header_can_hold_is_rejected(kid: Any, why: str) -> None:
    key = signing_key("ES256")
    makers = (
        lambda: type(key).from_pem(key.to_pem(), kid=kid),
        lambda: type(key.public()).from_pem(key.public().to_pem(), kid=kid),
        lambda: type(key.public()).from_jwk(EC | {"kid": kid}),
        lambda: SharedKey.from_bytes(OCTETS, kid=kid),
        lambda: SharedKey.from_secret(b64(OCTETS), kid=kid),
    )
    for make in makers:
        with pytest.raises(KeyRejected, match=why):
            make()
