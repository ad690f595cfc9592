"""What issuers publish: key sets, metadata, and for how long an answer holds (pure)."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, NoReturn

import httpx

from gatepass._addresses import is_loopback, parse_address
from gatepass._exchange import ExchangeFailed
from gatepass.errors import KeyRejected, SettingsRejected, TokenMalformed
from gatepass.jose import KeySet, VerificationKey
from gatepass.jose._strict_json import PARSE_ERRORS, decode_header

MAX_SIZE: Final = 256 * 1024
"""Octets of a document at most."""
MAX_KEYS: Final = 100
"""Keys of a set that are looked at, at most."""
_MAX_DIGITS: Final = 20
_LONG: Final = object()
"""An integer that would take long to parse."""
_SHORTEST_S: Final = 60.0
_USUAL_S: Final = 300.0
_MAX_AGE: Final = re.compile(r"(?:^|[,\s])max-age\s*=\s*\"?(\d{1,9})")


def read_jwks(body: bytes, algorithm: str | None) -> tuple[tuple[VerificationKey, ...], int]:
    """The usable public keys of a JWKS (RFC 7517 §5), and how many entries are not used.

    An entry that is not a good public key costs only itself. So do shared keys, and private
    ones, which whoever reads the document now has. What is not listed is not accepted any more,
    even if nothing is left.

    Raises:
        ExchangeFailed: The document is no JWKS at all.
    """
    document = _parse_leniently(body)
    members = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(members, list) or _LONG in members:
        raise ExchangeFailed("the answer is not a JWKS")
    found = [key for jwk in members[:MAX_KEYS] if (key := _find_key(jwk, algorithm)) is not None]
    usable = tuple(_without_doubles(found))
    return usable, len(members) - len(usable)


def key_set(keys: tuple[VerificationKey, ...]) -> KeySet | None:
    """The set of these keys; `None` when there are none."""
    return KeySet(*keys) if keys else None


def read_metadata(body: bytes, issuer: str, source: httpx.URL) -> httpx.URL:
    """The address of the issuer's keys, as its metadata has it (RFC 8414 §2 and §3.3).

    Raises:
        ExchangeFailed: The metadata is of another issuer, or names no address to fetch from.
    """
    metadata = _parse(body)
    if metadata.get("issuer") != issuer:
        raise ExchangeFailed("the metadata is of another issuer")
    try:
        return parse_address(metadata.get("jwks_uri"), may_be_loopback=is_loopback(source))
    except SettingsRejected as error:
        raise ExchangeFailed(f"jwks_uri is refused: {error}") from None


def read_lifetime(headers: Mapping[str, str], longest_s: float) -> float:
    """Seconds for which an answer holds (RFC 9111 §4.2), at least a minute, at most `longest_s`."""
    control = headers.get("cache-control", "").lower()
    found = _MAX_AGE.search(control)
    lifetime_s = float(found[1]) if found else _USUAL_S
    if "no-store" in control or "no-cache" in control:
        lifetime_s = 0
    age = headers.get("age", "")
    if re.fullmatch(r"[0-9]{1,9}", age):
        lifetime_s -= int(age)
    return min(max(lifetime_s, _SHORTEST_S), longest_s)


def _parse(body: bytes) -> dict[str, Any]:
    try:
        return decode_header(body)
    except TokenMalformed:
        raise ExchangeFailed("the answer is not a JSON object") from None


def _parse_leniently(body: bytes) -> object:
    """The JSON in an answer; what is wrong inside one entry is left for that entry to pay."""
    try:
        return json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_unique_or_unusable,
            parse_int=lambda digits: int(digits) if len(digits) <= _MAX_DIGITS else _LONG,
            parse_constant=_refuse_constant,
        )
    except PARSE_ERRORS:
        raise ExchangeFailed("the answer is not a JSON object") from None


def _unique_or_unusable(pairs: list[tuple[str, Any]]) -> object:
    members = dict(pairs)
    return members if len(members) == len(pairs) else None


def _refuse_constant(_name: str) -> NoReturn:
    raise ValueError


def _find_key(jwk: object, algorithm: str | None) -> VerificationKey | None:
    if not isinstance(jwk, Mapping) or jwk.get("kty") == "oct":
        return None
    try:
        key = VerificationKey.from_jwk(jwk, algorithm=algorithm)
        (key.kid or "").encode()  # a lone surrogate is in no token's header
    except (KeyRejected, UnicodeEncodeError):
        return None
    return key


def _without_doubles(keys: Iterable[VerificationKey]) -> Iterable[VerificationKey]:
    """Each key once; of two keys under one name neither, for which was meant is unknown."""
    by_kid: dict[str | None, VerificationKey] = {}
    unclear = set()
    for key in keys:
        other = by_kid.setdefault(key.kid, key)
        if other.thumbprint != key.thumbprint:
            unclear.add(key.kid)
    seen = set()
    for key in by_kid.values():
        if key.kid not in unclear and key.thumbprint not in seen:
            seen.add(key.thumbprint)
            yield key
