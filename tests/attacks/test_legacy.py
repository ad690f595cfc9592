"""Attacks with tokens of the old library, over every store and both twins."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gatepass.errors import (
    GatepassError,
    RefreshReused,
    SessionRevoked,
    TokenError,
    TokenExpired,
    TokenInvalid,
    TokenRevoked,
)
from gatepass.jose import inspect
from tests.attacks.legacy import DENIED, SECRET, UNTIL, legacy, rules
from tests.attacks.service import KINDS, Service
from tests.attacks.target import NOW
from tests.cases import case
from tests.jose.forge import compact, hmac_signer, nothing
from tests.jose.material import OTHER_SECRET
from tests.jose.material import SECRET as ACCESS_SECRET

LEEWAY = 10


@pytest.fixture(params=KINDS)
def service(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Service]:
    """A whole service that takes legacy tokens."""
    service = Service(request.param, tmp_path, legacy=rules())
    yield service
    service.close()


def refusal(service: Service, token: str) -> type[GatepassError]:
    with pytest.raises(GatepassError) as caught:
        service.refresh(token)
    return type(caught.value)


def test_a_legacy_refresh_token_is_traded_for_one_session_however_often_it_comes(
    service: Service,
) -> None:
    first = service.refresh(legacy())
    service.now += LEEWAY
    again = service.refresh(legacy())
    [session] = service.sessions()

    assert again.refresh_token == first.refresh_token
    assert first.session_id == again.session_id == session.session_id
    assert inspect(first.refresh_token).claims["gen"] == 1
    assert service.verify(first.access_token)["role"] == "admin"
    assert service.refresh(first.refresh_token).session_id == first.session_id


def test_a_legacy_token_that_was_stolen_and_comes_later_ends_the_session_it_opened(
    service: Service,
) -> None:
    stolen = legacy()
    pair = service.refresh(stolen)
    service.now += LEEWAY + 1

    assert refusal(service, stolen) is RefreshReused
    assert refusal(service, pair.refresh_token) is SessionRevoked
    assert refusal(service, stolen) is SessionRevoked
    with pytest.raises(TokenRevoked):
        service.verify(pair.access_token)
    assert service.sessions() == []


def test_a_thief_who_was_first_is_found_when_the_owner_comes(service: Service) -> None:
    stolen = legacy()
    of_thief = service.refresh(stolen)
    service.now += LEEWAY + 1
    of_thief = service.refresh(of_thief.refresh_token)

    assert refusal(service, stolen) is RefreshReused
    assert refusal(service, of_thief.refresh_token) is SessionRevoked


def test_another_token_with_the_same_identity_ends_the_session(service: Service) -> None:
    pair = service.refresh(legacy())

    assert refusal(service, legacy(role="other")) is RefreshReused
    assert refusal(service, pair.refresh_token) is SessionRevoked


def test_the_same_jti_of_two_subjects_is_two_identities(service: Service) -> None:
    alice, bob = service.refresh(legacy()), service.refresh(legacy(sub="bob"))

    assert alice.session_id != bob.session_id
    assert len(service.sessions()) == len(service.sessions("bob")) == 1


def test_subject_and_jti_cannot_be_shifted_into_each_other(service: Service) -> None:
    one = service.refresh(legacy(sub="al", jti="ice1"))
    other = service.refresh(legacy(sub="alice", jti="1"))

    assert one.session_id[2:] != other.session_id[2:]


def test_without_a_jti_the_signed_text_is_the_identity(service: Service) -> None:
    one, other = legacy(jti=...), legacy(jti=..., role="other")
    pair = service.refresh(one)

    assert service.refresh(one).refresh_token == pair.refresh_token
    assert service.refresh(other).session_id != pair.session_id


def forgeries(kind: str) -> dict[str, str]:
    """Tokens of this kind, each with one thing wrong."""
    head = {"alg": "HS256", "typ": "JWT"}
    make = partial(legacy, kind)
    strange = hmac_signer("x" * 40)
    return {
        "no signature": make(sign=nothing),
        "alg none": make(header=head | {"alg": "none"}, sign=nothing),
        "another algorithm": make(header=head | {"alg": "HS512"}, sign=hmac_signer(SECRET, "512")),
        "a key of nobody": make(sign=strange),
        "the access key": make(sign=hmac_signer(ACCESS_SECRET)),
        "the refresh key": make(sign=hmac_signer(OTHER_SECRET)),
        "our type": make(header=head | {"typ": "rt+jwt" if kind == "refresh" else "at+jwt"}),
        "crit": make(header=head | {"crit": ["exp"]}),
        "the other kind": legacy("access" if kind == "refresh" else "refresh"),
        "no kind": make(type=...),
        "a kind that is a list": make(type=[kind]),
        "no subject": make(sub=...),
        "a subject that is an object": make(sub={"id": 1}),
        "an empty subject": make(sub=""),
        "a subject that is true": make(sub=True),
        "a jti that is a number": make(jti=7),
        "an audience": make(aud="api-client"),
        "an audience that is a number": make(aud=7),
        "audiences that are numbers": make(aud=[7]),
        "an actor": make(act={"sub": "bob"}),
        "not yet valid": make(nbf=NOW + 1),
        "no exp": make(exp=...),
        "exp that is a text": make(exp=str(NOW + 60)),
        "iat that is true": make(iat=True),
        "no object": compact(head, "[]", hmac_signer(SECRET)),
    }


def test_forged_or_relabelled_tokens_open_no_session(service: Service) -> None:
    for name, token in forgeries("refresh").items():
        with case(name):
            assert issubclass(refusal(service, token), TokenError)
    for name, token in forgeries("access").items():
        with case(name), pytest.raises(TokenError):
            service.verify(token)
    assert service.sessions() == []
    assert service.verify(legacy("access")).subject == "alice"


def test_sixteen_at_once_get_one_session(service: Service) -> None:
    pairs = service.at_once("refresh", legacy(), times=16)

    assert len({pair.refresh_token for pair in pairs}) == 1
    assert len(service.sessions()) == 1


def test_an_expired_token_is_told_that_it_has_expired(service: Service) -> None:
    assert refusal(service, legacy(exp=NOW)) is TokenExpired
    with pytest.raises(TokenExpired):
        service.verify(legacy("access", exp=NOW))


def test_a_denied_token_is_dead(service: Service) -> None:
    assert refusal(service, legacy(jti=DENIED)) is TokenRevoked
    with pytest.raises(TokenRevoked):
        service.verify(legacy("access", jti=DENIED))
    assert service.sessions() == []


def test_nothing_is_accepted_from_the_date_on(service: Service) -> None:
    fresh: dict[str, Any] = {"iat": UNTIL - 2, "exp": UNTIL + 60}
    traded = legacy(jti="before", **fresh)
    service.now = UNTIL - 1
    pair = service.refresh(traded)
    assert service.verify(legacy("access", **fresh)).expires_at == UNTIL

    for service.now in (UNTIL, UNTIL + 1):
        assert refusal(service, legacy(**fresh)) is TokenInvalid
        assert refusal(service, traded) is TokenInvalid
        with pytest.raises(TokenInvalid):
            service.verify(legacy("access", **fresh))
    assert service.refresh(pair.refresh_token).session_id == pair.session_id


@pytest.mark.parametrize("everybody", [False, True])
def test_a_token_from_before_the_last_revocation_is_dead(
    service: Service, *, everybody: bool
) -> None:
    service.revoke_all() if everybody else service.revoke_subject("alice")
    service.now += 2

    assert refusal(service, legacy(jti="old")) is SessionRevoked
    assert refusal(service, legacy(jti="same second", iat=NOW)) is SessionRevoked
    assert refusal(service, legacy(jti="untold", iat=...)) is SessionRevoked
    assert service.sessions() == []
    later = service.refresh(legacy(jti="new", iat=NOW + 1))
    assert [one.session_id for one in service.sessions()] == [later.session_id]


def test_a_revocation_ends_what_a_legacy_token_opened(service: Service) -> None:
    pair = service.refresh(legacy())
    service.revoke_subject("alice")

    assert refusal(service, pair.refresh_token) is SessionRevoked
    assert refusal(service, legacy()) is SessionRevoked


def test_the_session_ends_when_the_legacy_token_would_have(service: Service) -> None:
    pair = service.refresh(legacy(exp=NOW + 600))

    assert pair.refresh_expires_in == pair.expires_in == 600
    service.now += 599
    last = service.refresh(pair.refresh_token)
    assert inspect(last.refresh_token).claims["exp"] == NOW + 600
    service.now += 1
    assert refusal(service, last.refresh_token) is TokenExpired


def test_planted_claims_of_a_legacy_token_mean_nothing(service: Service) -> None:
    planted: dict[str, Any] = {"sid": "00stolen", "auth_time": NOW, "gen": 7, "sec": "x"}
    planted |= {"client_id": "other", "iss": "evil", "amr": ["pwd"], "acr": "high"}
    access = service.verify(legacy("access", **planted))
    traded = service.verify(service.refresh(legacy(**planted)).access_token)

    assert access.keys() == {"sub", "jti", "iat", "exp", "role"}
    assert (access.session_id, access.auth_time) == (None, None)
    assert (traded["client_id"], traded["iss"], traded.auth_time) == ("app", "api-server", 0)
    assert not {"amr", "acr", "fresh"} & traded.keys()


def test_one_access_token_is_revoked_by_its_jti(service: Service) -> None:
    stolen, other = legacy("access"), legacy("access", jti="other")
    nameless = legacy("access", jti=...)
    service.revoke_token(service.verify(stolen))
    service.revoke_token(service.verify(nameless))

    for token in (stolen, nameless):
        with pytest.raises(TokenRevoked):
            service.verify(token)
    assert service.verify(other).subject == "alice"
