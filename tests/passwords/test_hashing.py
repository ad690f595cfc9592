"""Hashes of passwords, the rules for new ones, and the threads that check them."""

import asyncio
import threading
from typing import Any, Literal

import argon2
import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st

from gatepass.errors import PasswordRejected
from gatepass.http import RequestRefused
from gatepass.http.problems import RATE_LIMITED
from gatepass.passwords import COMMON_PASSWORDS, MIN_PASSWORD, PasswordPool, Passwords
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
    with pytest.raises(PasswordRejected) as caught:
        Passwords(CountingHasher()).hash_new(password, "ada")

    assert not password or password not in str(caught.value)


@pytest.mark.parametrize("password", ["\ud800" * 8, "x" * 1025, "\u20ac" * 400])
def test_what_nobody_can_log_in_with_is_not_hashed_again_either(password: str) -> None:
    with pytest.raises(PasswordRejected, match="at most 1024 bytes"):
        Passwords(CountingHasher()).hash(password)


def test_a_password_from_before_the_rules_is_hashed_again_with_todays_costs() -> None:
    old, new = Passwords(CountingHasher()), Passwords(CountingHasher(time_cost=2))
    kept = old.hash("secret")

    assert not old.needs_rehash(kept)
    assert new.verify(kept, "secret")
    assert new.needs_rehash(kept)
    assert not new.needs_rehash(new.hash("secret"))


def test_the_user_name_is_no_password_in_any_spelling() -> None:
    with pytest.raises(PasswordRejected, match="user name"):
        Passwords(CountingHasher()).hash_new("\uff2c\uff4fvelace", "LoveLace")


def test_a_service_has_its_own_list_of_common_passwords() -> None:
    passwords = Passwords(CountingHasher(), common=COMMON_PASSWORDS | {"acme-corporation"})
    for password in ("Acme-Corporation", "password1"):
        with pytest.raises(PasswordRejected, match="too common"):
            passwords.hash_new(password, "ada")


def test_a_user_who_does_not_exist_costs_one_verification_like_everybody() -> None:
    hasher = CountingHasher()

    assert not Passwords(hasher).verify(None, "a long password")
    assert len(hasher.verified) == 1


def test_a_pool_that_is_full_says_when_to_come_back_and_has_room_again() -> None:
    gate = threading.Event()

    async def use() -> tuple[list[bool], str]:
        pool = PasswordPool(workers=1, waiting=1)
        try:
            both = [asyncio.ensure_future(pool.run(gate.wait)) for _ in range(2)]
            await asyncio.sleep(0)
            with pytest.raises(RequestRefused) as refused:
                await pool.run(str, "never")
            gate.set()
            done = await asyncio.gather(*both)
            assert refused.value.problem is RATE_LIMITED
            return done, await pool.run(str, "then")
        finally:
            gate.set()
            pool.close()

    assert asyncio.run(use()) == ([True, True], "then")


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
    with pytest.raises(PasswordRejected, match="too common"):
        Passwords(CountingHasher()).hash_new(password, "ada")


@pytest.mark.parametrize("password", [" " * 8, "\u3000\u2003 \t\n \u00a0 "])
def test_blanks_are_no_password(password: str) -> None:
    with pytest.raises(PasswordRejected, match="blanks"):
        Passwords(CountingHasher()).hash_new(password, "ada")


def test_every_common_password_would_be_long_enough() -> None:
    assert len(COMMON_PASSWORDS) >= 200
    assert all(len(each) >= MIN_PASSWORD for each in COMMON_PASSWORDS)
    assert all(each == each.casefold() for each in COMMON_PASSWORDS)


@given(st.text())
def test_any_text_is_verified_without_an_error(password: str) -> None:
    passwords = Passwords(CountingHasher())

    passwords.refuse(password, like=None)
    assert not passwords.verify(passwords.hash("another password"), password)
