"""The documents of issuers: key sets, metadata, and the lifetime of an answer. Pure."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, NoReturn

import httpx

from gatepass._addresses import is_loopback, parse_address
from gatepass._exchange import ExchangeFailed
from gatepass.errors import KeyRejected, SettingsRejected, TokenMalformed
from gatepass.jose import ALGORITHMS, Key, KeySet, VerificationKey
from gatepass.jose._entries import Entries, read_entries
from gatepass.jose._strict_json import PARSE_ERRORS, decode_header
from gatepass.jose.keyset import KeysWanted

MAX_SIZE: Final = 256 * 1024
"""The largest document, in octets."""
MAX_KEYS: Final = 100
"""The most entries of a key set that are read."""
_MAX_DIGITS: Final = 20
_LONG: Final = object()
"""Stands for an integer that would take long to parse."""
_SHORTEST_S: Final = 60.0
_USUAL_S: Final = 300.0
_PUBLIC: Final = frozenset(name for name, row in ALGORITHMS.items() if row.kty != "oct")
_MAX_AGE: Final = re.compile(r"(?:^|[,\s])max-age\s*=\s*\"?(\d{1,9})")


class FetchedKeySet(KeySet):
    """Keys of an issuer that may have published more since: a missing `kid` calls for a fetch."""

    __slots__ = ("_want", "as_fetched")

    def __init__(self, as_fetched: KeySet, want: Callable[[], KeysWanted]) -> None:
        super().__init__(*as_fetched.keys)
        self.as_fetched = as_fetched
        """The same keys, for callers that know them to be complete."""
        self.left_out = as_fetched.left_out
        self._want = want

    def candidates(self, algorithm: str, kid: str | None) -> tuple[Key, ...]:
        """See `KeySet.candidates`.

        Raises:
            KeysWanted: No key of this algorithm has the `kid`.
        """
        found = super().candidates(algorithm, kid)
        if not found and kid is not None and algorithm in _PUBLIC:
            raise self._want()
        return found


def read_jwks(body: bytes, algorithm: str | None) -> Entries[VerificationKey]:
    """The usable public keys of a JWKS (RFC 7517 §5), and why its other entries are left out.

    An entry that is not a sound public key is left out, and the others count. Shared and
    private keys are left out too, because every reader of the document has them.

    Raises:
        ExchangeFailed: The document is not a JWKS.
    """
    document = _parse_leniently(body)
    members = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(members, list) or _LONG in members:
        raise ExchangeFailed("the answer is not a JWKS")

    def make(jwk: Mapping[str, Any]) -> VerificationKey:
        if jwk.get("kty") == "oct":
            raise KeyRejected("a shared key (oct), which nobody may publish")
        return VerificationKey.from_jwk(jwk, algorithm=algorithm)

    entries = read_entries(members[:MAX_KEYS], make)
    more = (f"more than {MAX_KEYS} entries",) * (len(members) - MAX_KEYS)
    return replace(entries, reasons=entries.reasons + more)


def read_metadata(
    body: bytes, issuer: str, source: httpx.URL, plain_http_host: str | None = None
) -> httpx.URL:
    """The address of the issuer's keys in its metadata (RFC 8414 §2 and §3.3).

    Raises:
        ExchangeFailed: The metadata is of another issuer, or its `jwks_uri` is not accepted.
    """
    metadata = _parse(body)
    if metadata.get("issuer") != issuer:
        raise ExchangeFailed("the metadata is of another issuer")
    try:
        return parse_address(
            metadata.get("jwks_uri"),
            may_be_loopback=is_loopback(source),
            plain_http_host=plain_http_host,
        )
    except SettingsRejected as error:
        raise ExchangeFailed(f"jwks_uri is rejected: {error}") from None


def read_lifetime(headers: Mapping[str, str], longest_s: float) -> float:
    """The seconds for which an answer holds (RFC 9111 §4.2), from a minute to `longest_s`."""
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
    """The JSON in an answer; an error inside one entry makes only that entry unusable."""
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
