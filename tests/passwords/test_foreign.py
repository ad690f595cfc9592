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
COSTLY = [
    ("pbkdf2_sha256$3000001$salt${b32}=", "PBKDF2 iterations: 3,000,001"),
    ("pbkdf2:sha512:999999999999$salt${h64}", "PBKDF2 iterations: 999,999,999,999"),
    ("$pbkdf2-sha256$9999999$aaaaaaaa${b32}", "PBKDF2 iterations: 9,999,999"),
    ("scrypt$2097152$salt$8$1${b64}==", "scrypt n * r * p: 16,777,216"),
    ("scrypt:32768:8:8$salt${h64}", "scrypt n * r * p: 2,097,152"),
    ("$scrypt$ln=21,r=8,p=1$aaaaaaaa${b32}", "scrypt ln: 21"),
    ("$2b$15$" + "." * 53, "bcrypt rounds: 15 is not from 4 to 14"),
    ("bcrypt_sha256$$2b$31$" + "." * 53, "bcrypt rounds: 31"),
    ("$6$rounds=1000001$salt$" + "." * 86, "sha512-crypt rounds: 1,000,001"),
    ("$6$rounds=999$salt$" + "." * 86, "sha512-crypt rounds: 999"),
    ("$argon2id$v=19$m=131073,t=1,p=4$aaaaaaaaaaa${b32}", "KiB of argon2 memory: 131,073"),
    ("$argon2id$v=19$m=65536,t=17,p=4$aaaaaaaaaaa${b32}", "argon2 memory times passes"),
    ("argon2$argon2id$v=19$m=65536,t=3,p=17$aaaaaaaaaaa${b32}", "argon2 lanes: 17"),
]
DAMAGED = [
    "",
    "plain",
    "!1a2b3c",
    "sha1$salt$5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8",
    "5f4dcc3b5aa765d61d8327deb882cf99",
    "pbkdf2_sha256$0$salt${b32}=",
    "pbkdf2_sha256$-1$salt${b32}=",
    "pbkdf2_sha256$\u0661$salt${b32}=",
    "pbkdf2_sha256$1$salt$AAAA",
    "pbkdf2_sha256$1$salt$A",
    "pbkdf2:md5:1$salt${h64}",
    "pbkdf2:sha256:1$salt${h64}",
    "$pbkdf2-sha256$1$a${b32}",
    "scrypt$15$salt$8$1${b64}==",
    "scrypt$65536$salt$1$1${b64}==",
    "scrypt$1$salt$8$1${b64}==",
    "scrypt:16:8:1$salt$00",
    "scrypt:16:0:1$salt${h64}",
    "$2x$10$" + "." * 53,
    "$2b$10$" + "." * 52,
    "$2b$10$" + "a" * 53,
    "$2b$10$" + "." * 53 + "\n",
    "bcrypt_sha256$2b$10$" + "." * 53,
    "$6$rounds=01000$salt$" + "." * 86,
    "$6$salt$" + "." * 85 + "z",
    "$argon2id$v=19$m=65536,t=0,p=4$aaaaaaaaaaa${b32}",
    "$argon2id$v=19$m=1,t=1,p=4$aaaaaaaaaaa${b32}",
    "$argon2id$v=18$m=65536,t=1,p=4$aaaaaaaaaaa${b32}",
    "$argon2id$v=19$m=65536,t=1,p=4$aaaaaaaaa$AAAA",
    "$argon2id$v=19$m=" + "9" * 5000 + ",t=1,p=4$aaaaaaaaaaa${b32}",
    "pbkdf2_sha256$1$" + "s" * 600 + "${b32}=",
]


def filled(pattern: str) -> str:
    """The pattern with digests of 32 and 64 bytes."""
    return pattern.replace("{b32}", "A" * 43).replace("{b64}", "A" * 86).replace("{h64}", "0" * 128)


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
    longest = "x" * MAX_PASSWORD
    kept = KINDS[kind]("x" * 72 if kind in BCRYPT else longest)

    assert passwords.verify(kept, longest)
    assert not passwords.verify(kept, longest + "x")


@pytest.mark.parametrize(("pattern", "reason"), COSTLY)
def test_a_hash_that_would_keep_a_thread_busy_is_refused(
    passwords: Passwords, pattern: str, reason: str
) -> None:
    with pytest.raises(HashRejected) as caught:
        require_hash(filled(pattern))

    assert str(caught.value).startswith(reason)
    if "argon2" not in pattern:
        assert not passwords.verify(filled(pattern), WORD)


@pytest.mark.parametrize("pattern", DAMAGED)
def test_a_damaged_hash_is_refused_without_being_shown(passwords: Passwords, pattern: str) -> None:
    kept = filled(pattern)
    with pytest.raises(HashRejected) as caught:
        require_hash(kept)

    assert not kept or kept not in str(caught.value)
    assert not passwords.verify(kept, WORD)
    assert passwords.needs_rehash(kept)
    passwords.refuse(WORD, like=kept)


@pytest.mark.parametrize(
    "kept",
    [
        *(f"pbkdf2_sha256${rounds}$salt${{b32}}=" for rounds in (600_000, 1_500_000, 1_800_000)),
        "scrypt:32768:8:1$salt${h64}",
        "scrypt$16384$salt$8$5${b64}==",
        "$scrypt$ln=17,r=8,p=1$aaaaaaaa${b32}",
        "$2y$14$" + "." * 53,
        f"$6$rounds={passlib.sha512_crypt.default_rounds}$salt$" + "." * 86,
        f"$pbkdf2-sha512${passlib.pbkdf2_sha512.default_rounds}$aaaaaaaa$" + "A" * 86,
        "argon2$argon2id$v=19$m=102400,t=2,p=8$aaaaaaaaaaa${b32}",
        "$argon2id$v=19$m=65536,t=3,p=4$aaaaaaaaaaa${b32}",
    ],
)
def test_the_costs_that_programs_have_by_default_are_within_bounds(kept: str) -> None:
    require_hash(filled(kept))


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
        self._spy(passlib.sha512_crypt, "verify", lambda _, kept: (kept,))

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
    for word in (WORD, "wrong", "", "\ud800", "x" * 2000, "a\0b"):
        passwords.verify(kept, word)
        passwords.refuse(word, like=kept)

    assert len(work.done) == 12
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
