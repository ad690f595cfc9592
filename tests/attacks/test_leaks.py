"""What a refusal gives away: no token, no secret, no claim, in whatever way it is printed."""

import logging
import pickle
import traceback
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from gatepass.errors import GatepassError
from gatepass.jose import KeySet, SharedKey, SigningKey, VerificationKey, inspect
from gatepass.jose import verify as verify_jws
from tests.attacks.service import Service, reforged
from tests.attacks.target import KEY, NOW, Verify, claims, forged, header
from tests.jose.forge import b64, compact, dumps, hmac_signer, nothing
from tests.jose.material import (
    OCTETS,
    OTHER_SECRET,
    SECRET,
    pem_of,
    private_jwk_of,
    private_key,
    rsa_key,
)

CANARY = "canary-7f3a9c"
TOKENS = {
    "expired": forged(claims(exp=NOW - 1, email=CANARY)),
    "wrong audience": forged(claims(aud=CANARY)),
    "wrong issuer": forged(claims(iss=[CANARY])),
    "wrong subject": forged(claims(sub=[CANARY])),
    "wrong type": forged(claims(), header(typ=CANARY)),
    "unknown name": forged(claims(), header(kid=CANARY)),
    "unknown algorithm": forged(claims(), header(alg=CANARY)),
    "extension": forged(claims(), header(crit=[CANARY])),
    "bad signature": forged(claims(email=CANARY), sign=lambda _: bytes(32)),
    "unsigned": forged(claims(email=CANARY), header(alg="none"), nothing),
    "no claims": forged(f'["{CANARY}"]'),
    "broken claims": forged(f'{{"{CANARY}"'),
    "broken header": compact(f'{{"{CANARY}"', dumps(claims()), hmac_signer(SECRET)),
    "broken text": forged(b'{"sub":"' + CANARY.encode() + b'\xff"}'),
    "padded": forged(claims(email=CANARY)) + "==",
    "no letters": forged(claims(email=CANARY)) + "\ud800\u20ac",
    "too long": forged(claims(email=CANARY * 2000)),
    "no token": CANARY * 4,
}


def _printed(error: BaseException) -> str:
    """Everything that loggers and reporters make of an error."""
    formatter = logging.Formatter()
    return "".join(
        [
            str(error),
            repr(error),
            repr(error.args),
            repr(vars(error)),
            *traceback.format_exception(error),
            formatter.formatException((type(error), error, error.__traceback__)),
        ]
    )


def _gives_nothing_away(call: Callable[[], Any], *secrets: str) -> None:
    with pytest.raises(GatepassError) as refusal:
        call()
    printed = _printed(refusal.value)
    for secret in (CANARY, *secrets):
        for piece in secret.split("."):
            assert len(piece) < 8 or piece[:24] not in printed
    assert refusal.value.code
    assert type(pickle.loads(pickle.dumps(refusal.value))) is type(refusal.value)  # noqa: S301


@pytest.mark.parametrize("name", TOKENS)
def test_refused_token_is_not_in_the_error(verify: Verify, name: str) -> None:
    token = TOKENS[name]

    _gives_nothing_away(lambda: verify(token), token.replace("\ud800", ""))


@pytest.mark.parametrize("name", ["no token", "padded", "no letters", "too long", "broken header"])
def test_malformed_token_is_not_in_the_error(name: str) -> None:
    _gives_nothing_away(lambda: verify_jws(TOKENS[name], KEY))
    _gives_nothing_away(lambda: inspect(TOKENS[name]))


def test_refused_secret_is_not_in_the_error() -> None:
    pem = pem_of(private_key("ES256")).decode()
    for secret in (CANARY, CANARY * 5, pem, b64(pem), f"{SECRET}\ud800", f"{CANARY}password" * 3):
        _gives_nothing_away(partial(SharedKey.from_secret, secret))
    for octets in (CANARY.encode(), pem.encode(), OCTETS[:31]):
        jwk = {"kty": "oct", "alg": "HS512", "k": b64(octets)}
        _gives_nothing_away(partial(SharedKey.from_bytes, octets), octets.hex())
        _gives_nothing_away(partial(SharedKey.from_jwk, jwk), jwk["k"])


def test_refused_private_key_is_not_in_the_error() -> None:
    pem = pem_of(rsa_key()).decode()
    locked = SigningKey.from_pem(pem, algorithm="RS256").to_pem(password=b"another")
    wrong = partial(SigningKey.from_pem, password=CANARY.encode())
    for load, text in (
        (SigningKey.from_pem, pem),
        (partial(SigningKey.from_pem, algorithm="ES256"), pem),
        (partial(SigningKey.from_pem, algorithm="RS256"), pem[:-60]),
        (partial(wrong, algorithm="RS256"), locked),
        (VerificationKey.from_pem, pem),
    ):
        _gives_nothing_away(partial(load, text), text.splitlines()[3])
    good = private_jwk_of(private_key("ES256"))
    for bent in ({"d": good["d"] + "="}, {"d": good["d"][:-4]}, {"x": good["y"]}, {"crv": "P-384"}):
        jwk = {**good, **bent}
        _gives_nothing_away(partial(SigningKey.from_jwk, jwk), good["d"], good["y"])
        _gives_nothing_away(partial(KeySet.from_jwks, {"keys": [jwk]}), good["d"], good["y"])


def test_refused_refresh_token_is_not_in_the_error_or_the_log(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    pair = service.issue()
    forged_sec = reforged(pair.refresh_token, OTHER_SECRET, sec=CANARY)
    ahead = reforged(pair.refresh_token, OTHER_SECRET, gen=3)
    _gives_nothing_away(lambda: service.refresh(forged_sec), forged_sec)
    _gives_nothing_away(lambda: service.refresh(pair.access_token), pair.access_token)
    following = service.refresh(ahead)
    service.now += 60
    _gives_nothing_away(lambda: service.refresh(pair.refresh_token), pair.refresh_token)
    _gives_nothing_away(lambda: service.refresh(following.refresh_token), following.refresh_token)
    _gives_nothing_away(lambda: service.verify(following.access_token), following.access_token)

    assert caplog.records  # alarms were raised
    for token in (pair.access_token, pair.refresh_token, forged_sec, ahead, CANARY):
        assert all(piece[:24] not in caplog.text for piece in token.split(".") if len(piece) > 7)
    for shown in (repr(pair), str(following)):
        assert "eyJ" not in shown
