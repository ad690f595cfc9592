"""Tokens made by hand from raw primitives, so that a test can say anything; never gatepass."""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

Json = Mapping[str, Any] | bytes | str
Sign = Callable[[bytes], bytes]
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

_HASHES: dict[str, hashes.HashAlgorithm] = {
    "256": hashes.SHA256(),
    "384": hashes.SHA384(),
    "512": hashes.SHA512(),
}


def b64(value: bytes | str) -> str:
    """Canonical base64url of these octets."""
    octets = value.encode() if isinstance(value, str) else value
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    """What canonical base64url text stands for."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def dumps(value: Json) -> bytes:
    """Octets as they are, text in UTF-8, anything else as JSON (with NaN where asked for)."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    return json.dumps(value, separators=(",", ":")).encode()


def compact(header: Json, payload: Json, sign: Sign) -> str:
    """A compact JWS over this header and payload, whatever they are."""
    return raw_compact(b64(dumps(header)), b64(dumps(payload)), sign)


def raw_compact(header_segment: str, payload_segment: str, sign: Sign) -> str:
    """A compact JWS over two segments as written, honestly signed."""
    signing_input = f"{header_segment}.{payload_segment}"
    return f"{signing_input}.{b64(sign(signing_input.encode()))}"


def hmac_signer(secret: bytes | str, bits: str = "256") -> Sign:
    """HMAC with any key, however weak."""
    key = secret.encode() if isinstance(secret, str) else secret
    return lambda signing_input: hmac.new(key, signing_input, f"sha{bits}").digest()


def signer(key: PrivateKey, algorithm: str) -> Sign:
    """How this private key signs under this `alg`."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign
    hash_ = _HASHES[algorithm[2:]]
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return lambda signing_input: fixed_width(
            key.sign(signing_input, ec.ECDSA(hash_)), (key.key_size + 7) // 8
        )
    scheme: padding.AsymmetricPadding = padding.PKCS1v15()
    if algorithm.startswith("PS"):
        scheme = padding.PSS(padding.MGF1(hash_), hash_.digest_size)
    return lambda signing_input: key.sign(signing_input, scheme, hash_)


def fixed_width(der: bytes, size: int) -> bytes:
    """A DER signature as JWS writes it: r and s side by side (RFC 7518 §3.4)."""
    r, s = decode_dss_signature(der)
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def nothing(_signing_input: bytes) -> bytes:
    """The signature of an unsecured JWS (RFC 7515 appendix A.5)."""
    return b""


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any], bytes]:
    """Header, claims and signature, read without any check."""
    header, payload, signature = token.split(".")
    return json.loads(unb64(header)), json.loads(unb64(payload)), unb64(signature)


def with_signature(token: str, signature: bytes) -> str:
    """The same signing input under another signature."""
    return f"{token.rpartition('.')[0]}.{b64(signature)}"


def jwk_thumbprint(jwk: Mapping[str, str]) -> str:
    """RFC 7638 §3, written from the specification."""
    members = {"RSA": "e kty n", "EC": "crv kty x y", "OKP": "crv kty x", "oct": "k kty"}
    required = {name: jwk[name] for name in members[jwk["kty"]].split()}
    return b64(hashlib.sha256(dumps(required)).digest())


def public_forms(key: PrivateKey, jwk: Mapping[str, Any]) -> dict[str, bytes]:
    """The public half of a key in every form in which people paste it as a secret."""
    encoding, public = serialization.Encoding, key.public_key()
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    pem, der = public.public_bytes(encoding.PEM, spki), public.public_bytes(encoding.DER, spki)
    ssh = public.public_bytes(encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    jwks = json.dumps({"keys": [dict(jwk)]}, indent=2).encode()
    forms = {
        "PEM": pem,
        "PEM without its last line break": pem.rstrip(),
        "PEM with CRLF": pem.replace(b"\n", b"\r\n"),
        "PEM on one line": pem.replace(b"\n", b" "),
        "PEM with escaped line breaks": pem.replace(b"\n", b"\\n"),
        "PEM in quotes": b'"' + pem.strip() + b'"',
        "PEM in UTF-16": pem.decode().encode("utf-16"),
        "PEM in UTF-16 without BOM": pem.decode().encode("utf-16-le"),
        "DER in lines": b"\n\t" + der + b" \r\n",
        "DER and BOM": b"\xef\xbb\xbf" + der,
        "BOM and PEM": b"\xef\xbb\xbf" + pem,
        "blanks and PEM": b" \t\r\n\n " + pem,
        "base64 of PEM": base64.b64encode(pem),
        "base64url of PEM": b64(pem).encode(),
        "body of PEM": b"".join(pem.splitlines()[1:-1]),
        "body of PEM in lines": b"\n".join(pem.splitlines()[1:-1]),
        "DER": der,
        "base64 of DER": base64.b64encode(der),
        "base64url of DER": b64(der).encode(),
        "base64 of base64 of DER": base64.b64encode(base64.b64encode(der)),
        "hex of DER": der.hex().encode(),
        "SSH": ssh,
        "SSH with comment": ssh + b" admin@example",
        "body of SSH": ssh.split()[1],
        "SSH wire format": base64.b64decode(ssh.split()[1]),
        "JWK": json.dumps(dict(jwk)).encode(),
        "JWK without blanks": dumps(jwk),
        "BOM and JWK": b"\xef\xbb\xbf" + dumps(jwk),
        "base64 of JWK": base64.b64encode(dumps(jwk)),
        "JWKS": jwks,
        "blanks and JWKS": b"\n \t" + jwks + b"\n",
        "base64url of JWKS": b64(jwks).encode(),
    }
    if isinstance(public, rsa.RSAPublicKey):
        forms["PKCS #1 PEM"] = public.public_bytes(encoding.PEM, serialization.PublicFormat.PKCS1)
        forms["PKCS #1 DER"] = public.public_bytes(encoding.DER, serialization.PublicFormat.PKCS1)
    return forms


def slug(text: str) -> str:
    """A test id from a phrase."""
    return re.sub(r"\W+", "-", text)
