"""The order of a key's life, and the times before which a step is refused."""

from collections.abc import Callable

import pytest

from gatepass.errors import KeyRejected
from gatepass.jose import VerificationKey
from gatepass.keyfile import Ring, State, StepRefused
from tests.jose.material import signing_key
from tests.keyfile.steps import GONE, KNOWN, LIFETIME, NOW, announced, first, key, kid, rotated


def states(ring: Ring) -> list[str]:
    return [entry.state.value for entry in ring.entries]


def accepted(ring: Ring) -> list[str | None]:
    return [each.kid for each in ring.key_set().keys]


def test_the_first_key_signs_at_once() -> None:
    assert states(first()) == ["primary"]
    assert first().key_set().primary.kid == kid(0)


def test_a_further_key_is_known_to_nobody_before_it_is_published() -> None:
    ring = first().generate(key(1), lifetime_s=LIFETIME, now=NOW)

    assert states(ring) == ["primary", "next"]
    assert accepted(ring) == [kid(0)]
    assert accepted(ring.publish(kid(1), now=NOW)) == [kid(0), kid(1)]


def test_a_published_key_is_in_the_jwks_and_does_not_sign() -> None:
    keys = announced().key_set()

    assert keys.primary.kid == kid(0)
    assert [jwk["kid"] for jwk in keys.public_jwks()["keys"]] == [kid(0), kid(1)]
    assert isinstance(keys.keys[1], VerificationKey)


def test_promoting_retires_the_key_before_which_still_verifies() -> None:
    ring = rotated()

    assert states(ring) == ["retired", "primary"]
    assert accepted(ring) == [kid(1), kid(0)]


def test_a_retired_key_keeps_its_public_half_only() -> None:
    entry = rotated().entries[0]

    assert "PRIVATE" not in entry.pem
    with pytest.raises(KeyRejected):
        entry.private()
    assert entry.public().kid == kid(0)


def test_a_removed_key_is_gone() -> None:
    ring = rotated().remove(kid(0), now=NOW + KNOWN + GONE)

    assert accepted(ring) == [kid(1)]
    assert len(ring.entries) == 1


ORDER: dict[str, tuple[Callable[[], Ring], str]] = {
    "promote an unpublished key": (
        lambda: (
            first().generate(key(1), lifetime_s=LIFETIME, now=NOW).promote(kid(1), now=NOW + 10**6)
        ),
        "publish the key first",
    ),
    "promote before everybody knows it": (
        lambda: announced().promote(kid(1), now=NOW + KNOWN - 1),
        "before 2027-01-15T08:06:00Z",
    ),
    "promote the primary": (lambda: first().promote(kid(0), now=NOW), "cannot be promoted"),
    "promote a retired key": (lambda: rotated().promote(kid(0), now=NOW + 10**6), "cannot be"),
    "publish twice": (lambda: announced().publish(kid(1), now=NOW), "published since"),
    "publish the primary": (lambda: first().publish(kid(0), now=NOW), "cannot be published"),
    "retire the primary": (lambda: first().retire(kid(0), now=NOW), "promoting its successor"),
    "retire twice": (lambda: rotated().retire(kid(0), now=NOW), "cannot be retired"),
    "remove the primary": (
        lambda: first().remove(kid(0), now=NOW + 10**6, early=True),
        "promote a successor first",
    ),
    "remove a published key": (
        lambda: announced().remove(kid(1), now=NOW + 10**6, early=True),
        "retire the key first",
    ),
    "remove before its tokens have expired": (
        lambda: rotated().remove(kid(0), now=NOW + KNOWN + GONE - 1),
        "until 2027-01-15T08:24:00Z",
    ),
    "remove what is not there": (lambda: first().remove("?", now=NOW), "0 keys"),
    "name nothing": (lambda: first().publish("", now=NOW), "keys have a kid"),
}


@pytest.mark.parametrize("what", ORDER)
def test_a_step_out_of_order_is_refused_with_its_reason(what: str) -> None:
    step, reason = ORDER[what]
    with pytest.raises(StepRefused, match=reason):
        step()


def test_after_a_leak_nobody_waits_who_says_so() -> None:
    ring = announced().promote(kid(1), now=NOW + 1, early=True)
    ring = ring.remove(kid(0), now=NOW + 2, early=True)

    assert accepted(ring) == [kid(1)]


def test_a_key_that_never_signed_is_removed_as_soon_as_it_is_retired() -> None:
    ring = announced().retire(kid(1), now=NOW + 1)
    assert states(ring) == ["primary", "retired"]

    assert accepted(ring.remove(kid(1), now=NOW + 1)) == [kid(0)]


def test_a_key_that_was_given_up_unpublished_stays_unknown() -> None:
    ring = first().generate(key(1), lifetime_s=LIFETIME, now=NOW).retire(kid(1), now=NOW)

    assert accepted(ring) == [kid(0)]


def test_a_kid_may_be_given_by_its_beginning() -> None:
    ring = announced()

    assert ring.find(kid(1)[:12]).kid == kid(1)


def test_a_successor_signs_tokens_that_live_no_shorter() -> None:
    ring = first().generate(key(1), lifetime_s=60, now=NOW)

    assert ring.entries[1].lifetime_s == LIFETIME
    with pytest.raises(KeyRejected, match="longest life"):
        first().generate(key(1), lifetime_s=0, now=NOW)


def test_the_longest_life_of_a_token_decides_when_its_key_may_go() -> None:
    ring = Ring().generate(key(0), lifetime_s=86_400, now=NOW)
    ring = ring.generate(key(1), lifetime_s=60, now=NOW).publish(kid(1), now=NOW)
    ring = ring.promote(kid(1), now=NOW + KNOWN)

    assert ring.entries[0].removable_at == NOW + KNOWN + 86_400 + 180


def test_no_key_no_set() -> None:
    with pytest.raises(KeyRejected, match="gatepass keys generate"):
        Ring().key_set()


def test_every_algorithm_lives_the_same_life() -> None:
    for algorithm in ("RS256", "ES384", "EdDSA", "Ed25519"):
        old, new = signing_key(algorithm), signing_key(algorithm, 1)
        ring = Ring().generate(old, lifetime_s=1, now=NOW).generate(new, lifetime_s=1, now=NOW)
        ring = ring.publish(new.kid or "", now=NOW).promote(new.kid or "", now=NOW + KNOWN)

        assert accepted(ring) == [new.kid, old.kid]
        assert [entry.state for entry in ring.entries] == [State.RETIRED, State.PRIMARY]


def test_the_text_of_a_ring_holds_no_private_key() -> None:
    assert "PRIVATE" not in repr(announced())
