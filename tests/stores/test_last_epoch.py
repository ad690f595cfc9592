"""When a subject was revoked last, on every store."""

from contextlib import closing

import pytest
from sqlalchemy import text

from gatepass.sessions import Store
from gatepass.stores.sql.engines import engine_of
from tests.servers.redis_sets import running
from tests.stores.conftest import store_on
from tests.stores.plans import SECOND, Clock, log_in
from tests.stores.postgres_backend import database_url
from tests.stores.twins import Runner


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


def raise_as_before(where: str, url: str, *, everybody: bool) -> None:
    """Raise an epoch as a process of an older release does, which notes no time."""
    if where == "redis 8":
        client = running(where).servers[0].client()
        key = "gatepass:{8}:meta" if everybody else "gatepass:{8}:e:ada"
        client.hincrby(key, "all" if everybody else "e", 1)
        return
    statement = "UPDATE gatepass_meta SET epoch_of_all = epoch_of_all + 1"
    if not everybody:
        statement = """
        INSERT INTO gatepass_subjects AS old (subject, epoch) VALUES ('ada', 1)
        ON CONFLICT (subject) DO UPDATE SET epoch = old.epoch + 1
        """
    engine = engine_of(database_url() if where == "postgres" else url)
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


@pytest.mark.parametrize("everybody", [False, True])
@pytest.mark.parametrize("where", ["sqlite", "postgres", "redis 8"])
def test_an_epoch_that_an_older_release_raised_counts_as_raised_now(
    where: str, twin: str, runner: Runner, url: str, clock: Clock, *, everybody: bool
) -> None:
    with closing(store_on(where, twin, runner, url, clock)) as store:
        assert store.last_epoch("ada") == (0, 0)

        def revoke() -> None:
            clock.forward(SECOND)
            if everybody:
                store.revoke_all(reason="restored")
            else:
                store.revoke_subject("ada", reason="theft")

        for epoch in (1, 3):
            raise_as_before(where, url, everybody=everybody)
            clock.forward(SECOND)
            assert store.last_epoch("ada") == (epoch, clock.ms)
            revoke()
            raised_ms = clock.ms
            clock.forward(SECOND)
            assert store.last_epoch("ada") == (epoch + 1, raised_ms)
