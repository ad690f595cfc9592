"""Access keys from a file in place of secrets, and secrets that follow the same order."""

from pathlib import Path

import pytest

from gatepass.errors import SettingsRejected, TokenInvalid
from gatepass.keyfile import KeyFile
from gatepass.server.secrets import generate_secret
from gatepass.settings import TokenSettings
from gatepass.stores.memory import MemoryStore
from tests.keyfile.steps import first, keep, kid

REFRESH = {"JWT_REFRESH_SECRET": generate_secret()}


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    keep(KeyFile(tmp_path / "keys.json"), first())
    return {**REFRESH, "GATEPASS_KEY_FILE": str(tmp_path / "keys.json")}


def test_a_key_file_signs_access_tokens(environ: dict[str, str]) -> None:
    settings = TokenSettings.from_env(environ)
    with settings.manager(MemoryStore()) as manager:
        pair = manager.issue("ada")

        assert manager.verify(pair.access_token).subject == "ada"
        assert manager.access_keys.current().primary.kid == kid(0)
        assert manager.refresh(pair.refresh_token).session_id == pair.session_id


@pytest.mark.parametrize("variable", ["JWT_ACCESS_SECRET", "JWT_ACCESS_SECRET_PREVIOUS"])
def test_a_secret_beside_a_key_file_is_refused(variable: str, environ: dict[str, str]) -> None:
    with pytest.raises(SettingsRejected, match=f"GATEPASS_KEY_FILE and {variable} are both set"):
        TokenSettings.from_env({**environ, variable: generate_secret()})


def test_a_key_file_that_is_missing_is_named(tmp_path: Path) -> None:
    environ = {**REFRESH, "GATEPASS_KEY_FILE": str(tmp_path / "none.json")}
    with pytest.raises(SettingsRejected, match=r"GATEPASS_KEY_FILE: .*none\.json cannot be read"):
        TokenSettings.from_env(environ)


def test_tokens_that_would_outlive_their_key_are_refused(environ: dict[str, str]) -> None:
    TokenSettings.from_env({**environ, "JWT_ACCESS_LIFETIME": "15m"})

    with pytest.raises(SettingsRejected, match="JWT_ACCESS_LIFETIME is longer"):
        TokenSettings.from_env({**environ, "JWT_ACCESS_LIFETIME": "16m"})


@pytest.mark.parametrize("variable", ["JWT_ACCESS_SECRET", "JWT_REFRESH_SECRET"])
def test_a_secret_rotated_in_the_documented_order_costs_nobody_a_token(variable: str) -> None:
    """Announced to every server, then swapped on each in turn, then removed."""
    old, new = generate_secret(), generate_secret()
    environ = {"JWT_ACCESS_SECRET": generate_secret(), **REFRESH, variable: old}
    announced = {**environ, f"{variable}_PREVIOUS": new}
    swapped = {**environ, variable: new, f"{variable}_PREVIOUS": old}
    removed = {**environ, variable: new}
    store = MemoryStore()
    together = [(environ, announced), (announced, swapped), (swapped, removed)]
    for here, there in [*together, *(pair[::-1] for pair in together)]:
        issued = TokenSettings.from_env(here).manager(store).issue("ada")
        checking = TokenSettings.from_env(there).manager(store)

        assert checking.verify(issued.access_token).subject == "ada"
        assert checking.refresh(issued.refresh_token).session_id == issued.session_id


@pytest.mark.parametrize("variable", ["JWT_ACCESS_SECRET", "JWT_REFRESH_SECRET"])
def test_a_secret_swapped_without_being_announced_is_refused_elsewhere(variable: str) -> None:
    environ = {"JWT_ACCESS_SECRET": generate_secret(), **REFRESH}
    swapped = {**environ, variable: generate_secret(), f"{variable}_PREVIOUS": environ[variable]}
    store = MemoryStore()
    pair = TokenSettings.from_env(swapped).manager(store).issue("ada")
    elsewhere = TokenSettings.from_env(environ).manager(store)

    ask = elsewhere.verify if "ACCESS" in variable else elsewhere.refresh
    token = pair.access_token if "ACCESS" in variable else pair.refresh_token
    with pytest.raises(TokenInvalid):
        ask(token)
