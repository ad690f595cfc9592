"""Several hosts in one URL: which failure ends the search, which one is told, and what it costs."""

import asyncio
import gc
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg
import pytest

from gatepass.errors import StoreUnavailable
from gatepass.stores.deadline import DEADLINE, WAIT_S
from gatepass.stores.sql import SqlStore
from gatepass.stores.sql.postgres import connecting, waiting
from gatepass.stores.sql.postgres.connecting import Hosts
from tests.budget import PATIENCE_S, until
from tests.servers.postgres import PostgresServer
from tests.servers.redis_server import free_ports

Talk = Callable[[socket.socket], object]
HOST = "127.0.0.1"


@contextmanager
def listening(talk: Talk) -> Iterator[int]:
    """The port of a server that talks so with whoever connects."""
    with socket.create_server((HOST, 0)) as server:

        def serve() -> None:
            while True:
                try:
                    caller, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=talk, args=[caller], daemon=True).start()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def refusing(state: str, words: str) -> Talk:
    """Answers as PostgreSQL that does not let anybody in."""
    fields = f"SFATAL\0VFATAL\0C{state}\0M{words}\0\0".encode()

    def talk(caller: socket.socket) -> None:
        caller.recv(4096)
        caller.sendall(b"E" + (len(fields) + 4).to_bytes(4) + fields)
        wait_for_end(caller)

    return talk


def wait_for_end(caller: socket.socket) -> None:
    """Read until the other side has closed its socket."""
    caller.settimeout(PATIENCE_S)
    while caller.recv(4096):
        pass
    caller.close()


STARTING = refusing("57P03", "the database system is starting up")
WRONG = refusing("28P01", 'password authentication failed for user "gate"')


def hosts_of(*ports: int) -> Hosts:
    return Hosts(
        {
            "host": ",".join([HOST] * len(ports)),
            "port": ",".join(map(str, ports)),
            "user": "gate",
            "sslmode": "disable",
        }
    )


def connect(hosts: Hosts, twin: str) -> Any:
    return hosts.connect() if twin == "sync" else asyncio.run(hosts.connect_async())


def sentence(*ports: int) -> str:
    """What is told of hosts that let nobody in."""
    hosts = ",".join(f"{HOST}:{port}" for port in ports)
    url = f"postgresql://gate:wrong@{hosts}/postgres?sslmode=disable"
    with closing(SqlStore.from_url(url)) as store, pytest.raises(StoreUnavailable) as failed:
        store.subject_epoch("ada")
    return str(failed.value)


def test_the_most_telling_failure_is_told_wherever_it_stands() -> None:
    [closed] = free_ports(1)
    with listening(STARTING) as starting, listening(WRONG) as wrong:
        told = [sentence(*ports) for ports in ((starting, closed), (closed, starting))]
        refused = [sentence(*ports) for ports in ((wrong, closed), (closed, wrong))]

    assert told == ["the database is starting or stopping"] * 2
    assert refused == ["the database rejects the user name or the password"] * 2


@pytest.mark.parametrize("twin", ["sync", "async"])
def test_a_server_that_refuses_the_login_ends_the_search(twin: str) -> None:
    """As with libpq: a password is not tried at one server after the other."""
    with listening(WRONG) as wrong, socket.create_server((HOST, 0)) as other:
        other.settimeout(0)
        with pytest.raises(psycopg.OperationalError, match="password"):
            connect(hosts_of(wrong, other.getsockname()[1]), twin)
        with pytest.raises(BlockingIOError):
            other.accept()


class Hand:
    """A clock that stands still until somebody moves it."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.looks = 0

    def monotonic(self) -> float:
        self.looks += 1
        return self.now

    def move(self, seconds: float) -> None:
        """Go on, and wait until somebody has noticed."""
        self.now += seconds
        seen = self.looks
        until(lambda: self.looks > seen + 2)


@pytest.mark.parametrize("twin", ["sync", "async"])
def test_a_distant_host_that_goes_on_answering_has_more_than_its_share(
    twin: str, server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand = Hand()
    for module in (connecting, waiting):
        monkeypatch.setattr(module, "time", hand)
    token = DEADLINE.set(hand.now + WAIT_S)
    [closed] = free_ports(1)

    def far(caller: socket.socket) -> None:
        """Declines TLS, then passes everything on; each answer takes 0.6 of the 1.9 seconds."""
        caller.recv(4096)
        hand.move(0.6)
        caller.sendall(b"N")
        with socket.create_connection((HOST, server.port)) as near:
            near.sendall(caller.recv(4096))
            answer = near.recv(65536)
            hand.move(0.6)
            caller.sendall(answer)
            wait_for_end(caller)

    try:
        with listening(far) as port:
            hosts = Hosts(
                {"host": f"{HOST},{HOST}", "port": f"{port},{closed}", "user": "gate"}
                | {"dbname": "postgres", "sslmode": "prefer", "target_session_attrs": "any"}
            )
            connection = connect(hosts, twin)
            assert connection.pgconn.port == str(port).encode()
            connection.pgconn.finish()
    finally:
        DEADLINE.reset(token)


def babbling(caller: socket.socket) -> None:
    caller.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    wait_for_end(caller)


TALKS = {"silent": wait_for_end, "babbling": babbling, "wrong": WRONG, "starting": STARTING}


@pytest.mark.parametrize("twin", ["sync", "async"])
@pytest.mark.parametrize("which", TALKS)
def test_the_socket_of_a_failed_attempt_is_closed_at_once(
    which: str, twin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also while somebody holds the error, and without the garbage collector."""
    hand, closed = Hand(), threading.Event()
    for module in (connecting, waiting):
        monkeypatch.setattr(module, "time", hand)

    def talk(caller: socket.socket) -> None:
        if which == "silent":
            hand.now += WAIT_S
        TALKS[which](caller)
        closed.set()

    token = DEADLINE.set(hand.now + WAIT_S)
    gc.disable()
    try:
        with listening(talk) as port:
            with pytest.raises(psycopg.Error) as failed:
                connect(hosts_of(port), twin)
            assert closed.wait(PATIENCE_S)
            assert failed.value is not None
    finally:
        gc.enable()
        DEADLINE.reset(token)
