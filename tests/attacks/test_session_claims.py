"""A leaked refresh key in the hands of somebody who acts as another and would rather be them."""

import hashlib
from typing import Any

import pytest

from gatepass.errors import SessionUnknown, TokenInvalid, TokenMalformed, TokenRevoked
from gatepass.tokens.session_claims import sec_hash
from tests.attacks.service import Service, reforged
from tests.cases import case
from tests.jose.forge import parts
from tests.jose.material import OTHER_SECRET

ALTERED: list[Any] = [
    ...,
    "",
    "{}",
    '{"act":{"sub":"alice"},"amr":["otp"]}',
    '{"act":{"sub":"support-7"},"amr":["hwk"]}',
    '{"amr":["otp"]}',
    '{"act":{"sub":"support-7"},"amr":["otp"] }',
    '{"act":{"sub":"support-7"},"amr":["otp"],"sub":"root"}',
    "[]",
    "{",
    7,
    None,
    ["{}"],
    "\ud800",
]


def test_session_claims_altered_with_a_leaked_refresh_key_and_ones_own_sec(
    service: Service,
) -> None:
    how = {"act": {"sub": "support-7"}, "amr": ["otp"]}
    first = service.refresh(service.issue(session_claims=how).refresh_token)
    plain = service.issue()
    before = service.sessions()
    ses = '{"act":{"sub":"support-7"},"amr":["otp"]}'
    assert parts(first.refresh_token)[1]["ses"] == ses

    for text in ALTERED:
        tokens = [reforged(first.refresh_token, OTHER_SECRET, ses=text)]
        if text not in (..., ""):
            tokens.append(reforged(plain.refresh_token, OTHER_SECRET, ses=text))
        for token in tokens:
            with case(text):
                with pytest.raises((SessionUnknown, TokenInvalid, TokenMalformed)):
                    service.refresh(token)
                with pytest.raises((SessionUnknown, TokenInvalid, TokenMalformed)):
                    service.log_out(refresh_token=token)
                assert service.sessions() == before
    assert service.verify(service.refresh(first.refresh_token).access_token)["act"] == how["act"]
    service.log_out(refresh_token=first.refresh_token)
    with pytest.raises(TokenRevoked):
        service.verify(first.access_token)


def test_no_sec_hashes_as_a_secret_with_claims_does() -> None:
    """Else its own `sec` and text, written as one `sec`, would take the claims off a session."""
    sec, text = "A" * 22, '{"act":{"sub":"support-7"}}'
    hashed = sec_hash(sec, text)
    framed = b"\xff" + hashlib.sha256(sec.encode()).digest() + text.encode()

    assert hashed == hashlib.sha256(framed).digest()
    assert hashed not in {sec_hash(sec), sec_hash(sec + text), sec_hash(sec, text + " ")}
    with pytest.raises(UnicodeDecodeError):
        framed.decode("utf-8", "surrogatepass")
