"""Log-outs by tokens of the library before, and by one of them beside one of ours."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gatepass.errors import (
    GatepassError,
    SessionRevoked,
    TokenExpired,
    TokenInvalid,
    TokenRevoked,
)
from tests.attacks.legacy import DENIED, legacy, rules
from tests.attacks.service import KINDS, Service
from tests.attacks.target import NOW
from tests.cases import case
from tests.jose.forge import hmac_signer


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


def test_a_log_out_ends_legacy_tokens_traded_or_not(service: Service) -> None:
    access, refresh = legacy("access", jti="access"), legacy(jti="refresh")
    service.log_out(access_token=access, refresh_token=refresh)
    service.log_out(access_token=legacy("access", jti="alone"))
    traded = legacy(jti="traded")
    pair = service.refresh(traded)
    service.log_out(refresh_token=traded)

    assert refusal(service, refresh) is SessionRevoked
    assert refusal(service, pair.refresh_token) is SessionRevoked
    for token in (access, legacy("access", jti="alone")):
        with pytest.raises(TokenRevoked):
            service.verify(token)
    assert service.sessions() == []
    service.revoke_subject("alice")
    service.log_out(refresh_token=refresh)
    assert refusal(service, refresh) is SessionRevoked


def test_a_forged_token_logs_nobody_out(service: Service) -> None:
    pair = service.refresh(legacy())
    forged = legacy(sign=hmac_signer("x" * 40))

    for tokens in ({"refresh_token": forged}, {"access_token": forged}):
        with pytest.raises(TokenInvalid):
            service.log_out(**tokens)
    assert service.verify(pair.access_token).subject == "alice"


def test_an_access_token_that_is_dead_keeps_no_session_alive(service: Service) -> None:
    pair = service.issue()
    for name, dead in (
        ("expired", legacy("access", exp=NOW)),
        ("denied", legacy("access", jti=DENIED)),
    ):
        with case(name):
            service.log_out(access_token=dead, refresh_token=legacy(jti=f"beside {name}"))
            assert refusal(service, legacy(jti=f"beside {name}")) is SessionRevoked
    service.log_out(access_token=legacy("access", exp=NOW), refresh_token=pair.refresh_token)
    assert refusal(service, pair.refresh_token) is SessionRevoked

    with pytest.raises(TokenExpired):
        service.log_out(access_token=legacy("access", exp=NOW))


def test_one_legacy_token_and_one_of_ours_both_end(service: Service) -> None:
    traded = legacy()
    first, second, third = service.refresh(traded), service.issue(), service.issue()
    access = legacy("access", jti="access")
    service.log_out(access_token=first.access_token, refresh_token=traded)
    service.log_out(access_token=access, refresh_token=second.refresh_token)
    service.log_out(access_token=third.access_token, refresh_token=legacy(jti="expired", exp=NOW))

    for pair in (first, second, third):
        assert refusal(service, pair.refresh_token) is SessionRevoked
    for token in (first.access_token, access):
        with pytest.raises(TokenRevoked):
            service.verify(token)


def test_tokens_of_two_subjects_end_nothing(service: Service) -> None:
    pair, of_bob = service.issue(), legacy("access", sub="bob", jti="of bob")
    for tokens in (
        {"access_token": of_bob, "refresh_token": legacy()},
        {"access_token": of_bob, "refresh_token": pair.refresh_token},
        {"access_token": pair.access_token, "refresh_token": legacy(sub="bob")},
    ):
        with pytest.raises(TokenInvalid, match="different subjects"):
            service.log_out(**tokens)

    assert service.verify(of_bob).subject == "bob"
    assert service.verify(pair.access_token).subject == "alice"
    assert service.refresh(legacy()).session_id


def test_a_forged_token_beside_a_good_one_ends_nothing(service: Service) -> None:
    pair, good = service.issue(), legacy(jti="good")
    forged = legacy("access", sign=hmac_signer("x" * 40))
    for refresh in (good, pair.refresh_token):
        with pytest.raises(TokenInvalid):
            service.log_out(access_token=forged, refresh_token=refresh)
    with pytest.raises(TokenInvalid, match="no refresh token"):
        service.log_out(access_token=pair.access_token, refresh_token=legacy("access"))

    assert service.verify(pair.access_token).subject == "alice"
    assert service.refresh(good).session_id


def test_an_access_token_alone_ends_itself_only(service: Service) -> None:
    service.log_out(access_token=legacy("access", jti="access"))

    assert service.refresh(legacy()).session_id
