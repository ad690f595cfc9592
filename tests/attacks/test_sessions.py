"""Attacks on refresh tokens, sessions and log-ins, over every store and both twins."""

import itertools
import secrets
from typing import Any

import pytest

from gatepass.errors import (
    GatepassError,
    RefreshReused,
    SessionRevoked,
    SessionUnknown,
    TokenError,
    TokenExpired,
    TokenInvalid,
    TokenMalformed,
    TokenMissing,
    TokenRevoked,
)
from tests.attacks.service import Service, reforged
from tests.attacks.target import NOW, REFUSED
from tests.cases import case
from tests.jose.forge import b64, compact, dumps, hmac_signer, nothing, parts, with_signature
from tests.jose.material import OTHER_SECRET, SECRET


def test_refresh_token_as_access_token(service: Service) -> None:
    pair = service.issue()

    with pytest.raises(TokenInvalid):
        service.verify(pair.refresh_token)
    relabelled = compact(
        {"alg": "HS256", "typ": "at+jwt"}, parts(pair.refresh_token)[1], hmac_signer(OTHER_SECRET)
    )
    with pytest.raises(TokenInvalid):  # by its own key, under the other's type
        service.verify(relabelled)
    assert service.verify(pair.access_token).subject == "alice"


def test_access_token_as_refresh_token(service: Service) -> None:
    pair = service.issue()
    before = service.sessions()

    with pytest.raises(TokenInvalid):
        service.refresh(pair.access_token)
    relabelled = compact(
        {"alg": "HS256", "typ": "rt+jwt"}, parts(pair.access_token)[1], hmac_signer(SECRET)
    )
    with pytest.raises(TokenInvalid):
        service.refresh(relabelled)

    assert service.sessions() == before
    assert service.refresh(pair.refresh_token).session_id == pair.session_id


def test_access_token_claims_under_the_refresh_key(service: Service) -> None:
    pair = service.issue()
    claims = parts(pair.access_token)[1]

    with pytest.raises(TokenInvalid):
        service.refresh(
            compact({"alg": "HS256", "typ": "rt+jwt"}, claims, hmac_signer(OTHER_SECRET))
        )


FORGED_SECS: list[Any] = ["", "A" * 22, b64(bytes(16)), "x" * 5000, "\0", "é", "\ud800", " "]


def test_forged_refresh_token_with_a_known_sid_and_the_right_key_but_the_wrong_sec(
    service: Service,
) -> None:
    """A leaked refresh key alone forges nothing, and cannot end sessions by feigning reuse."""
    first = service.issue()
    second = service.refresh(first.refresh_token)
    service.now += 3600
    before = service.sessions()

    for sec, gen in itertools.product(FORGED_SECS, [0, 1, 2, 64, 65, 66, 2**31, 2**53]):
        token = reforged(second.refresh_token, OTHER_SECRET, sec=sec, gen=gen, exp=NOW + 10**6)
        with case(sec, gen):
            with pytest.raises((SessionUnknown, TokenMalformed)):
                service.refresh(token)
            with pytest.raises(GatepassError):
                service.log_out(refresh_token=token)

            assert service.sessions() == before
    assert service.refresh(second.refresh_token).session_id == first.session_id


def test_sec_of_another_session(service: Service) -> None:
    mine, hers = service.issue("mallory"), service.issue("alice")
    before = service.sessions("alice")
    sec = parts(mine.refresh_token)[1]["sec"]

    for changes in ({"sec": sec}, {"sid": mine.session_id}, {"sec": sec, "sub": "mallory"}):
        with pytest.raises(SessionUnknown):
            service.refresh(reforged(hers.refresh_token, OTHER_SECRET, **changes))

    assert service.sessions("alice") == before


def test_refresh_token_of_ones_own_session_under_another_name(service: Service) -> None:
    mine = service.issue("mallory")

    with pytest.raises(GatepassError):
        service.refresh(reforged(mine.refresh_token, OTHER_SECRET, sub="alice"))
    for session in service.sessions("mallory"):
        assert session.subject == "mallory"
    assert service.sessions("alice") == []


_BENT: dict[str, list[Any]] = {
    "gen": [
        *(..., None, "0", -1, 0.0, 0.5, True, [], [0], {}, 1e400),
        *(2**63 - 1, 2**63, 2**64, 10**30, 10**400),
    ],
    "sec": [..., None, 0, True, [], {}],
    "sid": [
        *(..., None, 0, True, [], {}),
        *("", "\0", "x" * 5000, "zz", "' OR 1=1 --", "é\u0130"),
    ],
    "sub": [..., None, 0, []],
    "exp": [..., None, "9", True, [NOW]],
    "iat": [..., None, "9", True],
    "iss": [..., "x", ["api-server"]],
    "aud": [..., "x", ["x"], []],
}
BENT = [(name, value) for name, values in _BENT.items() for value in values]


def test_refresh_token_with_a_bent_claim(service: Service) -> None:
    pair = service.issue()
    before = service.sessions()

    for name, value in BENT:
        token = reforged(pair.refresh_token, OTHER_SECRET, **{name: value})
        with case(name, value):
            with pytest.raises((TokenError, SessionUnknown)):
                service.refresh(token)

            assert service.sessions() == before
    assert service.refresh(pair.refresh_token).session_id == pair.session_id


def test_refresh_token_without_its_signature(service: Service) -> None:
    pair = service.issue()
    before = service.sessions()
    header, claims, _ = parts(pair.refresh_token)

    for generation in (0, 1, 2):
        changed = claims | {"gen": generation}
        for token in (
            compact(header | {"alg": "none"}, changed, nothing),
            compact(header, changed, hmac_signer(SECRET)),
            compact(header, changed, hmac_signer(secrets.token_bytes(32))),
        ):
            with case(generation), pytest.raises(REFUSED):
                service.refresh(token)
    for token in (
        with_signature(pair.refresh_token, bytes(32)),
        pair.refresh_token + "=",
        pair.refresh_token + " ",
        pair.refresh_token[:-1],
    ):
        with case(token), pytest.raises(REFUSED):
            service.refresh(token)

    assert service.sessions() == before


def test_refresh_with_what_is_no_token(service: Service) -> None:
    for token in (None, "", "x", "a.b.c", b"a.b.c", 7, ["x"], {"refresh_token": 1}):
        for operation in (
            service.refresh,
            service.verify,
            lambda token: service.log_out(refresh_token=token),
            lambda token: service.log_out(access_token=token),
        ):
            with case(token), pytest.raises((TokenMissing, TokenMalformed)):
                operation(token)


def test_stolen_refresh_token_used_after_its_owner_refreshed(service: Service) -> None:
    stolen = service.issue()
    owners = service.refresh(stolen.refresh_token)
    service.now += 11

    with pytest.raises(RefreshReused):
        service.refresh(stolen.refresh_token)
    for token in (stolen.refresh_token, owners.refresh_token):
        with pytest.raises(SessionRevoked):
            service.refresh(token)
    for access in (stolen.access_token, owners.access_token):
        with pytest.raises(TokenRevoked):
            service.verify(access)


def test_stolen_refresh_token_used_before_its_owner_refreshes(service: Service) -> None:
    owners = service.issue()
    thiefs = service.refresh(owners.refresh_token)
    service.now += 3600

    with pytest.raises(RefreshReused):
        service.refresh(owners.refresh_token)
    with pytest.raises(SessionRevoked):
        service.refresh(thiefs.refresh_token)


def test_replay_inside_the_leeway_forks_no_second_chain(service: Service) -> None:
    pair = service.issue()
    answers = [service.refresh(pair.refresh_token) for _ in range(20)]

    assert len({answer.refresh_token for answer in answers}) == 1
    assert len(service.sessions()) == 1
    assert service.sessions()[0].generation == 1


def test_polling_with_a_superseded_token_does_not_stretch_the_leeway(service: Service) -> None:
    pair = service.issue()
    service.refresh(pair.refresh_token)
    for _ in range(10):
        service.now += 1
        service.refresh(pair.refresh_token)
    service.now += 1

    with pytest.raises(RefreshReused):
        service.refresh(pair.refresh_token)


def test_refresh_token_edited_to_live_longer(service: Service) -> None:
    pair = service.issue()
    header, claims, signature = parts(pair.refresh_token)
    longer = f"{b64(dumps(header))}.{b64(dumps(claims | {'exp': NOW + 10**9}))}.{b64(signature)}"

    with pytest.raises(TokenInvalid):
        service.refresh(longer)
    service.now = claims["exp"]
    with pytest.raises(TokenExpired):
        service.refresh(pair.refresh_token)


@pytest.mark.parametrize("access_format", ["jwt", "opaque"])
def test_revoked_token_respelled(service: Service) -> None:
    pair = service.issue()
    service.revoke_token(service.verify(pair.access_token))

    with pytest.raises(TokenRevoked):
        service.verify(pair.access_token)
    for text in ("=", "==", " ", "\n", ".", "\0"):
        with pytest.raises(REFUSED):
            service.verify(pair.access_token + text)


@pytest.mark.parametrize("access_format", ["jwt", "opaque"])
def test_log_out_with_two_sessions_tokens(service: Service) -> None:
    mine, hers = service.issue("mallory"), service.issue("alice")

    with pytest.raises(TokenInvalid):
        service.log_out(access_token=mine.access_token, refresh_token=hers.refresh_token)

    assert service.verify(hers.access_token).subject == "alice"
    assert service.verify(mine.access_token).subject == "mallory"


@pytest.mark.parametrize("access_format", ["jwt", "opaque"])
def test_text_of_a_token_as_its_id(service: Service) -> None:
    """Revoking by text would revoke nothing: it must not look like success."""
    pair = service.issue()

    for text in (pair.access_token, pair.refresh_token, "", None, 7, b"id"):
        with pytest.raises(GatepassError):
            service.revoke_token(text)
    assert service.verify(pair.access_token).subject == "alice"
