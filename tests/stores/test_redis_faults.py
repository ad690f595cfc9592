"""Redis that is down, frozen, full, a replica or not ours: nobody gets in, nobody waits long."""

import itertools
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import suppress
from operator import methodcaller
from pathlib import Path
from typing import Any

import pytest

from gatepass.errors import StoreUnavailable
from gatepass.sessions import Store
from tests.cases import case
from tests.servers.certificates import write_certificate
from tests.servers.proxy import proxy_to
from tests.servers.redis_server import eventually, free_ports
from tests.servers.redis_sets import ServerSet, start_alone, start_cluster, start_pair
from tests.stores.outcomes import (
    BUCKET,
    LIVE,
    OPERATIONS,
    READS,
    WRITES,
    fill,
    outcomes,
    require_answers,
    require_unavailable,
)
from tests.stores.plans import log_in, sid
from tests.stores.redis_backends import redis_store_at
from tests.stores.twins import Runner

pytestmark = pytest.mark.faults

Kind = pytest.mark.parametrize("kind", ["redis 8", "valkey"])


@pytest.fixture
def alone(kind: str, tmp_path: Path) -> Iterator[ServerSet]:
    servers = start_alone(kind, tmp_path / "redis")
    fill(servers.url)
    yield servers
    servers.stop()


@pytest.fixture
def used(alone: ServerSet, twin: str, runner: Runner) -> Iterator[Store]:
    """A store with open connections."""
    store = redis_store_at(alone.url, twin, runner)
    require_answers(store, READS)
    yield store
    store.close()


@Kind
def test_a_server_that_is_down_answers_nothing_until_it_is_back(
    alone: ServerSet, used: Store
) -> None:
    [server] = alone.servers
    server.kill()

    for _ in range(2):
        require_unavailable(used, OPERATIONS)
    server.start()

    require_answers(used, OPERATIONS)


@pytest.mark.parametrize("form", ["redis", "sentinel", "cluster"])
def test_a_server_that_never_was_answers_nothing(form: str, twin: str, runner: Runner) -> None:
    hosts = [f"127.0.0.1:{port}" for port in free_ports(3)]
    url = {
        "redis": f"redis://{hosts[0]}/0",
        "sentinel": f"redis+sentinel://{','.join(hosts)}/main/0",
        "cluster": f"redis+cluster://{','.join(hosts)}",
    }[form]
    store = redis_store_at(url, twin, runner)

    require_unavailable(store, OPERATIONS)
    with pytest.raises(StoreUnavailable):
        store.check()  # type: ignore[attr-defined]
    store.close()


@Kind
def test_a_frozen_server_answers_nothing_until_it_thaws(alone: ServerSet, used: Store) -> None:
    [server] = alone.servers
    server.freeze()

    require_unavailable(used, OPERATIONS)
    require_unavailable(used, READS)
    server.thaw()

    eventually(lambda: StoreUnavailable not in outcomes(used, READS).values(), "it stays frozen")
    require_answers(used, OPERATIONS)


@Kind
def test_a_full_server_takes_nothing_and_loses_nothing(alone: ServerSet, used: Store) -> None:
    client = alone.servers[0].client()
    client.config_set("maxmemory-policy", "noeviction")
    client.config_set("maxmemory", 1_000)

    require_unavailable(used, WRITES)
    require_answers(used, READS)
    assert not used.is_revoked(LIVE, sid("token"))
    assert used.subject_epoch("ada") == 0
    client.config_set("maxmemory", 0)

    require_answers(used, OPERATIONS)


@Kind
def test_a_replica_is_neither_written_to_nor_read_from(
    kind: str, tmp_path: Path, twin: str, runner: Runner
) -> None:
    pair = start_pair(kind, tmp_path)
    fill(pair.url)
    store = redis_store_at(pair.servers[1].url, twin, runner)

    require_unavailable(store, OPERATIONS)
    found = store.check()  # type: ignore[attr-defined]
    assert [str(one) for one in found if one.is_severe and "replica" in one.message]
    store.close()
    pair.stop()


@Kind
def test_a_server_that_wants_a_password_is_not_passed(
    kind: str, tmp_path: Path, twin: str, runner: Runner
) -> None:
    secret = "correct-horse-battery"
    servers = start_alone(kind, tmp_path, password=secret)
    port = servers.servers[0].port

    for credentials in ("", ":wrong-password-x@", "somebody:wrong-password-x@"):
        url = f"redis://{credentials}127.0.0.1:{port}/0"
        store = redis_store_at(url, twin, runner)
        require_unavailable(store, OPERATIONS)
        with pytest.raises(StoreUnavailable) as caught:
            store.subject_epoch("ada")
        assert "wrong-password-x" not in "".join(_chain(caught.value))
        assert "wrong-password-x" not in repr(vars(getattr(store, "twin", store)))
        store.close()
    right = redis_store_at(servers.url, twin, runner)
    assert right.subject_epoch("ada") == 0
    right.close()
    servers.stop()


def test_a_password_taken_away_from_open_connections_is_an_outage(
    tmp_path: Path, twin: str, runner: Runner
) -> None:
    servers = start_alone("redis 8", tmp_path, password="before")
    fill(servers.url)
    store = redis_store_at(servers.url, twin, runner)
    client = servers.servers[0].client()
    client.execute_command("ACL", "SETUSER", "default", "-@all", "+acl")  # type: ignore[no-untyped-call]

    require_unavailable(store, OPERATIONS)
    client.execute_command("ACL", "SETUSER", "default", "+@all")  # type: ignore[no-untyped-call]
    require_answers(store, OPERATIONS)
    store.close()
    servers.stop()


def _chain(error: BaseException | None) -> Iterator[str]:
    while error is not None:
        yield repr(error)
        error = error.__cause__


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return write_certificate(tmp_path)


@pytest.mark.parametrize("kind", ["redis 8"])
def test_tls_is_spoken_only_to_a_server_that_is_known(
    alone: ServerSet, certificate: Path, twin: str, runner: Runner
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    plain_port = alone.servers[0].port
    with proxy_to(plain_port, context=context) as tls:
        urls = {
            "unknown certificate": f"rediss://127.0.0.1:{tls.port}/0",
            "plain text to TLS": f"redis://127.0.0.1:{tls.port}/0",
            "TLS to plain text": f"rediss://127.0.0.1:{plain_port}/0?ssl_ca_certs={certificate}",
        }
        for what, url in urls.items():
            store = redis_store_at(url, twin, runner)
            with case(what):
                require_unavailable(store, OPERATIONS)
            store.close()

        known = f"rediss://127.0.0.1:{tls.port}/0?ssl_ca_certs={certificate}"
        right = redis_store_at(known, twin, runner)
        require_answers(right, OPERATIONS)
        right.close()


def test_a_cluster_without_one_shard_answers_for_the_others(
    tmp_path: Path, twin: str, runner: Runner
) -> None:
    servers = start_cluster("redis 8", tmp_path, node_timeout_ms=60_000)
    store = redis_store_at(servers.url, twin, runner)
    subjects = [f"subject {number}" for number in range(40)]
    assert all(store.issue(log_in(subject)) for subject in subjects)
    store.take([BUCKET])
    [dead] = [one for one in servers.primaries() if one.client().keys("gatepass:{0}:l:*")]
    dead.freeze()

    epochs: dict[str, Callable[[Any], Any]] = {
        subject: methodcaller("subject_epoch", subject) for subject in subjects
    }
    answers = outcomes(store, epochs)

    assert set(answers.values()) == {0, StoreUnavailable}
    require_unavailable(store, {name: WRITES[name] for name in ("take", "give_back")})
    dead.thaw()
    eventually(lambda: set(outcomes(store, epochs).values()) == {0}, "it stays frozen")
    store.close()
    servers.stop()


def test_a_request_that_was_given_up_is_not_delivered_later(twin: str, runner: Runner) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        for timeout in itertools.count(0.3, 1.0):  # until what was asked for had time to come
            store = redis_store_at(url, twin, runner, timeout=timeout)
            with pytest.raises(StoreUnavailable):
                store.subject_epoch("ada")
            silent.settimeout(timeout)
            with suppress(TimeoutError):
                peer, _ = silent.accept()
                if asked := peer.recv(65_536):
                    break
                peer.close()
            store.close()

        peer_address = f"0100007F:{silent.getsockname()[1]:04X}"  # 127.0.0.1
        connections = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        assert asked.startswith(b"*")
        peer.close()
        store.close()
    # a socket of ours that waited for the peer would have kept what was not delivered
    assert [line for line in connections if line[2] == peer_address and line[3] != "06"] == []
