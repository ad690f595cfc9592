"""The page of environment variables names every one that the sources read, and no other."""

import ast
import re
from collections.abc import Iterator, Mapping

import pytest
from typer.main import get_command

from gatepass.cli.app import app
from gatepass.http import Limits
from gatepass.server.serving import Serving, read_serving
from gatepass.server.staleness import Staleness
from gatepass.settings import HttpSettings, TokenSettings
from gatepass.tokens.durations import parse_duration
from tests.project.files import ROOT, project_files

_NAME = re.compile(r"(?:GATEPASS|JWT)_[A-Z_]+|DATABASE_URL|REDIS_URL")
_OF_DJANGO = {"GATEPASS_AUTH", "GATEPASS_CLAIMS"}
_MISNAMED = {"JWT_SECRET", "JWT_PREVIOUS_SECRET"}
_SECRET = "vT4mQ8xZ2pLw7RkJ9sYcD3fHbN6gUe1a"
_OTHER = "Kq5WzX1rB8nEo3TjM7uPyV2hGdS9cLf6"


def rows() -> Iterator[tuple[list[str], str]]:
    """The variables of each row of the page's tables, and their default."""
    for line in (ROOT / "docs" / "settings.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        names = _NAME.findall(cells[1]) if len(cells) > 3 else []
        if names:
            yield names, cells[2]


def names_of(settings: type[HttpSettings | TokenSettings]) -> set[str]:
    return {str(field.validation_alias) for field in settings.model_fields.values()}


def names_in_the_sources() -> Iterator[str]:
    for file in project_files(".py"):
        if file.is_relative_to(ROOT / "src"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield from filter(_NAME.fullmatch, [node.value])


@pytest.fixture(scope="module")
def defaults() -> Mapping[str, str]:
    return {name: default.strip("`") for names, default in rows() for name in names}


def test_every_variable_has_its_row_and_every_row_its_variable(
    defaults: Mapping[str, str],
) -> None:
    listed = [name for names, _ in rows() for name in names]
    read = {*names_of(TokenSettings), *names_of(HttpSettings), *names_in_the_sources()}

    assert sorted(listed) == sorted(set(listed))
    assert set(listed) == read - _OF_DJANGO - _MISNAMED
    assert defaults.keys() >= names_of(HttpSettings)


def test_the_defaults_of_tokens_are_those_of_the_page(defaults: Mapping[str, str]) -> None:
    environ = {"JWT_ACCESS_SECRET": _SECRET, "JWT_REFRESH_SECRET": _OTHER}
    policy = TokenSettings.from_env(environ).policy

    assert policy.issuer == defaults["JWT_ISSUER"]
    assert policy.audience == defaults["JWT_AUDIENCE"]
    for name in ("access_lifetime", "refresh_lifetime", "session_lifetime"):
        assert getattr(policy, name) == parse_duration(defaults[f"JWT_{name.upper()}"])
    assert policy.rotation_leeway == parse_duration(defaults["JWT_ROTATION_LEEWAY"])
    for name in ("client_id", "leeway", "max_sessions"):
        assert str(getattr(policy, name)) == defaults[f"JWT_{name.upper()}"]


def test_the_defaults_of_http_and_of_the_server_are_those_of_the_page(
    defaults: Mapping[str, str],
) -> None:
    assert HttpSettings.from_env({}).environment == defaults["GATEPASS_ENV"]
    names = {name: f"GATEPASS_{name.upper()}_LIMIT" for name in ("login", "account", "device")}
    written = Limits(**{name: defaults[variable] for name, variable in names.items()})
    assert HttpSettings.from_env({}).limits.rates == written.rates
    assert Staleness().max_staleness == float(defaults["GATEPASS_MAX_STALENESS"])
    assert str(Serving().drain_s) == defaults["GATEPASS_DRAIN_SECONDS"]
    assert str(Serving().keep_alive_s) == defaults["GATEPASS_KEEP_ALIVE_SECONDS"]
    assert read_serving({"GATEPASS_DOCS": defaults["GATEPASS_DOCS"]}) == Serving()
    assert Staleness().when_stale.value == defaults["GATEPASS_WHEN_STALE"]


def test_the_defaults_of_serve_are_those_of_the_page(defaults: Mapping[str, str]) -> None:
    serve = get_command(app).commands["serve"]  # type: ignore[attr-defined]  # a group of them
    told = {
        option.envvar: str(option.default or "none") for option in serve.params if option.envvar
    }

    assert told == {name: defaults[name] for name in told}
    assert set(told) == {
        *("GATEPASS_HOST", "GATEPASS_PORT", "GATEPASS_WORKERS"),
        *("GATEPASS_METRICS_HOST", "GATEPASS_METRICS_PORT"),
    }
