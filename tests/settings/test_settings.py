"""What the environment may say, and what each refusal says back."""

import asyncio
import traceback
from collections.abc import Mapping
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepass import AsyncTokenManager, TokenManager
from gatepass.errors import GatepassError, SettingsRejected
from gatepass.server.secrets import generate_secret
from gatepass.settings import TokenSettings
from gatepass.stores.memory import AsyncMemoryStore, MemoryStore

A, B, C, D = (generate_secret() for _ in range(4))
GOOD = {"JWT_ACCESS_SECRET": A, "JWT_REFRESH_SECRET": B}


def refusal(environ: Mapping[str, str]) -> str:
    """The one sentence of the refusal; no secret is in it or in its traceback."""
    with pytest.raises(SettingsRejected) as caught:
        TokenSettings.from_env(environ)
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert not any(value in shown for value in (A, B, C, D))
    sentence = str(caught.value)
    assert "\n" not in sentence
    return sentence


def test_two_secrets_are_enough() -> None:
    settings = TokenSettings.from_env(GOOD)

    assert settings.policy.issuer == "api-server"
    assert settings.policy.audience == "api-client"
    assert settings.policy.access_lifetime == timedelta(minutes=15)
    assert len(settings.access_keys.current().keys) == len(settings.refresh_keys.keys) == 1


def test_an_empty_variable_is_one_that_is_not_set() -> None:
    assert TokenSettings.from_env({**GOOD, "JWT_ISSUER": ""}).policy.issuer == "api-server"
    assert refusal({**GOOD, "JWT_ACCESS_SECRET": ""}).startswith("JWT_ACCESS_SECRET is not set")


def test_without_an_argument_the_process_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**GOOD, "JWT_ISSUER": "of-the-process"}.items():
        monkeypatch.setenv(name, value)

    assert TokenSettings.from_env().policy.issuer == "of-the-process"
    assert TokenSettings.from_env(GOOD).policy.issuer == "api-server"


@pytest.mark.parametrize("name", sorted(GOOD))
@pytest.mark.parametrize(
    ("secret", "reason"),
    [
        ("", "is not set"),
        ("Tr0ub4dor&3", "shorter than 32"),
        ("x" * 40, "guessable"),
        ("abcdefghijklmnopqrstuvwxyz0123456789", "guessable"),
        pytest.param(f"{C}\n", "blank", id="blank"),
        ("-----BEGIN PUBLIC KEY-----MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE", "key material"),
    ],
)
def test_a_bad_secret_is_named_with_the_command_that_makes_a_good_one(
    name: str, secret: str, reason: str
) -> None:
    sentence = refusal({**GOOD, name: secret})

    assert sentence.startswith(name)
    assert reason in sentence
    assert sentence.endswith("make a good one with `gatepass secret`")
    assert not secret or secret not in sentence


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"JWT_ACCESS_SECRET": A, "JWT_REFRESH_SECRET": A}, "JWT_REFRESH_SECRET"),
        ({**GOOD, "JWT_ACCESS_SECRET_PREVIOUS": A}, "JWT_ACCESS_SECRET_PREVIOUS"),
        ({**GOOD, "JWT_ACCESS_SECRET_PREVIOUS": B}, "JWT_ACCESS_SECRET_PREVIOUS"),
        ({**GOOD, "JWT_REFRESH_SECRET_PREVIOUS": A}, "JWT_REFRESH_SECRET_PREVIOUS"),
        ({**GOOD, "JWT_REFRESH_SECRET_PREVIOUS": f"{C}, {C}"}, "JWT_REFRESH_SECRET_PREVIOUS"),
        (
            {**GOOD, "JWT_ACCESS_SECRET_PREVIOUS": C, "JWT_REFRESH_SECRET_PREVIOUS": f"{D},{C}"},
            "JWT_REFRESH_SECRET_PREVIOUS",
        ),
    ],
)
def test_a_secret_in_two_places_is_refused(environ: Mapping[str, str], named: str) -> None:
    assert refusal(environ).startswith(f"{named} repeats a secret of ")


def test_previous_secrets_are_accepted_and_do_not_sign() -> None:
    settings = TokenSettings.from_env({**GOOD, "JWT_ACCESS_SECRET_PREVIOUS": f"{C}, {D}"})
    old = TokenSettings.from_env({"JWT_ACCESS_SECRET": C, "JWT_REFRESH_SECRET": B})

    assert settings.access_keys.current().primary.is_same_key(
        TokenSettings.from_env(GOOD).access_keys.current().primary
    )
    assert settings.access_keys.current().keys[1].is_same_key(old.access_keys.current().primary)
    assert len(settings.access_keys.current().keys) == 3


@pytest.mark.parametrize(
    ("previous", "reason"),
    [
        ("weak", "shorter than 32"),
        pytest.param(f"{C},,{D}", "empty secret", id="empty between"),
        pytest.param(f"{C},", "empty secret", id="empty last"),
        pytest.param(",".join(generate_secret() for _ in range(8)), "at most 8", id="many"),
    ],
)
def test_a_bad_previous_secret_is_refused(previous: str, reason: str) -> None:
    sentence = refusal({**GOOD, "JWT_ACCESS_SECRET_PREVIOUS": previous})

    assert sentence.startswith("JWT_ACCESS_SECRET_PREVIOUS")
    assert reason in sentence


@pytest.mark.parametrize("variable", GOOD)
def test_a_secret_whose_halves_would_become_keys_once_it_is_a_previous_one(variable: str) -> None:
    sentence = refusal({**GOOD, variable: f"{C},{D}"})

    assert sentence.startswith(f"{variable} has a comma")
    assert f"{variable}_PREVIOUS" in sentence


def test_a_lone_jwt_secret_gets_a_hint_with_the_right_names() -> None:
    sentence = refusal({"JWT_SECRET": A})

    assert "JWT_ACCESS_SECRET and JWT_REFRESH_SECRET" in sentence
    assert "gatepass secret" in sentence


def test_a_lone_jwt_previous_secret_gets_a_hint_with_the_right_names() -> None:
    sentence = refusal({**GOOD, "JWT_PREVIOUS_SECRET": C})

    assert "JWT_ACCESS_SECRET_PREVIOUS and JWT_REFRESH_SECRET_PREVIOUS" in sentence


def test_a_jwt_secret_of_another_program_does_not_matter() -> None:
    TokenSettings.from_env({**GOOD, "JWT_SECRET": C})


@given(st.dictionaries(st.sampled_from(sorted({*GOOD, "JWT_ISSUER"})), st.text()))
def test_any_environment_is_read_or_refused_in_our_own_words(environ: Mapping[str, str]) -> None:
    try:
        TokenSettings.from_env(environ)
    except GatepassError as error:
        assert "\n" not in str(error)  # noqa: PT017 - what is raised depends on the example


def test_secrets_are_in_no_text_of_the_settings() -> None:
    settings = TokenSettings.from_env(
        {
            **GOOD,
            "JWT_ACCESS_SECRET_PREVIOUS": C,
            "DATABASE_URL": f"postgresql://gate:{D}@db/gate",
        }
    )

    shown = f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"
    assert not any(value in shown for value in (A, B, C, D))


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({}, "DATABASE_URL is not set"),
        ({"DATABASE_URL": f"postgresql://gate:{D}@db:no/gate"}, "DATABASE_URL: the database URL"),
        ({"DATABASE_URL": f"postgres+asyncpg://gate:{D}@db/gate"}, "DATABASE_URL: .*psycopg"),
        ({"DATABASE_URL": "mysql://db/gate"}, "DATABASE_URL is not of the form"),
        ({"DATABASE_URL": "gate.db"}, "DATABASE_URL is not of the form"),
        ({"REDIS_URL": f"redis://:{D}@cache/one"}, "REDIS_URL: the Redis URL"),
        ({"REDIS_URL": "cache", "DATABASE_URL": "sqlite:///gate.db"}, "REDIS_URL: the Redis URL"),
    ],
)
def test_a_database_that_cannot_be_used_is_refused(environ: Mapping[str, str], words: str) -> None:
    settings = TokenSettings.from_env({**GOOD, **environ})

    for make in (settings.manager, settings.async_manager):
        with pytest.raises(SettingsRejected, match=words) as caught:
            make()
        assert D not in str(caught.value)


@pytest.mark.parametrize(
    ("environ", "kind"),
    [
        ({"DATABASE_URL": "sqlite:///gate.db"}, "SqlStore"),
        ({"DATABASE_URL": "postgres://gate@db/gate"}, "SqlStore"),
        ({"REDIS_URL": "redis://cache"}, "RedisStore"),
        ({"REDIS_URL": "redis+cluster://a,b", "DATABASE_URL": "postgresql://db/g"}, "RedisStore"),
    ],
)
def test_sessions_are_kept_in_redis_where_one_is_named_else_in_the_sql_database(
    environ: Mapping[str, str], kind: str
) -> None:
    settings = TokenSettings.from_env({**GOOD, **environ})

    assert type(settings.store()).__name__ == kind
    assert type(settings.async_store()).__name__ == f"Async{kind}"


def test_a_manager_over_a_given_store_issues_and_verifies() -> None:
    settings = TokenSettings.from_env({**GOOD, "REDIS_URL": "redis://of-another-program"})

    with settings.manager(MemoryStore()) as manager:
        pair = manager.issue("ada")

        assert isinstance(manager, TokenManager)
        assert manager.verify(pair.access_token).subject == "ada"


async def _round_trip(settings: TokenSettings) -> str:
    async with settings.async_manager(AsyncMemoryStore()) as manager:
        pair = await manager.issue("ada")
        assert isinstance(manager, AsyncTokenManager)
        return (await manager.verify(pair.access_token)).subject


def test_an_async_manager_over_a_given_store_issues_and_verifies() -> None:
    assert asyncio.run(_round_trip(TokenSettings.from_env(GOOD))) == "ada"
