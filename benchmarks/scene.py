"""What all contestants sign and verify: keys, names and the claims of an access token."""

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gatepass.jose import SharedKey, SigningKey, sign

ALGORITHMS = ("HS256", "RS256", "ES256", "EdDSA")
ISSUER = "api-server"
AUDIENCE = "api-client"
SUBJECT = "6f1c2c1e-7d1b-4a57-9a51-3f1f5a3c2b10"
TYP = "at+jwt"
LIFETIME = 900
REQUIRED = ("sub", "iat", "jti")
"""What verifiers are asked for besides the signature, the algorithm, `iss`, `aud` and `exp`."""

OWN_CLAIMS: Mapping[str, Any] = {
    "client_id": "app",
    "auth_time": int(time.time()),
    "username": "ada",
    "email": "ada@example.org",
    "role": "admin",
}


def new_claims() -> dict[str, Any]:
    """The claims that everybody signs: those of an access token."""
    now = int(time.time())
    return {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": SUBJECT,
        "iat": now,
        "exp": now + LIFETIME,
        "jti": secrets.token_hex(16),
        **OWN_CLAIMS,
    }


@dataclass(frozen=True, slots=True)
class Scene:
    """One algorithm with its key and one access token that everybody verifies."""

    algorithm: str
    key: SharedKey | SigningKey
    secret: str = field(repr=False)
    """The shared secret of HS256, else the private key as PEM."""
    public_pem: str
    token: str = field(repr=False)

    @property
    def signing_input(self) -> bytes:
        """The bytes that were signed (RFC 7515 §2)."""
        return self.token.rpartition(".")[0].encode()

    @property
    def private_key(self) -> Any:
        """The private key as cryptography knows it."""
        return load_pem_private_key(self.secret.encode(), None)


def make_scene(algorithm: str) -> Scene:
    """A fresh key, and a token of it that lives longer than the run."""
    key: SharedKey | SigningKey
    if algorithm == "HS256":
        secret, public_pem = secrets.token_urlsafe(48), ""
        key = SharedKey.from_secret(secret)
    else:
        key = SigningKey.generate(algorithm)
        secret, public_pem = key.to_pem(), key.public().to_pem()
    session = {"sid": secrets.token_hex(17), "exp": int(time.time()) + 86_400}
    token = sign(new_claims() | session, key, typ=TYP)
    return Scene(algorithm, key, secret, public_pem, token)
