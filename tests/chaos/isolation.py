"""A primary that can be cut off from its replicas and sentinels, and goes on answering others.

Everybody reaches the primary through one gate. Replicas and sentinels come from an address of
their own, so that the gate can tell them from clients.
"""

import socket
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tests.servers.proxy import Proxy
from tests.servers.redis_server import Server, eventually, free_ports

INSIDE = "127.0.0.3"
"""Where replicas and sentinels call from."""
_NOBODY: frozenset[str] = frozenset()
EVERYBODY = frozenset({"127.0.0.1", INSIDE})


@dataclass
class Gate(Proxy):
    """A proxy that lets some callers through and not others."""

    shut_for: frozenset[str] = _NOBODY
    _callers: list[tuple[str, socket.socket]] = field(default_factory=list)

    def shut(self, callers: frozenset[str]) -> None:
        """Break what these callers have open, and refuse them from now on."""
        self.shut_for = callers
        for caller, connection in self._callers:
            if caller in callers:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def open(self) -> None:
        """Let everybody through again."""
        self.shut_for = _NOBODY

    def _serve(self, client: socket.socket) -> None:
        try:
            caller = client.getpeername()[0]
        except OSError:
            client.close()
            return
        self._callers.append((caller, client))
        if caller in self.shut_for:
            client.close()
            return
        super()._serve(client)


@dataclass
class Watched:
    """A primary behind a gate, two replicas and three sentinels."""

    gate: Gate
    primary: Server
    replicas: list[Server]
    sentinels: list[Server]
    ways_to_sentinels: list[Gate]
    """How the verifiers reach the sentinels."""

    @property
    def url(self) -> str:
        return self._url_of([sentinel.port for sentinel in self.sentinels])

    @property
    def verifier_url(self) -> str:
        return self._url_of([gate.port for gate in self.ways_to_sentinels])

    def isolate(self) -> None:
        """Leave the verifiers alone with the primary."""
        self.gate.shut(frozenset({INSIDE}))
        for gate in self.ways_to_sentinels:
            gate.shut(EVERYBODY)

    def rejoin(self) -> None:
        for gate in (self.gate, *self.ways_to_sentinels):
            gate.open()

    def is_replaced(self) -> bool:
        """Whether the sentinels have made another server the primary."""
        command = ("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "main")
        return all(int(one.command(*command)[1]) != self.gate.port for one in self.sentinels)

    def stop(self) -> None:
        for server in (*self.sentinels, *self.replicas, self.primary):
            server.stop()
        for gate in (self.gate, *self.ways_to_sentinels):
            gate.cut()

    @staticmethod
    def _url_of(ports: list[int]) -> str:
        hosts = ",".join(f"127.0.0.1:{port}" for port in ports)
        return f"redis+sentinel://{hosts}/main/0"


def start_watched(kind: str, folder: Path) -> Watched:
    """Everything up, and every replica following."""
    options = (
        *("--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1"),
        *("--min-replicas-to-write", "1", "--min-replicas-max-lag", "2"),
    )
    primary = Server(kind, folder / "primary", options).start()
    gate = Gate(primary.port).start()
    assert isinstance(gate, Gate)
    replicas = []
    for number, port in enumerate(free_ports(2)):
        follow = (
            *("--replicaof", "127.0.0.1", str(gate.port), "--bind-source-addr", INSIDE),
            # Set later, while it introduces itself, it waits for an answer that nobody owes it.
            *("--replica-announce-ip", "127.0.0.1", "--replica-announce-port", str(port)),
        )
        replica = Server(kind, folder / f"replica{number}", (*options, *follow), port=port)
        replicas.append(replica.start())
    for replica in replicas:
        eventually(partial(_follows, replica), "a replica does not follow")
    sentinels = [
        Server(
            kind, folder / f"sentinel{number}", ("--bind-source-addr", INSIDE), is_sentinel=True
        ).start()
        for number in range(3)
    ]
    for sentinel in sentinels:
        sentinel.command("SENTINEL", "CONFIG", "SET", "announce-ip", "127.0.0.1")
        sentinel.command("SENTINEL", "MONITOR", "main", "127.0.0.1", gate.port, 2)
        for name, value in (("down-after-milliseconds", 1_000), ("failover-timeout", 3_000)):
            sentinel.command("SENTINEL", "SET", "main", name, value)
    for sentinel in sentinels:
        eventually(partial(_sees_everybody, sentinel), "the sentinels do not meet")
    ways = [Gate(sentinel.port) for sentinel in sentinels]
    for way in ways:
        way.start()
    return Watched(gate, primary, replicas, sentinels, ways)


def _follows(replica: Server) -> bool:
    return bool(replica.info("replication").get("master_link_status") == "up")


def _sees_everybody(sentinel: Server) -> bool:
    replicas = sentinel.command("SENTINEL", "REPLICAS", "main")
    others = sentinel.command("SENTINEL", "SENTINELS", "main")
    return len(replicas) == 2 and len(others) == 2
