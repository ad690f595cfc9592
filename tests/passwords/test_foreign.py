"""Password hashes that other programs made: which passwords they have, and what they may cost."""

import builtins
import hashlib
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import bcrypt
import pytest
from django.contrib.auth import hashers
from hypothesis import given
from hypothesis import strategies as st
from passlib import hash as passlib  # type: ignore[import-untyped]

from gatepass.errors import HashRejected
from gatepass.passwords import MAX_PASSWORD, Passwords, require_hash
from tests.passwords.peers import BCRYPT, KINDS, PUBLISHED
from tests.server.world import CountingHasher

WORD = "a pässword"
TYPED = "\ufb01ve \u212bngstr\u00f6m"
"""Not in normal form."""


@pytest.fixture
def passwords() -> Passwords:
    return Passwords(CountingHasher())


@pytest.mark.parametrize("word", [WORD, TYPED, "x" * 71, "\u00fc" * 36, "x" * 255])
@pytest.mark.parametrize("kind", KINDS)
def test_a_hash_of_another_program_has_its_password_and_no_other(
    passwords: Passwords, kind: str, word: str
) -> None:
    if kind in {"django bcrypt", "passlib bcrypt"}:
        word = word.encode()[:72].decode()  # bcrypt 5 takes no longer ones
    if kind == "passlib sha512_crypt":
        word = word.encode()[:128].decode()
    kept = KINDS[kind](word)
    require_hash(kept)

    assert passwords.verify(kept, word)
    assert passwords.needs_rehash(kept)
    for other in (f"?{word[1:]}", "", word.upper(), "\ud800", "\0", word[1:] * 1000):
        assert not passwords.verify(kept, other)


@pytest.mark.parametrize(("kept", "word"), PUBLISHED.items())
def test_a_hash_that_others_published(passwords: Passwords, kept: str, word: str) -> None:
    require_hash(kept)

    assert passwords.verify(kept, word)
    assert not passwords.verify(kept, f"?{word[1:]}")


@pytest.mark.parametrize("kind", BCRYPT)
def test_bcrypt_reads_72_bytes_of_a_password_as_it_did_in_the_program(
    passwords: Passwords, kind: str
) -> None:
    long = "\u00fc" * 35 + "xyz"  # 73 bytes
    kept = KINDS[kind](long[:-1])

    assert passwords.verify(kept, long)
    assert passwords.verify(kept, long[:-1] + "?" * 100)
    assert not passwords.verify(kept, long[:-2])
    assert not passwords.verify(kept, "?" + long[1:])


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - set(BCRYPT)))
def test_every_other_kind_reads_every_byte(passwords: Passwords, kind: str) -> None:
    kept = KINDS[kind]("x" * 100)

    assert passwords.verify(kept, "x" * 100)
    assert not passwords.verify(kept, "x" * 72)
    assert not passwords.verify(kept, "x" * 99 + "y")


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - {"argon2id", "argon2i", "django argon2"}))
def test_a_password_that_could_get_no_new_hash_belongs_to_none(
    passwords: Passwords, kind: str
) -> None:
    longest = "x" * (128 if kind == "passlib sha512_crypt" else MAX_PASSWORD)
    kept = KINDS[kind]("x" * 72 if kind in BCRYPT else longest)

    assert passwords.verify(kept, longest)
    assert not passwords.verify(kept, longest + "x")


KEPT = {kind: make(WORD) for kind, make in KINDS.items()}


@given(st.data())
def test_any_damage_is_a_typed_refusal_and_never_another_password(data: st.DataObject) -> None:
    kept = data.draw(st.sampled_from(sorted(KEPT.values())))
    start = data.draw(st.integers(0, len(kept)))
    end = data.draw(st.integers(start, min(len(kept), start + 3)))
    damaged = kept[:start] + data.draw(st.text("$,:=./A0\u0661\ud800\0", max_size=3)) + kept[end:]
    passwords = Passwords(CountingHasher())
    with suppress(HashRejected):
        require_hash(damaged)

    assert not passwords.verify(damaged, "another password")


@given(st.text())
def test_any_text_as_a_hash_is_verified_without_an_error(kept: str) -> None:
    passwords = Passwords(CountingHasher())

    assert not passwords.verify(kept, WORD)
    passwords.refuse(WORD, like=kept)


class Work:
    """Writes down which primitive works with which costs."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.done: list[tuple[object, ...]] = []
        self._patch = monkeypatch
        self._spy(hashlib, "pbkdf2_hmac", lambda name, _, salt, rounds: (name, salt, rounds))
        self._spy(hashlib, "scrypt", lambda _, **costs: tuple(sorted(costs.items())))
        self._spy(bcrypt, "hashpw", lambda _, setting: (setting,))
        self._spy(passlib.sha512_crypt, "verify", self._sha512_crypt)

    def _sha512_crypt(self, password: bytes, kept: str) -> tuple[str]:
        assert len(password) <= 128  # each round reads all of it
        return (kept,)

    def _spy(self, owner: Any, name: str, costs: Callable[..., tuple[object, ...]]) -> None:
        real = getattr(owner, name)

        def spy(*args: Any, **kwargs: Any) -> Any:
            self.done.append((name, *costs(*args, **kwargs)))
            return real(*args, **kwargs)

        self._patch.setattr(owner, name, spy)


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - {"argon2id", "argon2i", "django argon2"}))
def test_a_refusal_does_the_work_of_a_check_whatever_the_password_is(
    monkeypatch: pytest.MonkeyPatch, passwords: Passwords, kind: str
) -> None:
    kept = KEPT[kind]
    work = Work(monkeypatch)
    for word in (WORD, "wrong", "", "\ud800", "x" * 129, "x" * 2000, "a\0b"):
        passwords.verify(kept, word)
        passwords.refuse(word, like=kept)

    assert len(work.done) == 14
    assert len(set(work.done)) == 1


def test_a_refusal_like_djangos_argon2_costs_what_it_costs() -> None:
    hasher = CountingHasher()
    Passwords(hasher).refuse(WORD, like=KEPT["django argon2"])

    assert [each.split("$")[3] for each in hasher.verified] == ["m=64,t=1,p=8"]


def test_a_kind_whose_library_is_missing_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, passwords: Passwords
) -> None:
    real = builtins.__import__

    def fail(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.partition(".")[0] in {"bcrypt", "passlib"}:
            raise ModuleNotFoundError(name=name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", fail)
    for kind in ("bcrypt 2b", "passlib sha512_crypt", "django bcrypt_sha256"):
        with pytest.raises(ModuleNotFoundError, match=r"pip install 'gatepass\[migrate\]'"):
            passwords.verify(KEPT[kind], WORD)
    assert passwords.verify(KEPT["django scrypt"], WORD)


def test_djangos_own_check_agrees_about_every_hash_of_its_own(passwords: Passwords) -> None:
    for kind, hasher in {
        "django bcrypt_sha256": hashers.BCryptSHA256PasswordHasher(),
        "django scrypt": hashers.ScryptPasswordHasher(),
    }.items():
        for word in ("x" * 72, "x" * 73, "x" * 100):
            kept = KINDS[kind]("x" * 73)
            assert passwords.verify(kept, word) == hasher.verify(word, kept)
