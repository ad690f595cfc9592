"""Texts, headers and payloads: no changed token is accepted, no foreign exception gets out."""

import base64
import binascii
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepass.errors import GatepassError, TokenError, TokenExpired, TokenMalformed
from gatepass.jose import KeySet, inspect, verify
from gatepass.jose._base64url import decode, encode
from tests.attacks.target import (
    AUDIENCE,
    HEADER,
    ISSUER,
    KEY,
    NOW,
    SIGN,
    claims,
    forged,
    verify_async,
    verify_sync,
)
from tests.fuzz.strategies import CLAIM_CHANGES, HEADERS, changed, json_text
from tests.jose.forge import compact, parts
from tests.jose.material import ALGORITHMS, any_key, raw_signer

SIGNED = {
    name: forged(claims(), {"alg": name, "typ": "at+jwt"}, raw_signer(name)) for name in ALGORITHMS
}
KEYS = {name: KeySet(any_key(name)) for name in ALGORITHMS}


@given(text=st.text() | st.text("ABCQgw01-_.="), octets=st.binary())
def test_any_text_is_refused_with_our_own_error(text: str, octets: bytes) -> None:
    for value in (text, octets.decode("latin-1"), f"{text}.{text}.{text}"):
        for read in (lambda value: verify(value, KEY), inspect, verify_sync, verify_async):
            try:
                accepted = read(value)
            except GatepassError:
                continue
            assert read is inspect
            assert accepted


@given(data=st.data(), name=st.sampled_from(ALGORITHMS))
def test_changed_token_is_refused(data: st.DataObject, name: str) -> None:
    good = SIGNED[name]
    text = data.draw(changed(good))

    if text == good:
        assert verify_sync(text, KEYS[name]).subject == "alice"
        return
    with pytest.raises(TokenError):
        verify(text, KEYS[name])
    with pytest.raises(TokenError):
        verify_sync(text, KEYS[name])
    with pytest.raises(TokenError):
        verify_async(text, KEYS[name])


@given(data=st.data(), name=st.sampled_from(ALGORITHMS), other=st.sampled_from(ALGORITHMS))
def test_spliced_token_is_refused(data: st.DataObject, name: str, other: str) -> None:
    segments = [*SIGNED[name].split("."), *SIGNED[other].split("."), "", "e30"]
    text = ".".join(data.draw(st.lists(st.sampled_from(segments), min_size=2, max_size=4)))

    if text != SIGNED[name]:
        with pytest.raises(TokenError):
            verify(text, KEYS[name])


def _strict_header(octets: bytes) -> dict[str, Any] | None:
    """What RFC 7515 §4 reads in a header, or nothing; written without gatepass."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({name for name, _ in pairs}) != len(pairs):
            raise ValueError
        return dict(pairs)

    def refuse(_: str) -> None:
        raise ValueError

    try:
        header = json.loads(octets.decode(), object_pairs_hook=unique, parse_constant=refuse)
        json.dumps(header, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return header if isinstance(header, dict) else None


@given(data=st.data(), header=HEADERS, honest=st.booleans())
def test_header_is_accepted_only_for_the_keys_algorithm(
    data: st.DataObject, header: dict[str, Any], *, honest: bool
) -> None:
    octets = data.draw(json_text((HEADER | header) if honest else header))
    token = compact(octets, b"{}", SIGN)

    read = _strict_header(octets)
    try:
        accepted = verify(token, KEY).header
    except TokenError:
        return
    assert read is not None
    assert accepted == read == inspect(token).header
    assert read["alg"] == "HS256"
    assert "kid" not in read
    assert not {"crit", "b64", "zip"} & set(read)
    assert isinstance(read.get("typ", ""), str)


def _is_time(value: object) -> bool:
    if isinstance(value, bool):
        return False
    return isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))


def _is_good(payload: bytes) -> bool:
    """Whether these claims may pass, by design section 6; written without gatepass."""
    try:
        read = json.loads(payload.decode(), parse_constant=float)
        json.dumps(read, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        return False
    if not isinstance(read, dict):
        return False
    audience = read.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    return (
        read.get("iss") == ISSUER
        and AUDIENCE in audiences
        and all(isinstance(each, str) for each in audiences)
        and isinstance(read.get("sub"), str)
        and _is_time(read.get("exp"))
        and read["exp"] > NOW
        and _is_time(read.get("iat", 0))
        and _is_time(read.get("nbf", 0))
        and read.get("nbf", 0) <= NOW
        and isinstance(read.get("jti", ""), str)
        and isinstance(read.get("sid", ""), str)
    )


@given(data=st.data(), changes=CLAIM_CHANGES)
def test_claims_are_accepted_only_when_they_are_good(
    data: st.DataObject, changes: dict[str, Any]
) -> None:
    payload = data.draw(json_text(claims(**changes)))
    token = forged(payload)

    for read in (verify_sync, verify_async):
        try:
            subject: str | None = read(token).subject
        except TokenMalformed:  # msgspec is stricter than json in what it calls a number
            continue
        except TokenError:
            subject = None
        assert (subject is not None) is _is_good(payload)


@given(expiry=st.integers(-(10**12), 10**12) | st.floats(-1e12, 1e12))
def test_expiry_is_told_from_the_number_alone(expiry: float) -> None:
    token = forged(claims(exp=expiry))

    if expiry > NOW:
        assert verify_sync(token).expires_at == expiry
    else:
        with pytest.raises(TokenExpired):
            verify_sync(token)


@given(data=st.data(), octets=st.binary(max_size=40))
def test_base64url_has_one_spelling(data: st.DataObject, octets: bytes) -> None:
    good = encode(octets)
    assert decode(good) == octets == base64.urlsafe_b64decode(good + b"=" * (-len(good) % 4))

    text = data.draw(changed(good.decode())).encode("utf-8", "replace")
    try:
        read = decode(text)
    except TokenMalformed:
        return
    assert encode(read) == text
    with pytest.raises((TokenMalformed, binascii.Error)):
        decode(text + b"=")


@given(bit=st.integers(0), name=st.sampled_from(ALGORITHMS))
def test_flipped_bit_of_a_signature_is_refused(bit: int, name: str) -> None:
    token = SIGNED[name]
    signature = parts(token)[2]
    flipped = int.from_bytes(signature) ^ (1 << bit % (len(signature) * 8))
    bent = encode(flipped.to_bytes(len(signature))).decode()

    with pytest.raises(TokenError):
        verify(f"{token.rpartition('.')[0]}.{bent}", KEYS[name])
