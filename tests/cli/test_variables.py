"""Misspelt variables: told by name, never by value; every name that is read is quiet."""

import re

import pytest

from gatepass.cli.variables import KNOWN, drop_services, misspelt
from gatepass.settings import HttpSettings, TokenSettings
from tests.cli.command import Command
from tests.project.files import ROOT, project_files

_NAME = re.compile(r"\bGATEPASS_[A-Z_]*[A-Z]\b")
_SECRET = "hunter-2-hunter-2-hunter-2"


def test_every_name_in_the_sources_the_documents_and_the_tools_is_quiet() -> None:
    here = ROOT / "tests" / "cli" / "test_variables.py"
    texts = [file.read_text(errors="replace") for file in project_files() if file != here]
    named = {name for text in texts for name in _NAME.findall(text)}

    assert named > KNOWN
    assert list(misspelt(dict.fromkeys(named, "x"))) == []


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("GATEPASS_PUBLIC_ORIGIN", "GATEPASS_PUBLIC_ORIGINS"),
        ("GATEPASS_TRUSTED_PROXY", "GATEPASS_TRUSTED_PROXIES"),
        ("GATEPASS_WORKER", "GATEPASS_WORKERS"),
        ("GATEPASS_ENVIRONMENT", "GATEPASS_ENV"),
        ("GATEPASS_CSRF_SECRETS", "GATEPASS_CSRF_SECRET"),
        ("gatepass_env", "GATEPASS_ENV"),
        ("GATEPASS_LOGLEVEL", "GATEPASS_LOG_LEVEL"),
        ("JWT_ACCESS_LIFTIME", "JWT_ACCESS_LIFETIME"),
        ("JWT_REFRESH_SECRETS", "JWT_REFRESH_SECRET"),
        ("JWT_ACESS_SECRET_FILE", "JWT_ACCESS_SECRET_FILE"),
        ("jwt_issuer", "JWT_ISSUER"),
    ],
)
def test_a_misspelt_name_is_told_with_the_nearest_one_and_without_its_value(
    command: Command, name: str, near: str
) -> None:
    first = f"gatepass: {name} is set, and nothing reads it: did you mean {near}?"
    for words in (("secret",), ("users", "list"), ("serve", "--port", "0")):
        refused_at_once = {"DATABASE_URL": "mysql://h/d"} if words[0] == "serve" else {}
        result = command(*words, environ={name: _SECRET} | refused_at_once)

        assert result.stderr.splitlines()[0] == first
        assert _SECRET not in result.stderr + result.stdout


def test_a_name_that_is_like_no_other_is_told_alone() -> None:
    assert list(misspelt({"GATEPASS_XYZZY": _SECRET})) == [
        "GATEPASS_XYZZY is set, and nothing reads it"
    ]


def test_names_of_others_and_empty_variables_are_quiet() -> None:
    of_kubernetes = ["GATEPASS_SERVICE_HOST", "GATEPASS_SERVICE_PORT_HTTP"]
    of_kubernetes += ["GATEPASS_PORT_8000_TCP", "GATEPASS_PORT_8000_TCP_ADDR"]
    quiet = dict.fromkeys([*of_kubernetes, "PATH", "JWT_ISSUER", "GATEPASSIVE"], "x")

    assert list(misspelt({**quiet, "GATEPASS_WORKER": ""})) == []


def test_every_variable_of_the_settings_is_quiet() -> None:
    fields = [*TokenSettings.model_fields.values(), *HttpSettings.model_fields.values()]
    named = dict.fromkeys([str(field.validation_alias) for field in fields], "x")

    assert list(misspelt(named)) == []


def test_variables_of_others_with_our_prefix_for_tokens_are_quiet() -> None:
    others = ["JWT_ALGORITHM", "JWT_PUBLIC_KEY", "JWT_SECRET", "JWT_SECRET_KEY", "JWT_EXPIRES_IN"]

    assert list(misspelt(dict.fromkeys(others, "x"))) == []


KUBERNETES = {
    "GATEPASS_SERVICE_HOST": "10.96.14.7",
    "GATEPASS_SERVICE_PORT": "8000",
    "GATEPASS_SERVICE_PORT_HTTP": "8000",
    "GATEPASS_PORT": "tcp://10.96.14.7:8000",
    "GATEPASS_PORT_8000_TCP": "tcp://10.96.14.7:8000",
    "GATEPASS_PORT_8000_TCP_PROTO": "tcp",
    "GATEPASS_PORT_8000_TCP_PORT": "8000",
    "GATEPASS_PORT_8000_TCP_ADDR": "10.96.14.7",
    "GATEPASS_WEB_SERVICE_HOST": "10.96.14.8",
    "GATEPASS_WEB_SERVICE_PORT": "80",
    "GATEPASS_WEB_PORT": "udp://[fd00::7]:80",
    "GATEPASS_WEB_PORT_80_UDP_ADDR": "fd00::7",
}
"""All that a pod gets for a Service named gatepass, and for another one named gatepass-web."""


def test_what_kubernetes_sets_for_a_service_of_our_name_is_ignored(command: Command) -> None:
    refused = command("serve", environ={**KUBERNETES, "DATABASE_URL": "mysql://h/d"})

    assert (refused.code, refused.stderr.count("\n")) == (2, 1)
    assert refused.stderr.startswith("gatepass: DATABASE_URL")
    assert list(misspelt(KUBERNETES)) == []


def test_only_values_of_that_form_are_dropped() -> None:
    environ = {"GATEPASS_PORT": "tcp://10.96.14.7:8000", "GATEPASS_HOST": "tcp"}
    drop_services(environ)

    assert environ == {"GATEPASS_HOST": "tcp"}


def test_a_port_that_is_none_is_still_wrong_usage(command: Command) -> None:
    assert command("serve", environ={"GATEPASS_PORT": "tcp"}).code == 2
