"""A database that does not answer ends a command with 1 and one sentence that names the cause."""

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gatepass.errors import StoreUnavailable
from gatepass.events import Event, EventKind
from gatepass.server.events import EventSettings, EventTable
from gatepass.server.secrets import generate_secret
from gatepass.stores.sql import SqlStore
from gatepass.stores.sql.transactions import pooled_engine_of
from tests.cli.command import Command
from tests.server.running import gatepass
from tests.servers.postgres import empty_database, shared_server
from tests.servers.redis_server import free_ports

ROOT = Path(__file__).parents[2]
ADD = ("users", "add", "ada", "--password-stdin")
STARTS = [("serve", "--port", "0"), ("users", "list"), ("db", "current")]


@pytest.fixture
def environ() -> dict[str, str]:
    return {
        "GATEPASS_ENV": "production",
        "JWT_ACCESS_SECRET": generate_secret(),
        "JWT_REFRESH_SECRET": generate_secret(),
    }


@pytest.mark.parametrize("words", STARTS)
def test_a_database_that_is_down_or_unknown_is_exit_code_1(
    command: Command, environ: dict[str, str], words: tuple[str, ...]
) -> None:
    [closed] = free_ports(1)
    urls = {
        f"postgresql://gate@127.0.0.1:{closed}/gate": "nothing listens at the host and port",
        shared_server().url_of("nowhere"): "has no database of this name",
        "postgresql://gate@nowhere.invalid/gate": "host name of the database is unknown",
    }
    for url, cause in urls.items():
        refused = command(*words, environ=environ | {"DATABASE_URL": url})
        assert (refused.code, refused.stdout) == (1, "")
        assert cause in refused.stderr
        assert refused.stderr.count("\n") == 1


def test_a_redis_that_is_down_is_exit_code_1(
    command: Command, environ: dict[str, str], here: Path
) -> None:
    [closed] = free_ports(1)
    environ |= {"DATABASE_URL": f"sqlite:///{here}/gate.db"}
    refused = command("serve", environ=environ | {"REDIS_URL": f"redis://127.0.0.1:{closed}"})

    said = "gatepass: REDIS_URL: Redis: nothing listens at the host and port\n"
    assert (refused.code, refused.stderr) == (1, said)


def test_a_url_that_cannot_work_and_tables_that_are_missing_are_exit_code_2(
    command: Command, environ: dict[str, str]
) -> None:
    url = empty_database("messages")
    for each in (f"{url}?sslmode=bad", url):
        refused = command("serve", "--port", "0", environ=environ | {"DATABASE_URL": each})
        assert refused.code == 2
        assert refused.stderr.startswith("gatepass: DATABASE_URL: ")


def test_a_file_in_place_of_a_secret_serves_commands_too(
    command: Command, environ: dict[str, str], here: Path
) -> None:
    (here / "url").write_text(f"sqlite:///{here}/gate.db\n")
    environ["DATABASE_URL_FILE"] = str(here / "url")
    added = command(*ADD, stdin="a long password", environ=environ)
    current = command("db", "current", environ=environ)

    assert (added.code, current.code) == (0, 0), added.stderr + current.stderr
    assert "up to date" in current.stdout


def test_a_file_that_cannot_be_made_is_named_with_its_cause(here: Path) -> None:
    path = here / ("x" * 300)
    with (
        closing(SqlStore.from_url(f"sqlite:///{path}")) as store,
        pytest.raises(StoreUnavailable) as failed,
    ):
        store.upgrade()

    assert str(failed.value) == f"{path} cannot be created: File name too long"


def test_a_sqlite_file_that_is_none_or_may_only_be_read_is_told_apart(
    command: Command, environ: dict[str, str], here: Path
) -> None:
    (here / "text.db").write_text("no database at all, but long enough for a header" * 20)
    (here / "text.db").chmod(0o600)
    made = command("db", "upgrade", environ=environ | {"DATABASE_URL": f"sqlite:///{here}/a.db"})
    urls = {
        f"sqlite:///{here}/text.db": "the database file is no SQLite database",
        f"sqlite:///file:{here}/a.db?mode=ro&uri=true": "can be read and not written",
    }

    assert made.code == 0
    for url, cause in urls.items():
        refused = command(*ADD, stdin="a long password", environ=environ | {"DATABASE_URL": url})
        assert (refused.code, refused.stderr.count("\n")) == (1, 1)
        assert cause in refused.stderr


@pytest.fixture
def limited() -> Iterator[str]:
    """The URL of a role that may do all but write events."""
    server, url = shared_server(), empty_database("messages")
    with closing(SqlStore.from_url(url)) as store:
        store.upgrade()
    server.run("CREATE ROLE eventless LOGIN")
    for rights in ("USAGE ON SCHEMA public", "ALL ON ALL TABLES IN SCHEMA public"):
        server.run(f"GRANT {rights} TO eventless", database="messages")
    server.run("REVOKE INSERT ON gatepass_events FROM eventless", database="messages")
    yield url.replace("gate@", "eventless@")
    server.run("DROP OWNED BY eventless", database="messages")
    server.run("DROP ROLE eventless")


def test_a_table_of_events_that_cannot_be_written_is_said_at_the_start(
    command: Command, environ: dict[str, str], limited: str
) -> None:
    environ["DATABASE_URL"] = limited
    begins = "gatepass: DATABASE_URL: gatepass_events cannot be written: the database"
    forbidden = command("serve", "--port", "0", environ=environ)
    server = shared_server()
    server.run("GRANT INSERT ON gatepass_events TO eventless", database="messages")
    server.run("REVOKE DELETE ON gatepass_events FROM eventless", database="messages")
    unpurged = command("serve", "--port", "0", environ=environ)
    server.run("DROP TABLE gatepass_events", database="messages")
    missing = command("serve", "--port", "0", environ=environ)

    assert (forbidden.code, unpurged.code, missing.code) == (1, 1, 2)
    assert forbidden.stderr == unpurged.stderr == f"{begins} does not let this role do that\n"
    assert missing.stderr.startswith(f"{begins}'s tables are missing")


def test_a_role_with_the_rights_of_the_documentation_serves_and_keeps_events(
    environ: dict[str, str], limited: str, here: Path
) -> None:
    server, text = shared_server(), (ROOT / "docs" / "scale.md").read_text()
    server.run("DROP OWNED BY eventless", database="messages")
    rights = re.findall(r"^GRANT [^;]*\bauth\b[^;]*;", text, re.MULTILINE)
    for right in rights:
        own = re.sub(r"\bauth\b", "public", right).replace("TO gate;", "TO eventless;")
        server.run(own, database="messages")
    environ["DATABASE_URL"] = limited
    added = gatepass(ADD, here, environ=environ, stdin="a long password")
    ended = gatepass(("sessions", "revoke", "--all"), here, environ=environ)

    assert (added.stderr, ended.stderr) == ("", "")
    with closing(EventTable(pooled_engine_of(limited), EventSettings())) as table:
        table.check()
        assert [found.kind for found in table.find()] == [EventKind.EVERYBODY_REVOKED]
        table.write(Event(kind=EventKind.REFRESHED, at=0.0))
        assert table.purge() == 1
