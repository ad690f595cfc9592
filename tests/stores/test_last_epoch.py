"""When a subject was revoked last, on every store."""

from gatepass.sessions import Store
from tests.stores.plans import SECOND, Clock, log_in


def test_a_subject_that_was_never_revoked_has_no_time(store: Store) -> None:
    store.issue(log_in())

    assert store.last_epoch("ada") == (0, 0)


def test_the_last_revocation_of_a_subject_counts(store: Store, clock: Clock) -> None:
    store.revoke_subject("ada", reason="theft")
    clock.forward(SECOND)
    store.revoke_subject("ada", reason="theft")
    raised_ms = clock.ms
    clock.forward(SECOND)

    assert store.last_epoch("ada") == (2, raised_ms)
    assert store.last_epoch("kim") == (0, 0)


def test_a_revocation_of_everybody_counts_for_each_subject(store: Store, clock: Clock) -> None:
    store.revoke_subject("ada", reason="theft")
    clock.forward(SECOND)
    store.revoke_all(reason="restored")
    raised_ms = clock.ms
    clock.forward(SECOND)

    assert store.last_epoch("ada") == (2, raised_ms)
    assert store.last_epoch("kim") == (1, raised_ms)

    store.revoke_subject("kim", reason="theft")
    assert store.last_epoch("kim") == (2, clock.ms)


def test_the_time_never_goes_back(store: Store, clock: Clock) -> None:
    store.revoke_subject("ada", reason="theft")
    store.revoke_all(reason="restored")
    raised_ms = clock.ms
    clock.forward(-SECOND)
    store.revoke_subject("ada", reason="theft")
    store.revoke_all(reason="restored")

    assert store.last_epoch("ada") == (4, raised_ms)
    assert store.last_epoch("kim") == (2, raised_ms)
