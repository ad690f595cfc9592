"""What hypothesis makes hostile input of."""

import json
from typing import Any

from hypothesis import strategies as st

from tests.attacks.target import AUDIENCE, ISSUER, NOW
from tests.jose.forge import b64
from tests.jose.material import OCTETS, private_jwk_of, private_key, public_jwk_of, rsa_key

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(10**330), 10**330),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=30),
)
JSON_VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
HEADER_VALUES = st.one_of(
    st.sampled_from(
        ["HS256", "none", "RS256", "at+jwt", "AT+JWT", "application/at+jwt", "JWT", "rt+jwt", "kid"]
    ),
    JSON_VALUES,
)
HEADER_NAMES = st.sampled_from(
    ["alg", "typ", "kid", "crit", "b64", "zip", "jwk", "jku", "x5u", "x5c", "cty", "enc", "x"]
)
HEADERS = st.dictionaries(HEADER_NAMES | st.text(max_size=5), HEADER_VALUES, max_size=6)
CLAIM_VALUES = st.one_of(
    st.sampled_from([ISSUER, AUDIENCE, "alice", [AUDIENCE], NOW, NOW + 1, NOW - 1, float(NOW)]),
    JSON_VALUES,
)
CLAIM_NAMES = st.sampled_from(
    ["iss", "aud", "sub", "exp", "nbf", "iat", "jti", "sid", "scope", "role", "auth_time"]
)
CLAIM_CHANGES = st.dictionaries(
    CLAIM_NAMES | st.text(max_size=5), CLAIM_VALUES | st.just(...), max_size=4
)

_PARTS = [
    public_jwk_of(private_key("ES256")),
    public_jwk_of(private_key("ES512")),
    public_jwk_of(private_key("EdDSA")),
    public_jwk_of(rsa_key()),
    private_jwk_of(private_key("ES256")),
    private_jwk_of(private_key("EdDSA")),
    private_jwk_of(rsa_key()),
    {"kty": "oct", "k": b64(OCTETS)},
]
_VALUES = sorted({str(value) for jwk in _PARTS for value in jwk.values()})
_NAMES = ["kty", "crv", "x", "y", "n", "e", "d", "p", "q", "dp", "dq", "qi", "oth", "k"]
_OTHERS: dict[str, list[Any]] = {
    "alg": ["RS256", "PS384", "ES256", "ES512", "EdDSA", "Ed25519", "HS256", "none", "ES256K"],
    "use": ["sig", "enc"],
    "key_ops": [["sign"], ["verify"], ["sign", "verify"], [], "verify"],
    "kid": ["a", "", "k" * 300],
}
_MEMBERS = st.one_of(
    st.sampled_from(_VALUES),
    st.binary(max_size=70).map(b64),
    st.text(max_size=20),
    JSON_VALUES,
)


@st.composite
def jwks_like(draw: st.DrawFn) -> dict[str, Any]:
    """A real JWK with some members changed, added or left out."""
    jwk: dict[str, Any] = dict(draw(st.sampled_from(_PARTS)))
    for name, values in _OTHERS.items():
        if draw(st.booleans()):
            jwk[name] = draw(st.sampled_from(values) | JSON_VALUES)
    for name in draw(st.lists(st.sampled_from(_NAMES), max_size=3)):
        jwk[name] = draw(_MEMBERS)
    for name in draw(st.lists(st.sampled_from(_NAMES), max_size=2)):
        jwk.pop(name, None)
    return jwk


@st.composite
def changed(draw: st.DrawFn, text: str) -> str:
    """The text after a few edits; perhaps the same again."""
    letters = st.one_of(
        st.sampled_from("=.-_+/ \n\0AQgw"),
        st.characters(),
        st.sampled_from(sorted(set(text)) or ["A"]),
    )
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(text)))
        until = min(len(text), at + draw(st.integers(0, 3)))
        match draw(st.sampled_from(["put", "take", "add", "double", "swap", "case"])):
            case "put":
                text = text[:at] + draw(letters) + text[at + 1 :]
            case "take":
                text = text[:at] + text[until:]
            case "add":
                text = text[:at] + draw(letters) + text[at:]
            case "double":
                text = text[:until] + text[at:]
            case "swap":
                text = text[:at] + text[at : at + 2][::-1] + text[at + 2 :]
            case _:
                text = text[:at] + text[at:until].swapcase() + text[until:]
    return text


_SNIPPETS = st.sampled_from(
    [b'"', b"{", b"}", b"[", b"]", b",", b":", b"\\", b"\\u", b"\xff", b"1e", b"NaN", b"null"]
)


@st.composite
def json_text(draw: st.DrawFn, value: Any) -> bytes:
    """A JSON text of this value after a few edits of its octets; perhaps the same again."""
    octets = bytearray(
        json.dumps(value, ensure_ascii=draw(st.booleans())).encode("utf-8", "replace")
    )
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(octets)))
        octets[at : at + draw(st.integers(0, 2))] = draw(
            st.sampled_from(
                [b'"', b"{", b"}", b"[", b"]", b",", b":", b"\\", b"\\u", b"\xff", b"1e"]
            )
            | st.binary(max_size=3)
        )
    return bytes(octets)
