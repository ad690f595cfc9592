"""PyJWT and joserfc, driven with what their documentation shows."""

import json
from collections.abc import Mapping
from typing import Any

import joserfc.errors
import jwt
from joserfc import jwk as joserfc_jwk
from joserfc import jwt as joserfc_jwt
from jwt.algorithms import get_default_algorithms

from tests.interop.libraries import ES, HS, PS, RS, Forms, Key, Refused, octets, python_version
from tests.jose.material import CURVE_NAMES, pem_of, private_key, public_pem_of


class PyJwt:
    """PyJWT; its keys are made with `cryptography`, as its documentation shows."""

    name = "PyJWT"
    algorithms = (*HS, *RS, *PS, *ES, "EdDSA")
    forms = ("octets", "PEM", "JWK", "JWKS")

    def version(self) -> str:
        return python_version("PyJWT")

    def make(self, algorithm: str) -> Forms:
        private: Any = private_key(algorithm)
        pem, public_pem = pem_of(private).decode(), public_pem_of(private).decode()
        engine: Any = get_default_algorithms()[algorithm]
        named = {"alg": algorithm, "kid": "made-by-pyjwt"}
        jwk = engine.to_jwk(private, as_dict=True) | named
        public_jwk = engine.to_jwk(private.public_key(), as_dict=True) | named
        return {
            "PEM": (pem, public_pem),
            "JWK": (jwk, public_jwk),
            "JWKS": (jwk, {"keys": [public_jwk]}),
        }

    def sign(
        self, algorithm: str, form: str, key: Key, claims: Mapping[str, Any], kid: str | None
    ) -> str:
        headers = None if kid is None else {"kid": kid}
        signing: Any = jwt.PyJWK(dict(key)) if isinstance(key, Mapping) else key
        if form == "octets":
            signing = octets(key)
        return jwt.encode(dict(claims), signing, algorithm=algorithm, headers=headers)

    def verify(self, algorithm: str, form: str, key: Key, token: str) -> Mapping[str, Any]:
        verifying: Any = key
        if form == "octets":
            verifying = octets(key)
        elif form == "JWK":
            verifying = jwt.PyJWK(dict(key))  # type: ignore[arg-type]  # a mapping in this form
        elif form == "JWKS":
            kid = jwt.get_unverified_header(token)["kid"]
            verifying = jwt.PyJWKSet.from_dict(dict(key))[kid]  # type: ignore[arg-type]
        try:
            claims: Mapping[str, Any] = jwt.decode(
                token, verifying, algorithms=[algorithm], options={"verify_aud": False}
            )
        except jwt.InvalidTokenError as error:
            raise Refused(str(error)) from error
        return claims


class JoseRfc:
    """The package joserfc."""

    name = "joserfc"
    algorithms = (*HS, *RS, *PS, *ES, "EdDSA", "Ed25519")
    forms = ("octets", "PEM", "JWK", "JWKS")

    def version(self) -> str:
        return python_version("joserfc")

    def make(self, algorithm: str) -> Forms:
        named: Any = {"alg": algorithm, "kid": "made-by-joserfc"}
        key: Any
        if algorithm in CURVE_NAMES:
            curve: Any = CURVE_NAMES[algorithm]
            key = joserfc_jwk.ECKey.generate_key(curve, named)
        elif algorithm.startswith("Ed"):
            key = joserfc_jwk.OKPKey.generate_key("Ed25519", named)
        else:
            key = joserfc_jwk.RSAKey.generate_key(2048, named)
        jwk, public_jwk = key.as_dict(private=True), key.as_dict(private=False)
        return {
            "PEM": (key.as_pem(private=True).decode(), key.as_pem(private=False).decode()),
            "JWK": (jwk, public_jwk),
            "JWKS": (jwk, joserfc_jwk.KeySet([key]).as_dict(private=False)),
        }

    def sign(
        self, algorithm: str, form: str, key: Key, claims: Mapping[str, Any], kid: str | None
    ) -> str:
        header = {"alg": algorithm} if kid is None else {"alg": algorithm, "kid": kid}
        signing = _joserfc_key(algorithm, "JWK" if form == "JWKS" else form, key)
        return joserfc_jwt.encode(header, dict(claims), signing, algorithms=[algorithm])

    def verify(self, algorithm: str, form: str, key: Key, token: str) -> Mapping[str, Any]:
        verifying = _joserfc_key(algorithm, form, key)
        try:
            return joserfc_jwt.decode(token, verifying, algorithms=[algorithm]).claims
        except joserfc.errors.JoseError as error:
            raise Refused(str(error)) from error


def _joserfc_key(algorithm: str, form: str, key: Key) -> Any:
    kinds: dict[str, Any] = {
        "H": joserfc_jwk.OctKey,
        "R": joserfc_jwk.RSAKey,
        "P": joserfc_jwk.RSAKey,
        "ES": joserfc_jwk.ECKey,
        "Ed": joserfc_jwk.OKPKey,
    }
    kind = kinds.get(algorithm[:2]) or kinds[algorithm[:1]]
    if form == "octets":
        return kind.import_key(octets(key))
    if form == "JWKS":
        return joserfc_jwk.KeySet.import_key_set(json.loads(json.dumps(key)))
    return kind.import_key(key if isinstance(key, str) else dict(key))
