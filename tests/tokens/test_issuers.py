"""A verifier of several issuers: which rules a token is verified by, and what its claims say."""

import asyncio
import copy
from typing import Any

import pytest

from gatepass import AccessClaims, AsyncTokenVerifier, TokenVerifier
from gatepass.errors import SettingsRejected, TokenError, TokenInvalid, TokenMissing
from gatepass.jose import KeySet, SharedKey, sign
from gatepass.jose.keyset import KeysWanted
from gatepass.stores.memory import MemoryStore
from gatepass.tokens import TrustedIssuer
from tests.budget import until
from tests.tokens.test_verifier import NOW, AsyncListed, Listed

OURS, THEIRS = SharedKey.generate(), SharedKey.generate()


def issuer(name: str = "ours", keys: Any = OURS, **options: Any) -> TrustedIssuer:
    return TrustedIssuer(**{"issuer": name, "keys": keys, "audience": "api", **options})


def token(key: SharedKey = OURS, typ: str | None = "at+jwt", **claims: Any) -> str:
    good = {"iss": "ours", "aud": "api", "sub": "ada", "exp": NOW + 60, "jti": "t1"}
    return sign(good | claims, key, typ=typ)


def verify(text: Any, *issuers: TrustedIssuer, **options: Any) -> AccessClaims:
    """By both twins, which agree."""
    options = {"now": lambda: NOW, **options}
    blocking = TokenVerifier.for_issuers(*issuers, **options)
    awaited = AsyncTokenVerifier.for_issuers(*issuers, **options)
    try:
        claims = blocking.verify(text)
    except TokenError as error:
        with pytest.raises(type(error), match=str(error).replace("+", ".")):
            asyncio.run(awaited.verify(text))
        raise
    assert asyncio.run(awaited.verify(text)) == claims
    return claims


def test_each_token_is_verified_by_the_keys_and_rules_of_its_issuer() -> None:
    both = (issuer(), issuer("theirs", THEIRS, audience=["x", "y"], typ=(None, "v+jwt")))

    assert verify(token(), *both).subject == "ada"
    for typ in ("JWT", None, "application/V+JWT"):
        assert verify(token(THEIRS, iss="theirs", aud="y", typ=typ), *both).subject == "ada"
    for wrong in (
        token(THEIRS, iss="theirs", aud="y"),
        token(THEIRS, iss="theirs", typ="JWT"),
        token(typ="JWT"),
        token(aud="y"),
    ):
        with pytest.raises(TokenInvalid):
            verify(wrong, *both)


@pytest.mark.parametrize("nothing", [None, ""])
def test_no_token_is_missing_for_several_issuers_too(nothing: Any) -> None:
    with pytest.raises(TokenMissing):
        verify(nothing, issuer())


def test_scopes_and_roles_are_where_the_issuer_keeps_them() -> None:
    form = issuer(scopes=["scp", ("granted", "scopes")], roles=[("realm_access", "roles"), "grp"])
    claims = verify(
        token(
            scp="read write",
            granted={"scopes": ["delete", "a b", 5]},
            realm_access={"roles": ["admin"]},
            grp="one role",
            scope="planted",
            role="planted",
        ),
        form,
    )

    assert claims.scopes == {"read", "write", "delete", "a b"}
    assert claims.roles == {"admin", "one role"}
    assert (copy.copy(claims).roles, copy.deepcopy(claims).scopes) == (claims.roles, claims.scopes)
    with pytest.raises(AttributeError):
        claims.roles = frozenset({"root"})  # type: ignore[misc]


@pytest.mark.parametrize("value", [None, 5, {"roles": "admin"}, [["admin"]], {"admin": True}])
def test_a_claim_of_another_kind_holds_no_roles(value: Any) -> None:
    form = issuer(roles=["grp", ("grp", "x", "roles")], scopes=["grp"])

    claims = verify(token(grp=value), form)

    assert claims.roles == claims.scopes == frozenset()


def test_roles_of_our_own_tokens_are_in_role() -> None:
    for value, roles in (("admin", {"admin"}), (["a", "b", 5], {"a", "b"}), (5, set())):
        assert AccessClaims({"sub": "ada", "role": value}).roles == roles
    assert AccessClaims({"sub": "ada"}).roles == frozenset()


def test_one_of_alternative_claims_is_present() -> None:
    form = issuer(any_claim_of=["azp", "client_id"])

    assert verify(token(azp="x"), form)
    assert verify(token(client_id="x"), form)
    with pytest.raises(TokenInvalid, match="it has no azp or client_id"):
        verify(token(), form)


def test_revocations_hold_for_every_issuer() -> None:
    listed = TokenVerifier.for_issuers(issuer(), revocations=Listed(), now=lambda: NOW)
    later: Any = AsyncListed()
    awaited = AsyncTokenVerifier.for_issuers(issuer(), revocations=later, now=lambda: NOW)

    assert listed.verify(token()) == asyncio.run(awaited.verify(token()))
    for _ in range(3):
        with pytest.raises(TokenError, match="revoked"):
            listed.verify(token(jti="t-gone"))
        with pytest.raises(TokenError, match="revoked"):
            asyncio.run(awaited.verify(token(jti="t-gone")))


def test_a_connection_holds_by_the_rules_of_its_own_issuer() -> None:
    store = MemoryStore()
    both = TokenVerifier.for_issuers(
        issuer(), issuer("theirs", THEIRS), revocations=store, now=lambda: NOW
    )
    ends: list[str] = []
    with both.watch(both.verify(token(THEIRS, iss="theirs")), ends.append) as watch:
        with pytest.raises(TokenInvalid):
            watch.renew(token(iss="ours", jti="t2"))
        store.revoke_token("t1", lifetime_ms=60_000)
        until(lambda: ends == ["token_revoked"])
    with pytest.raises(TokenInvalid, match="none of the issuers"):
        both.watch(AccessClaims({"iss": "other"}), ends.append)


class Fetched:
    """Keys that somebody has to fetch first."""

    version = 0

    def __init__(self, *, is_async: bool) -> None:
        self.is_async = is_async
        self.fetched = 0

    def current(self) -> KeySet:
        raise KeysWanted(self._fetch_later if self.is_async else self._fetch, retry_after=1)

    def _fetch(self) -> KeySet:
        self.fetched += 1
        return KeySet(OURS)

    async def _fetch_later(self) -> KeySet:
        return self._fetch()


def test_keys_are_made_for_the_twin_and_fetched_for_their_issuer_only() -> None:
    theirs = Fetched(is_async=False)
    form = issuer(keys=Fetched)

    assert verify(token(), form).subject == "ada"
    verifier = TokenVerifier.for_issuers(form, issuer("theirs", theirs), now=lambda: NOW)
    assert verifier.verify(token()).subject == "ada"
    assert theirs.fetched == 0
    with pytest.raises(TypeError, match="Fetched is not an async source"):
        AsyncTokenVerifier.for_issuers(issuer(keys=theirs))


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"audience": []},
        {"audience_claim": ""},
        {"audience_claim": 5},
        {"typ": "rt+jwt"},
        {"typ": ("JWT", "RT+JWT")},
        {"typ": 5},
        {"required_claims": "tid"},
        {"any_claim_of": "azp"},
        {"allowed_values": {"ver": "2.0"}},
        {"scopes": "scp"},
        {"scopes": [5]},
        {"roles": [()]},
        {"roles": [("a", "")]},
    ],
)
def test_a_form_of_another_kind_is_rejected(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsRejected):
        TokenVerifier.for_issuers(issuer(**wrong))


def test_issuers_are_at_least_one_and_each_once() -> None:
    wrong: list[Any] = [(), ("ours",), (issuer(), issuer(keys=THEIRS))]
    for issuers in wrong:
        with pytest.raises(SettingsRejected):
            TokenVerifier.for_issuers(*issuers)
    with pytest.raises(SettingsRejected, match="leeway"):
        TokenVerifier.for_issuers(issuer(), leeway=61)


@pytest.mark.parametrize(("iss", "why"), [("x", "none of the issuers"), (["ours"], "none of the")])
def test_a_token_of_nobody_known_is_rejected_before_any_key_is_looked_at(
    iss: object, why: str
) -> None:
    with pytest.raises(TokenInvalid, match=f"its iss is {why}"):
        verify(token(iss=iss), issuer(keys=KeySet(OURS)))
