"""A database that does not answer ends a command with 1 and one sentence that names the cause."""

from contextlib import closing
from pathlib import Path

import pytest

from gatepass.errors import StoreUnavailable
from gatepass.server.secrets import generate_secret
from gatepass.stores.sql import SqlStore
from tests.cli.command import Command
from tests.servers.postgres import empty_database, shared_server
from tests.servers.redis_server import free_ports

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
