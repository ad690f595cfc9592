"""Why a text is no key in PEM form, for messages; they quote nothing of the text (pure).

Called only after loading failed.
"""

from typing import Final

_CERTIFICATE: Final = (
    "the PEM is a certificate: take the public key out of it with `openssl x509 -pubkey -noout`"
)
_REQUEST: Final = "the PEM is a certificate request, and not a key"
_SSH_PRIVATE: Final = (
    "the key is in OpenSSH's form: rewrite it with `ssh-keygen -p -m PKCS8 -f FILE`"
)
_SSH_PUBLIC: Final = (
    "the key is in OpenSSH's form: rewrite it with `ssh-keygen -e -m PKCS8 -f FILE`"
)
_JSON: Final = "the text is JSON: from_jwk reads a JWK, and KeySet.from_jwks a set of them"
_INSIDE: Final = {
    b"-----BEGIN CERTIFICATE-----": _CERTIFICATE,
    b"-----BEGIN CERTIFICATE REQUEST-----": _REQUEST,
    b"-----BEGIN OPENSSH PRIVATE KEY-----": _SSH_PRIVATE,
}
_AT_THE_START: Final = {b"ssh-": _SSH_PUBLIC, b"ecdsa-sha2-": _SSH_PUBLIC, b"{": _JSON}
_NO_PEM: Final = "the text has no line -----BEGIN …-----: give what is in the file, not its name"
_LITERAL: Final = (
    "the text has a backslash and an n in place of line ends: write "
    r'pem.replace("\\n", "\n")'
)


def no_public_key(octets: bytes) -> str:
    """Why these octets are no public key in PEM form."""
    if b" PRIVATE KEY-----" in octets and b"OPENSSH" not in octets:
        return (
            "the PEM is a private key, and a public one is expected: SigningKey.from_pem reads it"
        )
    return _why(octets) or "the PEM is damaged, or holds no public key that is used here"


def no_private_key(octets: bytes, *, has_password: bool) -> str:
    """Why these octets are no private key in PEM form, or not with this password."""
    if b" PUBLIC KEY-----" in octets and b" PRIVATE KEY-----" not in octets:
        return (
            "the PEM is a public key, and a private one is expected: VerificationKey.from_pem "
            "reads it"
        )
    why = _why(octets)
    if why is not None:
        return why
    is_encrypted = b"ENCRYPTED" in octets
    if is_encrypted and not has_password:
        return "the PEM is encrypted: pass password="
    if is_encrypted:
        return "the password is wrong, or the PEM is damaged"
    if has_password:
        return "the PEM is not encrypted: leave password out"
    return "the PEM is damaged, or holds no private key that is used here"


def _why(octets: bytes) -> str | None:
    start = octets.lstrip(b"\xef\xbb\xbf \t\r\n\"'")
    found = [reason for mark, reason in _INSIDE.items() if mark in octets]
    found += [reason for mark, reason in _AT_THE_START.items() if start.startswith(mark)]
    if found:
        return found[0]
    if b"\\n" in octets:
        return _LITERAL
    return None if b"-----BEGIN " in octets else _NO_PEM
