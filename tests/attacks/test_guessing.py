"""Guessing passwords over HTTP, and locking others out by it."""

import itertools

import pytest

from gatepass.http import Limits
from tests.attacks.guessing import PASSWORD, WRONG, Login

HOUR_S = 3600


def test_ten_thousand_guesses_from_a_hundred_addresses_get_ten_checks() -> None:
    login = Login()
    mark = login.log_in(address="203.0.113.1").mark
    login.tried.clear()
    outcomes = [login.guess(address=f"192.0.2.{number % 100}") for number in range(10_000)]

    assert login.tried == ["ada"] * 10
    assert [one.status for one in outcomes] == [401] * 10 + [429] * 9_990
    assert all(1 <= (one.retry_after or 0) <= HOUR_S for one in outcomes[10:])
    assert login.log_in(address="192.0.2.1", device_token=mark).status == 200
    late = login.log_in(address="203.0.113.2")
    assert late.status == 429
    assert late.retry_after is not None
    login.now += late.retry_after
    assert login.log_in(address="203.0.113.2").status == 200


def test_a_botnet_of_a_hundred_thousand_networks_gains_nothing() -> None:
    login = Login()
    for number in range(1_000):
        login.guess(address=f"2001:db8:{number:x}::1")

    assert len(login.tried) == 10


def test_one_address_that_tries_one_password_on_many_names_gets_ten_a_minute() -> None:
    login = Login()
    for number in range(100):
        login.guess(f"user{number}")

    assert len(login.tried) == 10
    assert login.log_in("grace").status == 429
    assert login.log_in("grace", address="198.51.100.8").status == 200
    login.now += 120
    assert login.log_in("grace").status == 200


def test_a_strangers_own_logins_reset_neither_the_address_nor_the_account() -> None:
    login = Login()
    outcomes = []
    for _ in range(20):
        outcomes.append(login.log_in("mallory").status)
        outcomes.append(login.guess("ada").status)

    assert outcomes == [200, 401] * 5 + [429, 429] * 15
    assert login.tried.count("ada") == 5
    for number in range(20):
        address = f"192.0.2.{number}"
        login.log_in("mallory", address=address)
        login.guess("ada", address=address)
    assert login.tried.count("ada") == 10


def test_an_owner_who_logs_in_from_everywhere_uses_up_nothing() -> None:
    login = Login()
    statuses = [login.log_in(address=f"192.0.2.{number}").status for number in range(50)]

    assert statuses == [200] * 50


def test_a_marked_device_logs_in_for_long_and_guesses_ten_times() -> None:
    login = Login()
    mark = login.log_in().mark
    for _ in range(50):
        login.now += 10
        assert login.log_in(device_token=mark).status == 200
    login.now += 120
    guesses = [login.guess(device_token=mark) for _ in range(12)]
    owner = login.log_in(address="203.0.113.1")

    assert [one.status for one in guesses] == [401] * 10 + [429] * 2
    assert 1 <= (guesses[-1].retry_after or 0) <= 900
    assert login.log_in(device_token=mark).status == 429
    assert owner.status == 200
    login.now += guesses[-1].retry_after or 0
    assert login.log_in(device_token=mark).status == 200


def test_a_guesser_who_may_try_again_was_counted_nowhere_meanwhile() -> None:
    """A limit that says no must not use up another one."""
    login = Login(Limits(login="2/minute", account="4/hour"))
    for _ in range(50):
        login.guess()

    assert len(login.tried) == 2
    assert [login.guess(address="192.0.2.1").status for _ in range(3)] == [401, 401, 429]


@pytest.mark.parametrize("limits", [Limits(), Limits(account="3/hour"), None], ids=str)
def test_known_and_unknown_names_cannot_be_told_apart(limits: Limits | None) -> None:
    login = Login(limits)
    seen: dict[str, list[object]] = {"ada": [], "nobody": [], "": [], "n" * 300: []}
    del seen[""]
    for name, number in itertools.product(seen, range(30)):
        before = len(login.tried), len(login.store.taken)
        outcome = login.guess(name, address=f"192.0.2.{number}" if number % 2 else "192.0.2.200")
        after = len(login.tried), len(login.store.taken)
        seen[name].append((outcome, [b - a for a, b in zip(before, after, strict=True)]))
        login.now += 0 if number < 29 else 2 * HOUR_S

    first, *others = seen.values()
    assert others == [first] * len(others)


def test_limits_cost_one_operation_of_the_store_and_a_mark_one_more() -> None:
    """The epoch that comes after `take` is read by the application, without limits too."""
    login, costs = Login(), []
    mark = login.log_in().mark
    for password, told in ((WRONG, ""), (PASSWORD, ""), (PASSWORD, mark), (PASSWORD, "no mark")):
        login.store.operations.clear()
        login.log_in("ada", password, device_token=told)
        costs.append(" ".join(login.store.operations))

    good = "take subject_epoch issue"
    assert costs == ["take subject_epoch", good, f"subject_epoch {good}", good]


def test_the_store_is_given_no_name_and_no_address() -> None:
    login = Login()
    login.guess("ada", address="192.0.2.7")
    login.guess("ada", address="2001:db8::7")
    keys = [[bucket.key for bucket in taken] for taken in login.store.taken]

    assert [len(one) for one in keys] == [2, 4]
    assert keys[0][0] == keys[1][0]
    assert len({key for one in keys for key in one}) == 5
    assert all(len(key) == 16 and b"ada" not in key for one in keys for key in one)


@pytest.mark.parametrize(
    "spellings",
    [
        ("ada", "ADA", " ada", "ada  ", "\xe0da", "ada\u0301", "a\u200bda", "a\xadda"),
        ("ada", "\uff41\uff44\uff41", "\u1d43da"),
        ("stra\xdfe", "STRASSE", "strasse"),
        ("\U0001f469", "\U0001f469 ", "\U0001f469\ufe0f"),
        ("\u200b", "\u200b"),
        ("mini", "m\u0131ni", "MINI", "M\u0130N\u0130"),
        ("\xf8\u0142\u0111\u0127\xe6", "OLDHAE", "\xd8\u0141\u0110\u0126\xc6"),
    ],
    ids=[
        "letters",
        "wide letters",
        "sharp s",
        "no letters",
        "nothing that is seen",
        "dotless i",
        "strokes",
    ],
)
def test_a_name_in_many_spellings_has_the_guesses_of_one(spellings: tuple[str, ...]) -> None:
    login = Login()
    for number, spelling in enumerate(itertools.islice(itertools.cycle(spellings), 40)):
        login.guess(spelling, address=f"192.0.2.{number}")

    assert len(login.tried) == 10
    assert login.guess("grace").status == 401


def test_an_ipv6_customer_has_a_budget_for_each_size_of_network() -> None:
    limits = Limits(account=None)

    def tried(*addresses: str) -> int:
        login = Login(limits)
        for number, address in enumerate(addresses):
            login.guess(f"user{number}", address=address)
        return len(login.tried)

    assert tried(*(f"2001:db8::{one:x}" for one in range(100))) == 10
    assert tried(*(f"2001:db8:0:{one % 256:x}::1" for one in range(1_000))) == 40
    assert tried(*(f"2001:db8:0:{one:x}::1" for one in range(0, 65_536, 64))) == 160
    assert tried(*(f"2001:db8:{one:x}::1" for one in range(300))) == 300


@pytest.mark.parametrize(
    "told",
    ["203.0.113.{}", "203.0.113.{}, 10.0.0.1", "[2001:db8::{}]:80", "{}", "unknown", "", ",,"],
    ids=["an address", "a list", "IPv6 with a port", "a number", "a word", "nothing", "commas"],
)
def test_lies_in_x_forwarded_for_buy_no_guess(told: str) -> None:
    direct, behind = Login(), Login(trusted_proxies=("10.0.0.0/8",))
    for number in range(100):
        lie = ("x-forwarded-for", told.format(number))
        direct.guess(f"user{number}", headers=(lie,))
        lie_and_truth = ("x-forwarded-for", f"{told.format(number)}, 198.51.100.7:{1_024 + number}")
        behind.guess(f"user{number}", address="10.0.0.2", headers=(lie_and_truth,))

    assert len(direct.tried) == len(behind.tried) == 10
    other = behind.guess(address="10.0.0.2", headers=(("x-forwarded-for", "198.51.100.8"),))
    assert other.status == 401


def test_clients_of_a_socket_file_share_one_budget() -> None:
    login = Login()
    for number in range(30):
        login.guess(f"user{number}", address="")

    assert len(login.tried) == 10


def test_a_login_whose_confirmation_is_lost_gives_back_once() -> None:
    """The store gave back in the step that opened the session; only the answer is missing."""
    login = Login(Limits(login=None, device=None))
    for _ in range(8):
        login.guess("ada")
    login.store.loses_answers = True
    assert [login.log_in("ada").status for _ in range(8)] == [503] * 8
    login.store.loses_answers = False
    login.tried.clear()
    for _ in range(10):
        login.guess("ada")

    assert len(login.tried) == 2
