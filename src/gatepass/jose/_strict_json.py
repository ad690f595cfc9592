"""JSON as gatepass reads and writes it: one object, UTF-8, no NaN, no surprise exceptions."""

import json
import math
from collections.abc import Mapping
from functools import partial
from typing import Any, NoReturn

import msgspec

from gatepass.errors import ClaimsRejected, TokenMalformed

CLAIMS_DECODER = msgspec.json.Decoder(dict[str, Any])

# The exceptions of every parser on hostile text.
PARSE_ERRORS = (msgspec.MsgspecError, ValueError, RecursionError, MemoryError)
_ENCODE_ERRORS = (*PARSE_ERRORS, TypeError, OverflowError)
_MAX_DIGITS = 20
_LONG_INTEGER = 400
LONG_PAYLOAD = 1024
"""Bytes up to which no number takes long to parse."""
_DIGITS_TO_ZERO = bytes.maketrans(b"123456789", b"000000000")
_LONG_RUN = b"0" * _LONG_INTEGER


class DuplicateName(ValueError):
    """An object has the same name twice (RFC 7515 §4)."""


def decode_claims(payload: bytes) -> dict[str, Any]:
    """The JSON object in a payload; of duplicate names the last counts (RFC 7519 §4)."""
    try:
        if len(payload) > LONG_PAYLOAD:
            require_short_integers(payload)
        return CLAIMS_DECODER.decode(payload)
    except PARSE_ERRORS:
        raise TokenMalformed from None


def require_short_integers(payload: bytes) -> None:
    """Reject, with one of `PARSE_ERRORS`, integers that no float holds: parsing is quadratic."""
    if _LONG_RUN in payload.translate(_DIGITS_TO_ZERO):  # which may be text
        json.loads(payload, parse_int=_payload_int)


def decode_header(octets: bytes) -> dict[str, Any]:
    """The JSON object in a header, in which no name is given twice (RFC 7515 §4)."""
    try:
        header = json.loads(
            octets.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_int=_short_int,
            parse_constant=_refuse_constant,
        )
        json.dumps(header, ensure_ascii=False).encode("utf-8")  # lone surrogates end here
    except PARSE_ERRORS:
        raise TokenMalformed from None
    if not isinstance(header, dict):
        raise TokenMalformed
    return header


def encode_claims(claims: Mapping[str, Any]) -> bytes:
    """Compact JSON of these claims; `enum`, `UUID`, `datetime` and `Decimal` have one too.

    Raises:
        ClaimsRejected: A value has no JSON form; NaN and Infinity have none (RFC 8259 §6).
    """
    try:
        members = claims if claims.__class__ is dict else dict(claims)
        encoded = _encode_json(members)
        if b"null" not in encoded or not _has_non_finite(_to_builtins(members)):
            return encoded
    except _ENCODE_ERRORS:
        pass
    raise ClaimsRejected(_explain(claims))


def _explain(claims: object) -> str:
    """Which claim has no JSON form, and the next step."""
    for name, value in claims.items() if isinstance(claims, Mapping) else ():
        try:
            _encode_json({name: value})
            if _has_non_finite(_to_builtins(value)):
                return f"the claim {name} is NaN or Infinity, which have no JSON form"
        except TypeError as error:
            cure = "write dict(…) of it" if isinstance(value, Mapping) else error
            return f"the claim {name} has no JSON form: {cure}"
        except _ENCODE_ERRORS:
            return f"the claim {name} has no JSON form"
    return "the claims have no JSON form"


def _plain(value: object) -> object:
    """The JSON value of a kind that adds something to one, as Django's `SafeString` does."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int.__int__(value)
    if isinstance(value, float):
        return float.__float__(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"write str(…), or a dict or list of its values, for {type(value).__name__}")


_encode_json = msgspec.json.Encoder(enc_hook=_plain).encode
_to_builtins = partial(msgspec.to_builtins, enc_hook=_plain)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise DuplicateName
    return members


def _short_int(digits: str) -> int:
    """An integer of few digits: parsing takes time that grows with their square."""
    if len(digits) > _MAX_DIGITS:
        raise ValueError
    return int(digits)


def _payload_int(digits: str) -> int:
    if len(digits) > _LONG_INTEGER:
        raise ValueError
    return 0


def _refuse_constant(_name: str) -> NoReturn:
    raise ValueError


def _has_non_finite(value: object) -> bool:
    if isinstance(value, float):
        return not math.isfinite(value)
    if isinstance(value, dict):
        return any(map(_has_non_finite, value.values()))
    return isinstance(value, (list, tuple)) and any(map(_has_non_finite, value))
