"""Faults of PostgreSQL under load."""

import time
from collections.abc import Iterator

import pytest

from gatepass.stores.sql import SqlStore
from tests.chaos.conftest import Begin
from tests.chaos.judgement import require_nothing_wrong, require_silence_survived
from tests.chaos.scenario import CONTROLS, KINDS, OPAQUE
from tests.chaos.way import way_to
from tests.servers.postgres import PostgresServer
from tests.servers.postgres_binaries import ROLE, require_binaries

DATABASE = "gate"

pytestmark = pytest.mark.chaos


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    server = PostgresServer(require_binaries())
    server.start()
    create(server)
    yield server
    server.end()


def create(server: PostgresServer, *, template: str | None = None) -> None:
    """Make the database, with nothing revoked in it or as it is in another."""
    server.run(f"CREATE DATABASE {DATABASE}" + (f" TEMPLATE {template}" if template else ""))
    store = SqlStore.from_url(server.url_of(DATABASE))
    store.upgrade()
    store.close()


def version_of(server: PostgresServer) -> str:
    [(version,)] = server.run("SHOW server_version")
    return f"PostgreSQL {version}"


def test_postgres(begin: Begin, server: PostgresServer) -> None:
    what = "PostgreSQL, killed, restarted, frozen, then verifiers asleep"
    scenario = begin(what, server.url_of(DATABASE), version_of(server), kinds=OPAQUE)
    server.kill()
    scenario.let_pass(scenario.random.uniform(1, 4))
    server.start()
    scenario.heal()
    with server.frozen():
        scenario.let_pass(scenario.random.uniform(4, 6))
    scenario.heal()
    scenario.put_to_sleep(scenario.random.uniform(4, 5))
    scenario.heal()
    require_nothing_wrong(scenario, scenario.finish())


@pytest.mark.parametrize(
    ("what", "template"), [("dropped and made anew", None), ("restored from before", "before")]
)
def test_a_database_that_has_lost_revocations(
    what: str, template: str | None, begin: Begin, server: PostgresServer
) -> None:
    server.run(f"CREATE DATABASE before TEMPLATE {DATABASE}")
    url, version = server.url_of(DATABASE), version_of(server)
    scenario = begin(f"PostgreSQL, {what}", url, version, kinds=OPAQUE)
    scenario.hold_writers()
    server.run(f"DROP DATABASE {DATABASE} WITH (FORCE)")
    create(server, template=template)
    emptied_at = time.monotonic()
    scenario.release_writers()
    scenario.heal()
    losses = scenario.losses()
    history = scenario.finish(kept_since=emptied_at)

    require_nothing_wrong(scenario, history)
    assert all(count >= 1 for count in losses)


@pytest.mark.parametrize(
    ("what", "kinds"), [("PostgreSQL", KINDS), ("control: PostgreSQL", CONTROLS)]
)
def test_verifiers_cut_off_silently(
    what: str, kinds: tuple[str, ...], begin: Begin, server: PostgresServer
) -> None:
    with way_to(server.port) as (way, port):
        scenario = begin(
            f"{what}, verifiers cut off silently",
            server.url_of(DATABASE),
            version_of(server),
            verifier_url=f"postgresql://{ROLE}@127.0.0.1:{port}/{DATABASE}",
            kinds=kinds,
        )
        require_silence_survived(scenario, way, kinds)
