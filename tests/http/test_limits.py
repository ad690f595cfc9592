"""Limits as values: their texts, bounds and kinds."""

from typing import Any

import pytest

from gatepass.errors import SettingsRejected
from gatepass.http import Limits, Rate


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("10/minute", Rate(10, 60)),
        ("10/15 minutes", Rate(10, 900)),
        ("5 per hour", Rate(5, 3600)),
        ("1/day", Rate(1, 86_400)),
        ("100000/second", Rate(100_000, 1)),
    ],
)
def test_a_rate_is_read_as_people_write_it(text: str, rate: Rate) -> None:
    assert Limits(login=text).rates["login"] == rate


@pytest.mark.parametrize(
    "text",
    ["", "ten a minute", "-1/minute", "10", "10/fortnight", "10/hour; 5/minute"],
)
def test_a_text_that_is_no_rate_is_told_in_one_sentence(text: str) -> None:
    with pytest.raises(SettingsRejected) as rejected:
        Limits(account=text)

    assert str(rejected.value) == (
        "the limit account: a limit is written as 10/minute, 10/hour or 10/15 minutes"
    )


@pytest.mark.parametrize("text", ["0/minute", "100001/minute", "5/2 months"])
def test_a_rate_has_bounds(text: str) -> None:
    with pytest.raises(SettingsRejected, match=r"device: a limit is 1 to 100,000 attempts in"):
        Limits(device=text)


@pytest.mark.parametrize("value", [10, True, b"10/minute", (10, 60), ["10/minute"]])
def test_another_kind_of_value_is_rejected(value: Any) -> None:
    with pytest.raises(SettingsRejected, match="the limit login is a text or None, not "):
        Limits(login=value)


def test_the_defaults_are_those_of_the_documents_and_none_turns_one_off() -> None:
    assert Limits(login="10/minute", account="10/hour", device="10/15 minutes").rates == (
        Limits().rates
    )
    assert set(Limits(account=None).rates) == {"login", "device", "password"}
    assert Limits(password="5/hour").rates == Limits().rates
    off = {"login": None, "account": None, "device": None, "password": None}
    assert Limits(**off, refresh="60/hour").rates == {"refresh": Rate(60, 3600)}
