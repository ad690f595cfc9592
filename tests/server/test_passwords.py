"""Passwords of accounts, and user names by themselves."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from gatepass import TokenManager, TokenPolicy
from gatepass.errors import PasswordRejected
from gatepass.jose import SharedKey
from gatepass.passwords import Passwords
from gatepass.server.accounts import Accounts
from gatepass.server.errors import AccountRejected
from gatepass.server.usernames import MAX_USERNAME, find_username, parse_username
from gatepass.stores.sql import SqlStore
from tests.server.world import CountingHasher


def test_an_accounts_own_name_is_no_password(tmp_path: Path) -> None:
    store = SqlStore.from_url(f"sqlite:///{tmp_path}/gate.db")
    store.upgrade()
    accounts = Accounts(store.engine, Passwords(CountingHasher()))
    with pytest.raises(PasswordRejected, match="user name"):
        accounts.add("Lovelace", "LOVELACE")
    added = accounts.add("Lovelace", "a long password")
    with store.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM gatepass_accounts")).scalar() == 1
    manager = TokenManager(
        TokenPolicy(issuer="a", audience="b"),
        access_keys=SharedKey.generate(),
        refresh_keys=SharedKey.generate(),
        store=store,
    )
    with manager, pytest.raises(PasswordRejected, match="user name"):
        accounts.set_password("lovelace", "Lovelace", manager)

    assert accounts.check_password(added.subject, "a long password") is not None


@given(st.text(max_size=80))
def test_a_user_name_has_one_spelling_or_none(typed: str) -> None:
    found = find_username(typed)

    if found is None:
        with pytest.raises(AccountRejected):
            parse_username(typed)
    else:
        assert parse_username(typed) == find_username(found) == found
        assert 0 < len(found) <= MAX_USERNAME
        assert found.isprintable()
        assert " " not in found
