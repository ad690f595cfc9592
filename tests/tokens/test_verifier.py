"""Verifying one token without a manager."""

import asyncio
import math
from typing import Any, ClassVar

import pytest

from gatepass import AsyncTokenVerifier, TokenIssuer, TokenVerifier
from gatepass.errors import (
    KeyRejected,
    SettingsRejected,
    TokenInvalid,
    TokenRevoked,
)
from gatepass.jose import KeySet, SharedKey, SigningKey, sign

KEY = SharedKey.generate()
NOW = 1_700_000_000
GOOD = {"iss": "api-server", "aud": "api-client", "sub": "alice", "exp": NOW + 60, "jti": "t1"}


def verifier(**options: Any) -> TokenVerifier:
    defaults: dict[str, Any] = {
        "issuer": "api-server",
        "audience": "api-client",
        "now": lambda: NOW,
    }
    return TokenVerifier(KEY, **defaults | options)


def token(typ: str | None = "at+jwt", **claims: Any) -> str:
    kept = {name: value for name, value in (GOOD | claims).items() if value is not ...}
    return sign(kept, KEY, typ=typ)


def test_three_lines_sign_and_check_one_token() -> None:
    key = SharedKey.generate()
    text = TokenIssuer(key, issuer="a", audience="b", lifetime=60).issue("alice", {"role": "x"})
    claims = TokenVerifier(key, issuer="a", audience="b").verify(text)

    assert (claims.subject, claims["role"]) == ("alice", "x")


@pytest.mark.parametrize("typ", ["rt+jwt", "Application/RT+JWT", "", 5])
def test_nobody_but_a_manager_handles_refresh_tokens(typ: Any) -> None:
    with pytest.raises(SettingsRejected):
        verifier(typ=typ)
    with pytest.raises(SettingsRejected):
        TokenIssuer(KEY, issuer="a", audience="b", lifetime=60, typ=typ)


class Listed:
    """Revocations of one token and one session."""

    is_async: ClassVar[Any] = False

    def is_revoked(self, session_id: str | None, token_id: str | None) -> bool:
        return session_id == "s-gone" or token_id == "t-gone"


class AsyncListed(Listed):
    """The same for `await`."""

    is_async = True

    async def is_revoked(  # type: ignore[override]
        self, session_id: str | None, token_id: str | None
    ) -> bool:
        await asyncio.sleep(0)
        return super().is_revoked(session_id, token_id)


def check(revocations: Any, text: str) -> Any:
    """Verify with either twin."""
    options: Any = {
        "issuer": "api-server",
        "audience": "api-client",
        "now": lambda: NOW,
        "revocations": revocations,
    }
    if isinstance(revocations, AsyncListed):
        return asyncio.run(AsyncTokenVerifier(KEY, **options).verify(text))
    return TokenVerifier(KEY, **options).verify(text)


@pytest.mark.parametrize("revocations", [Listed(), AsyncListed()])
def test_revocations_are_asked_by_session_and_by_token(revocations: Any) -> None:
    assert check(revocations, token(sid="s-live"))
    for gone in (token(jti="t-gone"), token(sid="s-gone")):
        with pytest.raises(TokenRevoked):
            check(revocations, gone)
    with pytest.raises(TokenInvalid):
        check(revocations, token(jti=...))


def test_a_verifier_says_whom_it_asks() -> None:
    listed = Listed()

    assert verifier(revocations=listed).revocations is listed
    assert verifier().revocations is None


def test_an_async_verifier_needs_no_revocations() -> None:
    plain = AsyncTokenVerifier(KEY, issuer="api-server", audience="api-client", now=lambda: NOW)

    assert asyncio.run(plain.verify(token())).subject == "alice"
    with pytest.raises(TypeError, match="Listed is not an async"):
        AsyncTokenVerifier(KEY, issuer="a", audience="b", revocations=Listed())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "wrong",
    [
        {"issuer": ""},
        {"issuer": None},
        {"audience": []},
        {"audience": ["a", 5]},
        {"audience": ["a", ""]},
        {"audience": {"a": 1}},
        {"leeway": -1},
        {"leeway": 61},
        {"leeway": math.nan},
        {"leeway": True},
        {"required_claims": "tenant"},
        {"required_claims": [5]},
        {"allowed_values": {"role": "admin"}},
        {"allowed_values": ["role"]},
    ],
)
def test_settings_out_of_bounds_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsRejected):
        verifier(**wrong)


def test_keys_are_a_key_a_set_or_a_source() -> None:
    wrong: Any = "secret"
    with pytest.raises(KeyRejected):
        TokenVerifier(wrong, issuer="a", audience="b")
    with pytest.raises(KeyRejected):
        TokenIssuer(SigningKey.generate("EdDSA").public(), issuer="a", audience="b", lifetime=1)
    old, new = SharedKey.generate(), SharedKey.generate()
    text = TokenIssuer(old, issuer="a", audience="b", lifetime=60).issue("alice")
    assert TokenVerifier(KeySet(old).rotate(new), issuer="a", audience="b").verify(text)


def test_one_of_several_audiences_is_enough() -> None:
    several = verifier(audience=["api-client", "reports"])

    good: Any = ("api-client", "reports", ["reports"], ["other", "api-client"])
    bad: Any = ("other", "api-clien", "api-client reports", ["other"], [], None, {"reports": 1})
    for named in good:
        assert several.verify(token(aud=named)).subject == "alice"
    for named in bad:
        with pytest.raises(TokenInvalid, match="its aud is not 'api-client' or 'reports'"):
            several.verify(token(aud=named))
