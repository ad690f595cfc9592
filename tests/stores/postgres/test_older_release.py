"""Processes of the release before, over tables that an upgrade changed while they ran."""

from contextlib import closing

import psycopg
import pytest

from gatepass.stores.sql import SqlStore
from tests.stores.plans import key, log_in
from tests.stores.postgres_backend import empty_url

REVOKE_SUBJECT = b"SELECT gatepass_revoke_subject('ada', NULL, 'left', NULL)"
REVOKE_ALL = b"SELECT f.v_ended, f.v_last FROM gatepass_revoke_all('', 1000, 'left', NULL) f"


@pytest.mark.parametrize("revoke", [REVOKE_SUBJECT, REVOKE_ALL])
def test_an_older_process_revokes_and_the_newer_ones_know_when(revoke: bytes) -> None:
    url = empty_url()
    with closing(SqlStore.from_url(url)) as store:
        store.issue(log_in())
        store.issue(key())
        assert store.last_epoch("ada") == (0, 0)
        with psycopg.connect(url) as older:
            [row] = older.execute(revoke).fetchall()
            [epoch] = older.execute("SELECT gatepass_epoch('ada')").fetchall()
        found = store.last_epoch("ada")

        assert (row[0], epoch, found[0]) == (2, (1,), 1)
        assert found[1] > 0
        assert store.sessions("ada") == store.sessions("ada", kind="key") == []
