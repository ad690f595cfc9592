"""Marks of devices: forged, stolen, outdated, and taken for something else."""

import json
from collections.abc import Callable

import pytest

from gatepass.errors import TokenError
from gatepass.gate.devices import DEVICE_PURPOSE, KEPT, Device, split_marks
from gatepass.http import MAX_COOKIE, Limits
from gatepass.jose import SharedKey, inspect, sign, verify
from tests.attacks.guessing import COOKIE, Login, Outcome
from tests.attacks.service import ACCESS, REFRESH

YEAR_S = 365 * 86_400
KEY = SharedKey.from_bytes(REFRESH.derive(DEVICE_PURPOSE))


def resigned(mark: str, key: SharedKey = KEY, typ: str | None = "device+jwt") -> str:
    return sign(inspect(mark).payload, key, typ=typ)


def _cut(mark: str) -> str:
    return mark[:-1]


def _renamed(mark: str) -> str:
    """The mark of mallory, who wrote another's name over hers."""
    head, _, signature = mark.split(".")
    claims = dict(inspect(mark).claims) | {"sub": "user-ada"}
    return ".".join([head, sign(claims, ACCESS).split(".")[1], signature])


BAD: dict[str, Callable[[Login, Outcome, Outcome], str]] = {
    "of another account": lambda _login, _own, other: other.mark,
    "of another account, renamed": lambda _login, _own, other: _renamed(other.mark),
    "cut": lambda _login, own, _other: _cut(own.mark),
    "signed by the key of access tokens": lambda _login, own, _other: resigned(own.mark, ACCESS),
    "signed by the key of refresh tokens": lambda _login, own, _other: resigned(own.mark, REFRESH),
    "of another type": lambda _login, own, _other: resigned(own.mark, typ="at+jwt"),
    "the access token": lambda _login, own, _other: str(own.body["access_token"]),
    "the refresh token": lambda _login, own, _other: str(own.body["refresh_token"]),
    "no token": lambda *_: "no token",
    "three dots": lambda *_: "...",
    "not ASCII": lambda *_: "ä.ö.ü",
    "much too long": lambda *_: "a" * 60_000,
}


@pytest.mark.parametrize("kind", BAD)
def test_a_mark_that_is_not_this_accounts_is_ignored(kind: str) -> None:
    login = Login()
    own, other = login.log_in(), login.log_in("mallory", address="203.0.113.9")
    mark = BAD[kind](login, own, other)
    login.exhaust()

    assert login.log_in(address="203.0.113.1", device_token=mark).status == 429
    assert login.log_in(address="203.0.113.1", device_token=own.mark).status == 200


@pytest.mark.parametrize("kind", BAD)
def test_a_mark_that_is_ignored_harms_no_login(kind: str) -> None:
    login = Login()
    mark = BAD[kind](login, login.log_in(), login.log_in("mallory"))

    assert login.log_in(device_token=mark).status == 200


@pytest.mark.parametrize("value", [7, ["a"], {"a": 1}, True])
def test_a_mark_that_is_no_text_is_an_invalid_request(value: object) -> None:
    assert Login().log_in(device_token=value).status == 400


def test_a_password_change_and_a_logout_everywhere_end_all_marks() -> None:
    login = Login()
    mark, others = login.log_in().mark, login.log_in("grace").mark
    login.manager.revoke_subject("user-ada", reason="password change")
    login.exhaust()

    assert login.log_in(address="203.0.113.1", device_token=mark).status == 429
    assert login.log_in("grace", device_token=others).status == 200


def test_a_mark_holds_for_a_year_after_the_last_login_and_a_logout_leaves_it() -> None:
    login = Login()
    first = login.log_in()
    login.manager.log_out(access_token=first.body["access_token"])
    login.now += YEAR_S - 60
    second = login.log_in(device_token=first.mark)
    login.now += 120
    login.exhaust()

    assert login.log_in(address="203.0.113.1", device_token=first.mark).status == 429
    assert login.log_in(address="203.0.113.1", device_token=second.mark).status == 200


def test_a_mark_opens_nothing() -> None:
    login = Login()
    mark = login.log_in().mark
    for as_access in (mark, resigned(mark, ACCESS)):
        with pytest.raises(TokenError):
            login.manager.verify(as_access)
    for as_refresh in (mark, resigned(mark, REFRESH), resigned(mark, REFRESH, "rt+jwt")):
        with pytest.raises(TokenError):
            login.manager.refresh(as_refresh)
    assert login.guess(device_token=mark).status == 401


def test_a_mark_tells_no_user_name() -> None:
    claims = verify(Login().log_in().mark, KEY).payload

    assert set(json.loads(claims)) == {"jti", "sub", "epoch", "name", "iat"}
    assert b'"ada"' not in claims


def test_a_mark_of_a_name_in_capitals_buys_no_guess_at_the_one_in_small_letters() -> None:
    """The application tells both apart, and a stranger owns the one in capitals."""
    login = Login()
    marks = [login.log_in("ADA", address=f"203.0.113.{number}").mark for number in range(20)]
    login.tried.clear()
    for number, mark in enumerate(marks * 10):
        login.guess("ada", address=f"192.0.2.{number}", device_token=mark)

    assert len(login.tried) == 10


def test_logging_in_again_and_again_makes_no_second_device_of_one() -> None:
    login = Login()
    mark = login.log_in().mark
    marks = [login.log_in(device_token=mark).mark for _ in range(5)]
    login.now += 120
    login.tried.clear()
    for one in marks * 10:
        login.guess(device_token=one)

    assert len(login.tried) == 10


def test_a_browser_keeps_the_marks_of_the_last_accounts() -> None:
    login = Login()
    value, cookies = "", []
    for name in ("mallory", "ada", "grace", "ada"):
        outcome = login.log_in(name, cookies=True, headers=(("cookie", f"{COOKIE}={value}"),))
        assert outcome.status == 200
        assert "device_token" not in outcome.body
        value = outcome.cookie
        cookies.append(value)
    login.exhaust("ada")
    with_cookie = (("cookie", f"other=1; {COOKIE}={value}"),)

    assert [len(one.split("~")) for one in cookies] == [1, 2, 3, KEPT]
    for name in ("ada", "grace", "mallory"):
        assert login.log_in(name, headers=with_cookie, address="203.0.113.1").status == 200
    assert login.log_in("ada", address="203.0.113.1").status == 429


def test_a_cookie_is_secure_hidden_and_for_this_host() -> None:
    outcome = Login().log_in(cookies=True)
    [line] = [one for one in outcome.cookies if one.startswith(COOKIE)]

    assert line.partition("; ")[2] == "HttpOnly; Max-Age=31536000; Path=/; SameSite=Strict; Secure"


@pytest.mark.parametrize(
    "headers",
    [
        (("cookie", f"{COOKIE}=a; {COOKIE}=b"),),
        (("cookie", f"{COOKIE}={'~' * 3_000}"),),
        (("cookie", f"{COOKIE}=\x80\xff"),),
    ],
    ids=["twice", "only separators", "not ASCII"],
)
def test_a_planted_cookie_harms_no_login(headers: tuple[tuple[str, str], ...]) -> None:
    assert Login().log_in(headers=headers, cookies=True).status == 200


def test_marks_of_long_subjects_stay_below_the_size_of_a_cookie() -> None:
    devices = Login().gate.limits.devices
    value = ""
    for name in ("ada", "grace", "mallory"):
        mark = devices.mark(name, Device(name, "\U0001f600" * 255, 0))
        value = devices.join(mark, split_marks(value), name)

    assert MAX_COOKIE - 200 > len(value) > len(mark)
    assert devices.find(split_marks(value), "mallory") is not None


@pytest.mark.parametrize("limits", [Limits(device=None), None], ids=["no device", "none"])
def test_without_a_limit_for_devices_there_are_no_marks(limits: Limits | None) -> None:
    outcome, in_cookies = Login(limits).log_in(), Login(limits).log_in(cookies=True)

    assert outcome.status == in_cookies.status == 200
    assert "device_token" not in outcome.body
    assert len(in_cookies.cookies) == 3


def test_a_mark_counts_for_no_other_service_with_the_same_refresh_key() -> None:
    """Whoever has the name of the victim at another service has a mark, and as many as it likes."""
    other, login = Login(audience="another service"), Login()
    for _ in range(10):
        login.guess("ada")
    foreign = [other.log_in("ada").mark for _ in range(3)]

    assert [login.guess("ada", device_token=mark).status for mark in foreign] == [429] * 3


def test_good_logins_of_a_marked_device_are_limited_too() -> None:
    login = Login()
    mark = login.log_in("mallory").mark
    found = [login.log_in("mallory", device_token=mark).status for _ in range(12)]

    assert found == [200] * 10 + [429] * 2
    assert login.log_in("ada").status == 200
