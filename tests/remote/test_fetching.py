"""When keys are fetched, who waits for it, and who may use such keys at all."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from gatepass.errors import KeysUnavailable, StoreUnavailable
from gatepass.jose import SharedKey, sign
from tests.budget import PATIENCE_S, until
from tests.jose.material import signing_key
from tests.remote.conftest import Connect
from tests.remote.issuer import AUDIENCE, Issuer, reply
from tests.remote.resource import Clock, Resource

KEY, SUCCESSOR = signing_key("ES256"), signing_key("ES256", 1)


def test_nothing_is_fetched_before_the_first_token(issuer: Issuer, resource: Resource) -> None:
    issuer.publish(KEY)

    assert issuer.asked == []
    assert resource.outcome(issuer.token()) == "ada"
    assert issuer.asked == ["/jwks"]


def test_an_rsa_key_that_names_no_algorithm_takes_the_one_given(
    issuer: Issuer, connect: Connect
) -> None:
    entry = signing_key("RS256").public().to_jwk()
    del entry["alg"]
    issuer.publish(signing_key("RS256"))
    issuer.scripts["/jwks"] = reply({"keys": [entry]})

    assert connect(algorithm="RS256").outcome(issuer.token()) == "ada"
    assert connect().outcome(issuer.token()) == "keys_unavailable"


def test_a_token_without_kid_is_tried_against_every_key(issuer: Issuer, resource: Resource) -> None:
    issuer.publish(KEY, SUCCESSOR)
    claims = {"iss": issuer.name, "aud": AUDIENCE, "sub": "ada", "exp": time.time() + 60}

    assert resource.outcome(sign(claims, SUCCESSOR, typ="at+jwt", kid=None)) == "ada"


def test_metadata_leads_to_the_keys(issuer: Issuer, connect: Connect) -> None:
    metadata = {"issuer": issuer.name, "jwks_uri": issuer.jwks_url}
    issuer.scripts["/.well-known/openid-configuration"] = reply(metadata)
    issuer.publish(KEY)

    assert connect(discover=True).outcome(issuer.token()) == "ada"
    assert issuer.asked == ["/.well-known/openid-configuration", "/jwks"]


def test_many_first_requests_share_one_fetch(issuer: Issuer, resource: Resource) -> None:
    issuer.publish(KEY)
    token = issuer.token()
    if resource.twin == "sync":
        with ThreadPoolExecutor(32) as pool:
            outcomes = list(pool.map(resource.outcome, [token] * 200))
    else:
        outcomes = resource.outcomes([token] * 200)

    assert outcomes == ["ada"] * 200
    assert issuer.asked == ["/jwks"]


@pytest.mark.parametrize(
    ("headers", "holds_s"),
    [
        ({}, 300),
        ({"Cache_Control": "public, max-age=900"}, 900),
        ({"Cache_Control": "max-age=900", "Age": "300"}, 600),
        ({"Cache_Control": "max-age=999999999"}, 3600),
        ({"Cache_Control": "max-age=1"}, 60),
        ({"Cache_Control": "no-store, max-age=900"}, 60),
        ({"Cache_Control": "no-cache"}, 60),
        ({"Cache_Control": "s-maxage=900"}, 300),
        ({"Cache_Control": "max-age=-5"}, 300),
        ({"Cache_Control": "max-age=900", "Age": "x"}, 900),
    ],
)
def test_keys_hold_as_long_as_the_issuer_says_within_bounds(
    headers: dict[str, str], holds_s: int, issuer: Issuer, resource: Resource, clock: Clock
) -> None:
    issuer.publish(KEY, **headers)
    token = issuer.token()
    resource.verify(token)
    clock.now += holds_s * 0.74
    resource.verify(token)
    assert issuer.asked == ["/jwks"]
    issuer.publish(SUCCESSOR)
    clock.now += holds_s * 0.26

    assert resource.outcome(token) == "token_invalid"
    assert issuer.asked == ["/jwks"] * 2


def test_keys_that_are_due_are_fetched_behind_the_requests_backs(
    issuer: Issuer, resource: Resource, clock: Clock
) -> None:
    may_answer = threading.Event()
    issuer.publish(KEY)
    token = issuer.token()
    resource.verify(token)

    def late() -> Iterator[bytes]:
        may_answer.wait(PATIENCE_S)
        yield from reply({"keys": [SUCCESSOR.public().to_jwk()]})()

    issuer.scripts["/jwks"] = late
    clock.now += 300 * 0.9
    for _ in range(50):
        assert resource.outcome(token) == "ada"
    may_answer.set()
    until(lambda: resource.keys.version == 2)

    assert issuer.asked == ["/jwks"] * 2
    assert resource.outcome(issuer.token(SUCCESSOR)) == "ada"
    assert resource.outcome(token) == "keys_unavailable"
    clock.now += 11
    assert resource.outcome(token) == "token_invalid"


def test_the_same_keys_fetched_again_are_no_new_version(
    issuer: Issuer, resource: Resource, clock: Clock
) -> None:
    issuer.publish(KEY)
    resource.verify(issuer.token())
    before = resource.keys.current()
    clock.now += 3700
    resource.verify(issuer.token())

    assert issuer.asked == ["/jwks"] * 2
    assert resource.keys.version == 1
    assert resource.keys.current() is before


def test_a_failure_says_when_to_try_again_and_is_not_repeated_before(
    issuer: Issuer, connect: Connect, clock: Clock
) -> None:
    issuer.scripts["/jwks"] = reply(b"", "500 Oops")
    resource = connect(cooldown=10)
    token = issuer.token(KEY)
    for _ in range(20):
        with pytest.raises(KeysUnavailable, match="status 500") as failed:
            resource.verify(token)
        assert failed.value.retry_after == 10
    assert issuer.asked == ["/jwks"]
    issuer.publish(KEY)
    clock.now += 6
    with pytest.raises(KeysUnavailable) as failed:
        resource.verify(token)
    assert failed.value.retry_after == 4
    clock.now += 4

    assert resource.outcome(token) == "ada"


def test_an_unknown_kid_within_the_cool_down_is_told_when_to_come_back(
    issuer: Issuer, connect: Connect, clock: Clock
) -> None:
    issuer.publish(KEY)
    resource = connect(cooldown=10)
    resource.verify(issuer.token())
    issuer.publish(KEY, SUCCESSOR)
    clock.now += 3
    with pytest.raises(StoreUnavailable) as refused:
        resource.verify(issuer.token(SUCCESSOR))

    assert refused.value.retry_after == 7
    clock.now += 7
    assert resource.outcome(issuer.token(SUCCESSOR)) == "ada"


def test_an_unknown_kid_is_final_once_the_issuer_was_asked_again(
    issuer: Issuer, resource: Resource, clock: Clock
) -> None:
    issuer.publish(KEY)
    resource.verify(issuer.token())
    clock.now += 11

    assert resource.outcome(issuer.token(SUCCESSOR)) == "token_invalid"
    assert issuer.asked == ["/jwks"] * 2


def test_a_failed_look_for_a_kid_refuses_nobody_for_good(
    issuer: Issuer, resource: Resource, clock: Clock
) -> None:
    issuer.publish(KEY)
    resource.verify(issuer.token())
    issuer.scripts["/jwks"] = reply(b"", "503 Busy")
    clock.now += 11

    assert resource.outcome(issuer.token(SUCCESSOR)) == "keys_unavailable"
    assert resource.outcome(issuer.token(KEY)) == "ada"


def test_no_algorithm_but_a_public_one_makes_anybody_look(
    issuer: Issuer, resource: Resource, clock: Clock
) -> None:
    issuer.publish(KEY)
    resource.verify(issuer.token())
    clock.now += 11
    claims = {"iss": issuer.name, "aud": AUDIENCE, "sub": "eve", "exp": time.time() + 60}
    shared = SharedKey.generate()

    assert resource.outcome(sign(claims, shared, typ="at+jwt", kid="x")) == "token_invalid"
    assert resource.outcome(sign(claims, SUCCESSOR, typ="at+jwt", kid=None)) == "token_invalid"
    assert issuer.asked == ["/jwks"]


def test_a_fetch_that_began_before_a_token_came_does_not_refuse_it_for_good(
    issuer: Issuer, resource: Resource, clock: Clock
) -> None:
    """Its key may have been published while the issuer was already answering."""
    may_answer = threading.Event()
    issuer.publish(KEY)
    good = issuer.scripts["/jwks"]
    resource.verify(issuer.token())

    def late() -> Iterator[bytes]:
        may_answer.wait(PATIENCE_S)
        yield from good()

    issuer.scripts["/jwks"] = late
    clock.now += 300 * 0.9
    assert resource.outcome(issuer.token()) == "ada"
    until(lambda: len(issuer.asked) == 2)
    threading.Timer(0.2, may_answer.set).start()

    assert resource.outcome(issuer.token(SUCCESSOR)) == "keys_unavailable"
    assert issuer.asked == ["/jwks"] * 2


def test_a_failure_before_the_end_of_the_lifetime_is_no_look_after_it(
    issuer: Issuer, resource: Resource, clock: Clock
) -> None:
    issuer.publish(KEY)
    token = issuer.token()
    resource.verify(token)
    issuer.scripts["/jwks"] = reply(b"", "500 Oops")
    clock.now += 300 * 0.9
    assert resource.outcome(token) == "ada"
    until(lambda: resource.keys._flight is None)
    issuer.publish(SUCCESSOR)
    clock.now += 300 * 0.11

    assert resource.outcome(token) == "token_invalid"
