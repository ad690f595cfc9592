"""Each cause of an outage has its own sentence, for sessions, accounts and upgrades alike."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from shutil import copy
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from sqlalchemy import Executable, delete, text

from gatepass.errors import SettingsRejected, StoreOutdated, StoreUnavailable
from gatepass.stores.sql import SqlStore
from gatepass.stores.sql.postgres.failures import unavailable
from gatepass.stores.sql.postgres.wire import Refused
from gatepass.stores.sql.revisions import find_revision
from gatepass.stores.sql.tables import HEAD, accounts
from gatepass.stores.sql.transactions import durable_transaction, pooled_engine_of
from tests.servers.certificates import write_certificate
from tests.servers.postgres import PostgresServer
from tests.servers.redis_server import free_ports
from tests.servers.tls_proxy import tls_before
from tests.stores.outcomes import fill
from tests.stores.plans import log_in

At = Callable[[str], Any]
PASSWORD = "correct horse"


@pytest.fixture
def say(server: PostgresServer, at: At) -> Callable[[str], str]:
    """The sentence about a URL, which is the same whoever uses it."""
    server.run("DROP ROLE IF EXISTS guarded")
    server.run(f"CREATE ROLE guarded LOGIN PASSWORD '{PASSWORD}'")

    def sentence(url: str) -> str:
        uses = (
            at(url).subject_epoch,
            lambda _: find_revision(url),
            lambda _: _select(url),
        )
        sentences = set()
        for use in uses:
            with pytest.raises(StoreUnavailable) as failed:
                use("ada")
            sentences.add(str(failed.value))
        assert len(sentences) == 1, sentences
        [found] = sentences
        for word in ("guarded", "hunter2", PASSWORD, "127.0.0.1", "nowhere"):
            assert word not in found
        return found

    return sentence


def _select(url: str) -> None:
    _run(url, text("SELECT 1"))


def _run(url: str, statement: Executable) -> None:
    engine = pooled_engine_of(url)
    try:
        with durable_transaction(engine) as connection:
            connection.execute(statement)
    finally:
        engine.dispose()


def test_a_wrong_password_a_missing_one_and_an_unknown_user_are_rejected_credentials(
    server: PostgresServer, say: Callable[[str], str]
) -> None:
    for user in ("guarded:hunter2", "guarded", "nobody_here"):
        url = server.url_of("guarded" if "guarded" in user else "postgres", role=user)
        assert say(url) == "the database rejects the user name or the password"


def test_a_database_that_is_not_there(server: PostgresServer, say: Callable[[str], str]) -> None:
    found = say(server.url_of("nowhere"))

    assert found == "the database server has no database of this name: see the end of the URL"


def test_a_port_on_which_nothing_listens(say: Callable[[str], str]) -> None:
    [port] = free_ports(1)

    for host in ("127.0.0.1", "localhost"):
        found = say(f"postgresql://gate@{host}:{port}/gate")
        assert found == "nothing listens at the host and port of the database"


def test_a_host_that_has_no_address(say: Callable[[str], str]) -> None:
    for host in ("nowhere.invalid", "no..name", f"{'n' * 70}.invalid"):
        assert say(f"postgresql://gate@{host}/gate") == "the host name of the database is unknown"


def test_a_server_that_lets_nobody_of_this_kind_in(
    server: PostgresServer, say: Callable[[str], str]
) -> None:
    before = (server.data / "pg_hba.conf").read_bytes()
    server.write("pg_hba.conf", b"local all all trust\n")
    server.run("SELECT pg_reload_conf()")
    try:
        found = say(server.url)
    finally:
        server.write("pg_hba.conf", before)
        server.run("SELECT pg_reload_conf()")

    assert "pg_hba.conf" in found


def test_tls_that_is_not_offered_not_vouched_for_or_of_another_host(
    server: PostgresServer, say: Callable[[str], str], tmp_path: Path
) -> None:
    own = write_certificate(tmp_path)
    root = copy(own, tmp_path / "root.crt")
    (tmp_path / "other").mkdir()
    other = write_certificate(tmp_path / "other", "other")
    with tls_before(server.port, own) as port:
        options = "gssencmode=disable&sslmode=verify-full"
        base = f"postgresql://gate@127.0.0.1:{port}/postgres?{options}"
        sentences = {
            "offers no TLS": say(f"{server.url}?sslmode=require"),
            "does not vouch": say(f"{base}&sslrootcert={other}"),
            "is for another host": say(
                f"{base}&sslrootcert={root}&hostaddr=127.0.0.1".replace("@127.0.0.1", "@db.example")
            ),
            "is missing": say(f"{base}&sslrootcert=/none"),
        }

    for words, sentence in sentences.items():
        assert words in sentence


def test_every_connection_of_the_server_or_of_the_role_is_taken(
    server: PostgresServer, say: Callable[[str], str]
) -> None:
    server.run("ALTER ROLE guarded CONNECTION LIMIT 1")
    url = server.url_of("guarded_by_nothing", role=f"guarded:{quote(PASSWORD)}")
    server.run("DROP DATABASE IF EXISTS guarded_by_nothing")
    server.run("CREATE DATABASE guarded_by_nothing")
    with psycopg.connect(url):
        assert "max_connections" in say(url)


def test_what_does_not_answer_as_postgresql_does(say: Callable[[str], str]) -> None:
    with _answering(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        found = say(f"postgresql://gate@127.0.0.1:{port}/gate?gssencmode=disable")

    assert found == "PostgreSQL does not answer at this host and port"


@contextmanager
def _answering(octets: bytes) -> Iterator[int]:
    """A port that answers everything with this, until it is closed."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            try:
                while True:
                    with listener.accept()[0] as client:
                        client.recv(1024)
                        client.sendall(octets)
            except OSError:
                return

        thread = threading.Thread(target=serve)
        thread.start()
        yield int(listener.getsockname()[1])
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_a_database_that_takes_no_writes_is_named_read_only(
    server: PostgresServer, store: Any
) -> None:
    server.run("ALTER DATABASE postgres SET default_transaction_read_only = on")
    try:
        with pytest.raises(StoreUnavailable, match="read-only"):
            store.issue(log_in("read-only"))
        with pytest.raises(StoreUnavailable, match="read-only"):
            _run(server.url, delete(accounts))
    finally:
        server.run("ALTER DATABASE postgres RESET default_transaction_read_only")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://gate:secret-word%0A@h/d", "the password in"),
        ("postgresql://gate:secret-word@h/d\n", "the database in"),
        ("postgresql://gate:secret-word@h/d?sslmode=verify", "sslmode in the database URL is one"),
        ("postgresql://gate:secret-word@h/d?connect_timeout=soon", "connect_timeout"),
        ("postgresql://gate:secret-word@a,b/d?port=1,2,3", "option"),
        ("postgresql://gate:secret-word@a:x,b/d", "option"),
        ("sqlite:////tmp/gate.db\n", "the database in"),
    ],
)
def test_a_url_that_cannot_work_is_rejected_before_anybody_connects(url: str, words: str) -> None:
    with pytest.raises(SettingsRejected, match=words) as rejected:
        SqlStore.from_url(url)

    assert "secret-word" not in str(rejected.value)


def test_tables_of_a_later_release_name_the_release_that_is_needed(
    server: PostgresServer, at: At
) -> None:
    fill(server.url)
    server.run("UPDATE gatepass_alembic_version SET version_num = 'v9999_7.1'")
    try:
        with pytest.raises(StoreOutdated, match=r"gatepass 7\.1 or newer"):
            at(server.url).subject_epoch("ada")
    finally:
        server.run(f"UPDATE gatepass_alembic_version SET version_num = '{HEAD}'")  # noqa: S608


@pytest.fixture
def pair(server: PostgresServer) -> Callable[[int], str]:
    """The URL of some port and of the server, in libpq's form."""
    fill(server.url)
    return lambda port: f"postgresql://gate@127.0.0.1:{port},127.0.0.1:{server.port}/postgres"


def test_of_several_hosts_the_one_that_answers_is_used(pair: Callable[[int], str], at: At) -> None:
    [closed] = free_ports(1)

    assert at(pair(closed)).subject_epoch("ada") == 0
    assert find_revision(pair(closed)).is_current
    _select(pair(closed))


def test_a_first_host_that_accepts_and_says_nothing_keeps_nobody_from_the_second(
    pair: Callable[[int], str], at: At
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as frozen:
        url = pair(frozen.getsockname()[1])

        store = at(url)
        assert [store.subject_epoch("ada") for _ in range(2)] == [0, 0]
        _select(url)


@pytest.mark.faults
def test_of_several_hosts_the_standby_is_not_used(server: PostgresServer) -> None:
    fill(server.url)
    with server.standby() as standby:
        hosts = f"127.0.0.1:{standby.port},127.0.0.1:{server.port}"
        with closing(SqlStore.from_url(f"postgresql://gate@{hosts}/postgres")) as store:
            store.revoke_token("on the primary")
            assert store.is_revoked(None, "on the primary")

        hosts = f"127.0.0.1:1,127.0.0.1:{standby.port}"
        with (
            closing(SqlStore.from_url(f"postgresql://gate@{hosts}/postgres")) as store,
            pytest.raises(StoreUnavailable, match="standby"),
        ):
            store.subject_epoch("ada")


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("28P01", "rejects the user name or the password"),
        ("28000", "rejects the user name or the password"),
        ("3D000", "no database of this name"),
        ("25006", "read-only"),
        ("53100", "the disk of the database is full"),
        ("53200", "out of memory"),
        ("53300", "no connection left"),
        ("53400", "no room left"),
        ("57P01", "starting or stopping"),
        ("57P03", "starting or stopping"),
        ("57014", "did not answer in time"),
        ("99999", "does not answer as it should"),
    ],
)
def test_a_state_of_the_server_has_the_sentence_of_its_code_or_of_its_class(
    state: str, words: str
) -> None:
    assert words in str(unavailable(Refused(state)))
