"""The policy that the environment gives to tokens, and what a manager may have of its own."""

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepass.errors import ClaimsRejected, SessionRevoked, SettingsRejected
from gatepass.jose import inspect
from gatepass.settings import TokenSettings, parse_duration
from gatepass.stores.memory import AsyncMemoryStore, MemoryStore
from tests.settings.test_settings import GOOD, refusal


def test_every_variable_reaches_the_policy() -> None:
    policy = TokenSettings.from_env(
        {
            **GOOD,
            "JWT_ISSUER": "https://id.example",
            "JWT_AUDIENCE": "shop",
            "JWT_ACCESS_LIFETIME": "5m",
            "JWT_REFRESH_LIFETIME": "1d12h",
            "JWT_SESSION_LIFETIME": "900000",
            "JWT_CLIENT_ID": "web",
            "JWT_LEEWAY": "0",
            "JWT_ROTATION_LEEWAY": "1m",
            "JWT_MAX_SESSIONS": "3",
            "JWT_ACCESS_FORMAT": "opaque",
            "JWT_ACCEPTED_UNTIL": "2030-01-31T12:00:00+01:00",
            "JWT_REQUIRED_CLAIMS": "role, org",
            "JWT_ALLOWED_VALUES": '{"role": ["admin", 7, true]}',
        }
    ).policy

    assert (policy.issuer, policy.audience) == ("https://id.example", "shop")
    assert policy.access_lifetime == timedelta(minutes=5)
    assert policy.refresh_lifetime == timedelta(days=1, hours=12)
    assert policy.session_lifetime == timedelta(seconds=900_000)
    assert (policy.client_id, policy.max_sessions) == ("web", 3)
    assert (policy.leeway, policy.rotation_leeway) == (timedelta(), timedelta(minutes=1))
    assert policy.access_format == "opaque"
    assert policy.jwt_until == datetime(2030, 1, 31, 11, tzinfo=UTC)
    assert policy.required_claims == ("role", "org")
    assert policy.allowed_values == {"role": ("admin", 7, True)}


def test_a_manager_may_have_some_of_the_policy_of_its_own() -> None:
    settings = TokenSettings.from_env({**GOOD, "JWT_REQUIRED_CLAIMS": "role", "JWT_LEEWAY": "5"})
    manager = settings.manager(MemoryStore(), max_sessions=1, required_claims=["org"])
    waiting = settings.async_manager(AsyncMemoryStore(), client_id="web")
    first = manager.issue("ada", {"org": "a"})
    second = manager.issue("ada", {"org": "a"})

    assert [each.session_id for each in manager.sessions("ada")] == [second.session_id]
    with pytest.raises(SessionRevoked):
        manager.refresh(first.refresh_token)
    with pytest.raises(ClaimsRejected, match="role"):
        asyncio.run(waiting.issue("ada"))
    pair = asyncio.run(waiting.issue("ada", {"role": "user"}))
    assert inspect(pair.access_token).claims["client_id"] == "web"
    with pytest.raises(SettingsRejected, match="max_sessions"):
        settings.manager(MemoryStore(), max_sessions=0)


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"JWT_ACCESS_FORMAT": "paseto"}, "JWT_ACCESS_FORMAT is jwt or opaque"),
        ({"JWT_ACCEPTED_UNTIL": "2030-01-31T12:00:00Z"}, "JWT_ACCEPTED_UNTIL has a meaning with"),
        ({"JWT_ACCEPTED_UNTIL": "2030-01-31T12:00:00"}, "JWT_ACCEPTED_UNTIL: write a date and a"),
        ({"JWT_ACCEPTED_UNTIL": "2030-01-31"}, "JWT_ACCEPTED_UNTIL: write a date and a time"),
        ({"JWT_ACCEPTED_UNTIL": "tomorrow"}, "JWT_ACCEPTED_UNTIL: write a date and a time"),
    ],
)
def test_a_format_and_a_moment_that_mean_nothing_are_rejected(
    variables: dict[str, str], reason: str
) -> None:
    assert refusal(GOOD | variables).startswith(reason)


def test_a_manager_of_the_environment_issues_opaque_tokens() -> None:
    settings = TokenSettings.from_env({**GOOD, "JWT_ACCESS_FORMAT": "opaque"})
    manager = settings.manager(MemoryStore())

    assert manager.verify(manager.issue("ada").access_token).subject == "ada"
    jwts = settings.manager(MemoryStore(), access_format="jwt")
    assert jwts.issue("ada").access_token.count(".") == 2


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("900", timedelta(seconds=900)),
        ("45s", timedelta(seconds=45)),
        ("15m", timedelta(minutes=15)),
        ("12h", timedelta(hours=12)),
        ("7d", timedelta(days=7)),
        ("1h30m", timedelta(hours=1, minutes=30)),
        (" 1d2h3m4s ", timedelta(days=1, hours=2, minutes=3, seconds=4)),
    ],
)
def test_durations_are_written_as_people_write_them(text: str, duration: timedelta) -> None:
    assert parse_duration(text) == duration


@pytest.mark.parametrize(
    "text",
    ["", "0", "0m", "-5m", "15 m", "15min", "1.5h", "m", "30m1h", "\u0661\u0665m", "9" * 40, "1w"],
)
def test_what_is_no_duration_is_refused_with_the_variable(text: str) -> None:
    if text:
        assert refusal({**GOOD, "JWT_ACCESS_LIFETIME": text}).startswith("JWT_ACCESS_LIFETIME")
    with pytest.raises(SettingsRejected):
        parse_duration(text)


@given(st.text(max_size=20))
def test_any_text_is_a_duration_or_refused(text: str) -> None:
    with contextlib.suppress(SettingsRejected):
        assert parse_duration(text) > timedelta(0)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("JWT_ACCESS_LIFETIME", "9999d"),
        ("JWT_REFRESH_LIFETIME", "1m"),
        ("JWT_SESSION_LIFETIME", "99999d"),
        ("JWT_ISSUER", "i" * 300),
        ("JWT_CLIENT_ID", "i" * 300),
        ("JWT_LEEWAY", "61"),
        ("JWT_LEEWAY", "-1"),
        ("JWT_ROTATION_LEEWAY", "2m"),
        ("JWT_MAX_SESSIONS", "0"),
        ("JWT_MAX_SESSIONS", "many"),
        ("JWT_MAX_SESSIONS", "9" * 5000),
        ("JWT_MAX_SESSIONS", "\u0663"),
        ("JWT_REQUIRED_CLAIMS", "role,,org"),
        ("JWT_ALLOWED_VALUES", "role=admin"),
        ("JWT_ALLOWED_VALUES", '{"role": "admin"}'),
        ("JWT_ALLOWED_VALUES", "[" * 100_000),
    ],
    ids=lambda value: ascii(value)[:24],
)
def test_what_the_policy_refuses_names_a_variable(variable: str, value: str) -> None:
    assert refusal({**GOOD, variable: value}).startswith(variable)


def test_a_lifetime_that_outlives_another_names_the_other() -> None:
    assert refusal({**GOOD, "JWT_ACCESS_LIFETIME": "400d"}).startswith("JWT_REFRESH_LIFETIME")
