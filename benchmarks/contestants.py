"""The Python contestants: what each does to verify and to sign, asked for the same checks."""

import base64
import hashlib
import hmac
import importlib.metadata
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils

from benchmarks.scene import (
    AUDIENCE,
    ISSUER,
    REQUIRED,
    TYP,
    Scene,
    new_claims,
)
from gatepass import TokenVerifier
from gatepass.jose import SigningKey, sign

Work = Callable[[], object]
Works = dict[str, Work]
"""By operation: "verify" and "sign"."""


def gatepass_works(scene: Scene) -> Works:
    """`TokenVerifier` and `jose.sign`; every verify is the first one of its token."""
    public = scene.key.public() if isinstance(scene.key, SigningKey) else scene.key
    verifier = TokenVerifier(
        public, issuer=ISSUER, audience=AUDIENCE, required_claims=REQUIRED, remember=0
    )
    claims = new_claims()
    return {
        "verify": lambda: verifier.verify(scene.token),
        "sign": lambda: sign(claims, scene.key, typ=TYP),
    }


def pyjwt_works(scene: Scene) -> Works:
    """PyJWT with key objects that were loaded before."""
    import jwt  # noqa: PLC0415 - a peer that may be missing

    algorithms = [scene.algorithm]
    signing: Any = scene.secret.encode() if scene.algorithm == "HS256" else scene.private_key
    verifying = signing if scene.algorithm == "HS256" else signing.public_key()
    engine = jwt.PyJWT({"require": ["exp", *REQUIRED]})
    claims = new_claims()
    return {
        "verify": lambda: engine.decode(
            scene.token, verifying, algorithms=algorithms, audience=AUDIENCE, issuer=ISSUER
        ),
        "sign": lambda: engine.encode(
            claims, signing, algorithm=scene.algorithm, headers={"typ": TYP}
        ),
    }


def joserfc_works(scene: Scene) -> Works:
    """The package joserfc with imported keys and its claims registry."""
    from joserfc import jwk, jwt  # noqa: PLC0415 - a peer that may be missing

    kinds: dict[str, Any] = {
        "HS256": jwk.OctKey,
        "RS256": jwk.RSAKey,
        "ES256": jwk.ECKey,
        "EdDSA": jwk.OKPKey,
    }
    key = kinds[scene.algorithm].import_key(scene.secret)
    algorithms = [scene.algorithm]
    registry = jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": ISSUER},
        aud={"essential": True, "value": AUDIENCE},
        exp={"essential": True},
        sub={"essential": True},
        iat={"essential": True},
        jti={"essential": True},
    )
    header = {"alg": scene.algorithm, "typ": TYP}
    claims = new_claims()

    def verify() -> object:
        token = jwt.decode(scene.token, key, algorithms=algorithms)
        registry.validate(token.claims)
        return token

    return {
        "verify": verify,
        "sign": lambda: jwt.encode(header, claims, key, algorithms=algorithms),
    }


def bare_works(scene: Scene) -> Works:
    """Nothing but the primitive, over the same bytes: no parsing, no claims.

    For ECDSA that includes the form in which `cryptography` takes a JWS's r and s.
    """
    signing_input = scene.signing_input
    segment = scene.token.rpartition(".")[2]
    signature = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    if scene.algorithm == "HS256":
        secret = scene.secret.encode()
        return {"verify": lambda: hmac.digest(secret, signing_input, hashlib.sha256().name)}
    public_key = scene.private_key.public_key()
    verify = public_key.verify
    if scene.algorithm == "RS256":
        scheme, digest = padding.PKCS1v15(), hashes.SHA256()
        return {"verify": lambda: verify(signature, signing_input, scheme, digest)}
    if scene.algorithm == "ES256":
        curve = ec.ECDSA(hashes.SHA256())

        def verify_pair() -> None:
            r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
            verify(utils.encode_dss_signature(r, s), signing_input, curve)

        return {"verify": verify_pair}
    return {"verify": lambda: verify(signature, signing_input)}


def version_of(distribution: str) -> str:
    """The installed version of a contestant, or that it is missing."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "missing"


PYTHON_CONTESTANTS: dict[str, tuple[str, Callable[[Scene], Works]]] = {
    "gatepass": ("gatepass", gatepass_works),
    "PyJWT": ("PyJWT", pyjwt_works),
    "joserfc": ("joserfc", joserfc_works),
    "bare": ("cryptography", bare_works),
}
