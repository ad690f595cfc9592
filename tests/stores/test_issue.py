"""Log-ins: what is inserted, what the epoch orders, and how many sessions a subject may have."""

from dataclasses import replace
from typing import Any

import pytest

from gatepass.errors import StoreUnavailable
from gatepass.sessions import Session, Store, plan_session
from tests.stores.plans import DAY, LIFE, MINUTE, SECOND, Clock, log_in, present, sid
from tests.stores.twins import Runner, memory_store

TWIN = "kim"
"""Another subject in the same partition, who could be given the same ids."""


def live(store: Store, subject: str = "ada") -> list[str]:
    """The names of a subject's live sessions."""
    return [session.session_id[2:] for session in store.sessions(subject)]


def opened(store: Store, name: str, **plan: Any) -> Session:
    session = store.issue(log_in(session_id=sid(name), **plan))
    assert session is not None
    return session


def test_a_session_is_stored_as_it_was_planned(store: Store, clock: Clock) -> None:
    plan = replace(log_in(), device=None, claims_json='{"name":"Adélaïde 𝄞"}'.encode())

    session = store.issue(plan)

    assert session == plan_session(plan, clock.ms)
    assert store.sessions("ada") == [session]
    assert store.rotate(present(plan.session_id)).session is not None
    assert not store.is_revoked(plan.session_id, "some token")


def test_sessions_come_newest_first_and_only_live_ones(store: Store, clock: Clock) -> None:
    opened(store, "short", idle=MINUTE)
    for name in ("old", "middle", "new"):
        clock.forward(SECOND)
        opened(store, name)
    opened(store, "ended")
    store.revoke_session(sid("ended"), reason="log-out")
    clock.forward(MINUTE)

    assert live(store) == ["new", "middle", "old"]
    assert live(store, "nobody") == []


def test_a_session_id_is_never_taken_over(store: Store) -> None:
    opened(store, "taken")
    store.revoke_session(sid("taken"), reason="log-out")

    with pytest.raises(ValueError, match="in use"):
        store.issue(log_in(TWIN, session_id=sid("taken")))
    assert store.is_revoked(sid("taken"), None)
    assert live(store, TWIN) == []


def test_an_old_password_log_in_racing_a_password_change_loses(store: Store) -> None:
    epoch = store.subject_epoch("ada")

    store.revoke_subject("ada", reason="password changed")

    assert store.issue(log_in(epoch=epoch)) is None
    assert live(store) == []
    assert store.issue(log_in(epoch=store.subject_epoch("ada"))) is not None

    store.revoke_subject("ada", reason="password changed")

    assert store.issue(log_in(epoch=None)) is not None


def test_epochs_of_other_subjects_are_their_own(store: Store) -> None:
    store.revoke_subject("ada", reason="password changed")

    assert (store.subject_epoch("ada"), store.subject_epoch("bob")) == (1, 0)
    assert store.issue(log_in("bob", epoch=0)) is not None


def test_revoking_everybody_also_stops_log_ins_under_way(store: Store) -> None:
    epochs = {subject: store.subject_epoch(subject) for subject in ("ada", "new")}

    store.revoke_all(reason="restore")

    assert store.issue(log_in("new", epoch=epochs["new"])) is None
    assert store.issue(log_in("ada", epoch=epochs["ada"])) is None
    assert store.issue(log_in("new", epoch=store.subject_epoch("new"))) is not None


def test_the_oldest_session_makes_room(store: Store, clock: Clock) -> None:
    for name in ("a", "b", "c"):
        opened(store, name, max_sessions=3)
        clock.forward(SECOND)

    opened(store, "d", max_sessions=3)

    assert live(store) == ["d", "c", "b"]
    assert store.is_revoked(sid("a"), None)
    fact = store.rotate(present(sid("a")))
    assert fact.session is not None
    assert fact.session.reason == "max_sessions"


def test_a_lower_limit_ends_all_that_are_over_it(store: Store, clock: Clock) -> None:
    for name in ("a", "b", "c", "d"):
        opened(store, name)
        clock.forward(SECOND)

    opened(store, "e", max_sessions=2)

    assert live(store) == ["e", "d"]
    assert all(store.is_revoked(sid(name), None) for name in ("a", "b", "c"))


def test_the_session_being_opened_is_never_the_one_to_go(store: Store, clock: Clock) -> None:
    opened(store, "before")
    clock.forward(-DAY)

    opened(store, "now", max_sessions=1)

    assert live(store) == ["now"]


def test_ended_sessions_and_other_subjects_do_not_count(store: Store, clock: Clock) -> None:
    opened(store, "ended")
    store.revoke_session(sid("ended"), reason="log-out")
    opened(store, "expired", idle=SECOND)
    clock.forward(SECOND)
    store.issue(log_in("bob", session_id=sid("other", "bob")))
    opened(store, "kept")

    opened(store, "new", max_sessions=2)

    assert set(live(store)) == {"kept", "new"}
    assert live(store, "bob") == ["other"]


def test_a_full_memory_store_refuses_log_ins_until_something_expires(
    twin: str, runner: Runner, clock: Clock
) -> None:
    store = memory_store(twin, runner, clock, max_rows=2)
    opened(store, "a")
    opened(store, "b")

    with pytest.raises(StoreUnavailable):
        opened(store, "c")
    store.revoke_session(sid("a"), reason="log-out")
    clock.forward(LIFE + DAY)

    opened(store, "c")
    assert live(store) == ["c"]
