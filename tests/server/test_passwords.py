"""Passwords and user names by themselves."""

from pathlib import Path
from typing import Any, Literal

import argon2
import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from gatepass import TokenManager, TokenPolicy
from gatepass.jose import SharedKey
from gatepass.server.accounts import Accounts
from gatepass.server.common_passwords import COMMON_PASSWORDS
from gatepass.server.errors import AccountRejected
from gatepass.server.passwords import MIN_PASSWORD, Passwords
from gatepass.server.usernames import MAX_USERNAME, find_username, parse_username
from gatepass.stores.sql import SqlStore
from tests.cli.command import CHEAP
from tests.server.world import CountingHasher


class Spy(PasswordHasher):
    """Tells what it verified."""

    verified = ""

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002
        self.verified = str(hash)
        return super().verify(hash, password)


def test_a_hash_costs_what_rfc_9106_recommends_whatever_the_librarys_defaults_are() -> None:
    found = argon2.extract_parameters(Passwords().hash("a long password"))

    assert found == argon2.profiles.RFC_9106_LOW_MEMORY


@pytest.mark.parametrize("costs", [{"hash_len": 32}, {"time_cost": 2, "hash_len": 16}])
def test_nobodys_hash_costs_what_a_real_one_costs(costs: dict[str, Any]) -> None:
    spy = Spy(**CHEAP)
    passwords = Passwords(spy)
    real = PasswordHasher(**CHEAP | costs).hash("a long password")
    passwords.refuse("a long password", like=real)
    refused = spy.verified

    assert refused != real
    assert argon2.extract_parameters(refused) == argon2.extract_parameters(real)
    assert len(refused) == len(real)
    assert passwords.verify(real, "a long password")


@pytest.mark.parametrize("kept", [None, "", "plain", "$2b$12$x"])
def test_without_a_hash_to_be_like_nobodys_costs_what_a_new_one_costs(kept: str | None) -> None:
    spy = Spy(**CHEAP | {"time_cost": 2})
    passwords = Passwords(spy)
    passwords.refuse("a long password", like=kept)

    new = passwords.hash("a long password")
    assert argon2.extract_parameters(spy.verified) == argon2.extract_parameters(new)


def test_nobodys_hash_differs_every_time() -> None:
    hasher = CountingHasher()
    for _ in range(2):
        Passwords(hasher).refuse("x", like=None)

    assert len(set(hasher.verified)) == 2


@pytest.mark.parametrize("kept", ["", "plain", "$argon2id$v=19$m=8,t=1,p=1$AAAA$", "$2b$12$x"])
def test_a_hash_that_is_none_belongs_to_no_password(kept: str) -> None:
    assert not Passwords(CountingHasher()).verify(kept, "a long password")


@pytest.mark.parametrize("password", ["", "1234567", "\ud800" * 8, "x" * 1025, "\u20ac" * 400])
def test_a_password_out_of_bounds_is_refused_and_not_told(password: str) -> None:
    with pytest.raises(AccountRejected) as caught:
        Passwords(CountingHasher()).hash(password)

    assert not password or password not in str(caught.value)


@pytest.mark.parametrize(
    "password",
    [
        "password",
        "PASSWORD1",
        "\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18",
        "qwertyuiop",
        "iloveyou",
    ],
)
def test_a_password_that_is_tried_first_is_refused_for_an_account(password: str) -> None:
    with pytest.raises(AccountRejected, match="too common"):
        Passwords(CountingHasher()).hash_new(password, "ada")


@pytest.mark.parametrize("password", [" " * 8, "\u3000\u2003 \t\n \u00a0 "])
def test_blanks_are_no_password(password: str) -> None:
    with pytest.raises(AccountRejected, match="blanks"):
        Passwords(CountingHasher()).hash_new(password, "ada")


def test_an_accounts_own_name_is_no_password(tmp_path: Path) -> None:
    store = SqlStore.from_url(f"sqlite:///{tmp_path}/gate.db")
    store.upgrade()
    accounts = Accounts(store.engine, Passwords(CountingHasher()))
    with pytest.raises(AccountRejected, match="user name"):
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
    with manager, pytest.raises(AccountRejected, match="user name"):
        accounts.set_password("lovelace", "Lovelace", manager)

    assert accounts.check_password(added.subject, "a long password") is not None


def test_every_common_password_would_be_long_enough() -> None:
    assert len(COMMON_PASSWORDS) >= 200
    assert all(len(each) >= MIN_PASSWORD for each in COMMON_PASSWORDS)
    assert all(each == each.casefold() for each in COMMON_PASSWORDS)


@given(st.text())
def test_any_text_is_verified_without_an_error(password: str) -> None:
    passwords = Passwords(CountingHasher())

    passwords.refuse(password, like=None)
    assert not passwords.verify(passwords.hash("another password"), password)


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
