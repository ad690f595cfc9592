"""Misspelt variables: told by name, never by value; every name that is read is quiet."""

import re

import pytest

from gatepass.cli.variables import KNOWN, misspelt
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
