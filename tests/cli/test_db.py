"""`gatepass db`, as somebody at a shell sees it."""

import json
from pathlib import Path

import psycopg
import pytest

from gatepass.stores.sql.tables import HEAD
from tests.cli.command import Command
from tests.servers.postgres import empty_database
from tests.stores.postgres_backend import empty_url


@pytest.fixture
def url() -> str:
    """A database with nothing in it."""
    return empty_database("of_the_shell")


def test_upgrade_makes_the_tables_and_repeating_is_fine(command: Command, url: str) -> None:
    environ = {"DATABASE_URL": url}
    before = command("db", "current", environ=environ)
    first = command("db", "upgrade", environ=environ)
    again = command("db", "upgrade", "--json", environ=environ)
    after = command("db", "current", environ=environ)

    assert (before.code, before.stdout) == (1, f"no tables: this release needs {HEAD}\n")
    assert (first.code, first.stdout) == (0, f"upgraded from nothing to revision {HEAD}\n")
    assert (again.code, json.loads(again.stdout)) == (0, {"before": HEAD, "revision": HEAD})
    assert (after.code, after.stdout) == (0, f"revision {HEAD}: up to date\n")


def test_current_tells_programs_too(command: Command, url: str) -> None:
    told = command("db", "current", "--json", environ={"DATABASE_URL": url})

    assert told.code == 1
    assert json.loads(told.stdout) == {"revision": None, "needed": HEAD, "is_current": False}


def test_tables_in_a_schema_are_a_matter_of_their_own(command: Command, url: str) -> None:
    environ = {"DATABASE_URL": url}
    made = command("db", "upgrade", "--schema", "auth", environ=environ)

    assert made.code == 0, made.stderr
    assert command("db", "current", "--schema", "auth", environ=environ).code == 0
    assert command("db", "current", environ=environ).code == 1


def test_a_sqlite_file_is_upgraded_too(command: Command, tmp_path: Path) -> None:
    environ = {"DATABASE_URL": f"sqlite:///{tmp_path / 'gate.db'}"}
    before = command("db", "current", environ=environ)
    made = command("db", "upgrade", environ=environ)

    assert before.code == 1
    assert made.stdout == f"upgraded from nothing to revision {HEAD}\n"
    assert command("db", "current", environ=environ).code == 0


@pytest.mark.parametrize("what", ["upgrade", "current"])
@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        (None, "DATABASE_URL is not set"),
        ("mysql://gate:hunter2@db/gate", "postgresql://"),
        ("hunter2", "cannot be read"),
    ],
)
def test_a_wrong_url_is_one_sentence(
    command: Command, what: str, url: str | None, sentence: str
) -> None:
    refused = command("db", what, environ={} if url is None else {"DATABASE_URL": url})

    assert (refused.code, refused.stdout) == (2, "")
    assert len(refused.stderr.splitlines()) == 1
    assert sentence in refused.stderr
    assert "hunter2" not in refused.stderr


@pytest.mark.parametrize("what", ["upgrade", "current"])
def test_a_database_that_does_not_answer_is_one_sentence(command: Command, what: str) -> None:
    environ = {"DATABASE_URL": "postgresql://gate:hunter2@127.0.0.1:1/gate"}
    refused = command("db", what, environ=environ)

    assert (refused.code, refused.stdout) == (1, "")
    assert len(refused.stderr.splitlines()) == 1
    assert "hunter2" not in refused.stderr


@pytest.mark.parametrize(
    ("revision", "sentence"), [("v9999", "newer release"), ("0009", "start anew")]
)
def test_tables_that_nothing_upgrades_are_left_alone(
    command: Command, url: str, revision: str, sentence: str
) -> None:
    environ = {"DATABASE_URL": url}
    command("db", "upgrade", environ=environ)
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE gatepass_alembic_version SET version_num = %s", (revision,))
    refused = command("db", "upgrade", environ=environ)

    assert (refused.code, refused.stdout) == (2, "")
    assert len(refused.stderr.splitlines()) == 1
    assert sentence in refused.stderr
    assert command("db", "current", environ=environ).code == 1


def test_upgrade_does_nothing_to_a_full_database(command: Command) -> None:
    url = empty_url()
    with psycopg.connect(url) as connection:
        connection.execute("INSERT INTO gatepass_subjects VALUES ('ada', 7)")
    done = command("db", "upgrade", environ={"DATABASE_URL": url})

    assert done.code == 0
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT epoch FROM gatepass_subjects").fetchall() == [(7,)]
