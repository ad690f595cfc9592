"""Redis alone, with Sentinel and as a Cluster, started once for all tests and stopped at exit."""

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path

import redis

from tests.servers.proxy import Proxy
from tests.servers.redis_server import Server, eventually, free_ports

KINDS = ("redis 7", "redis 8", "valkey", "sentinel", "cluster")
"""What the contract runs on."""


@dataclass
class ServerSet:
    """Servers that belong together, and the URL under which a store finds them."""

    name: str
    url: str
    servers: list[Server]
    """Those that keep data, primaries and replicas."""
    sentinels: list[Server] = field(default_factory=list)
    proxy: Proxy | None = None
    """Stands before the first server."""

    def primaries(self) -> list[Server]:
        return [one for one in self.servers if one.info("replication")["role"] == "master"]

    def flush(self) -> None:
        for server in self.primaries():
            server.client().flushall()

    def all_keys(self, pattern: str = "*") -> list[bytes]:
        """All keys, wherever they are."""
        return [key for one in self.primaries() for key in one.client().scan_iter(pattern)]

    def holder(self, key: bytes | str) -> redis.Redis:
        """A client of the primary that has this key."""
        clients = [server.client() for server in self.primaries()]
        return next((one for one in clients if _has(one, key)), clients[0])

    def stop(self) -> None:
        if self.proxy is not None:
            self.proxy.cut()
        for server in [*self.sentinels, *self.servers]:
            server.stop()


def _has(client: redis.Redis, key: bytes | str) -> bool:
    try:
        return bool(client.exists(key))
    except redis.ResponseError:  # another member of the cluster has it
        return False


def start_alone(kind: str, folder: Path, *options: str, password: str | None = None) -> ServerSet:
    """One server whose disk has what was acknowledged."""
    durable = ("--appendonly", "yes", "--appendfsync", "always")
    server = Server(kind, folder, options or durable, password=password).start()
    return ServerSet(kind, server.url, [server])


def start_pair(kind: str, folder: Path, *options: str, delay_s: float = 0.0) -> ServerSet:
    """A primary and a replica; with a delay, behind a proxy whose replication link is slow."""
    options = ("--repl-diskless-sync-delay", "0", *options)
    primary = Server(kind, folder / "primary", options).start()
    proxy = Proxy(primary.port, delay_s=delay_s).start() if delay_s else None
    port = proxy.port if proxy else primary.port
    follow = ("--replicaof", "127.0.0.1", str(port), *options)
    replica = Server(kind, folder / "replica", follow).start()
    _await_replica(replica)
    return ServerSet("pair", primary.url, [primary, replica], proxy=proxy)


def start_sentinel(
    kind: str, folder: Path, down_after_ms: int = 30_000, delay_s: float = 0.0
) -> ServerSet:
    """A primary and a replica, watched by three sentinels; perhaps with a slow link between."""
    pair = start_pair(kind, folder, "--repl-ping-replica-period", "1", delay_s=delay_s)
    port = pair.proxy.port if pair.proxy else pair.servers[0].port
    sentinels = [
        Server(kind, folder / f"sentinel{number}", is_sentinel=True).start() for number in range(3)
    ]
    for sentinel in sentinels:
        sentinel.command("SENTINEL", "MONITOR", "main", "127.0.0.1", port, 2)
        for name, value in (("down-after-milliseconds", down_after_ms), ("failover-timeout", 3000)):
            sentinel.command("SENTINEL", "SET", "main", name, value)
    for sentinel in sentinels:
        eventually(partial(_sees_everybody, sentinel), "the sentinels do not meet")
    hosts = ",".join(sentinel.address for sentinel in sentinels)
    url = f"redis+sentinel://{hosts}/main/0"
    return ServerSet("sentinel", url, pair.servers, sentinels, pair.proxy)


def _sees_everybody(sentinel: Server) -> bool:
    found = sentinel.command("SENTINEL", "CKQUORUM", "main")
    replicas = sentinel.command("SENTINEL", "REPLICAS", "main")
    others = sentinel.command("SENTINEL", "SENTINELS", "main")
    return bool(found) and len(replicas) == 1 and len(others) == 2


def start_cluster(kind: str, folder: Path, node_timeout_ms: int = 30_000) -> ServerSet:
    """Three primaries with a replica each."""
    buses = free_ports(6)
    servers = [
        Server(
            kind,
            folder / f"node{number}",
            (
                *("--cluster-enabled", "yes", "--cluster-node-timeout", str(node_timeout_ms)),
                *("--cluster-port", str(bus), "--repl-diskless-sync-delay", "0"),
                *("--cluster-replica-validity-factor", "0"),
            ),
        ).start()
        for number, bus in enumerate(buses)
    ]
    first = servers[0]
    for server, bus in zip(servers[1:], buses[1:], strict=True):
        first.command("CLUSTER", "MEET", "127.0.0.1", server.port, bus)
    for number, server in enumerate(servers[:3]):
        start, end = number * 16384 // 3, (number + 1) * 16384 // 3 - 1
        server.command("CLUSTER", "ADDSLOTSRANGE", start, end)
    ids = [server.command("CLUSTER", "MYID") for server in servers]
    for number, server in enumerate(servers[3:]):
        replicate = partial(server.command, "CLUSTER", "REPLICATE", ids[number])
        eventually(replicate, "a replica does not know its primary")
        _await_replica(server)
    for server in servers:
        eventually(partial(_is_whole, server), "the cluster does not come together")
    hosts = ",".join(server.address for server in servers[:3])
    return ServerSet("cluster", f"redis+cluster://{hosts}", servers)


def _is_whole(server: Server) -> bool:
    info = server.command("CLUSTER", "INFO")
    shards = server.command("CLUSTER", "SLOTS")
    text = info.decode() if isinstance(info, bytes) else str(info)
    return "cluster_state:ok" in text.replace("'", "").replace(": ", ":") and len(shards) == 3


def _await_replica(replica: Server) -> None:
    eventually(
        lambda: replica.info("replication").get("master_link_status") == "up",
        "the replica does not follow",
    )


_STARTS: dict[str, Callable[[Path], ServerSet]] = {
    "redis 7": lambda folder: start_alone("redis 7", folder),
    "redis 8": lambda folder: start_alone("redis 8", folder),
    "valkey": lambda folder: start_alone("valkey", folder),
    "sentinel": lambda folder: start_sentinel("redis 8", folder),
    "cluster": lambda folder: start_cluster("redis 8", folder),
}

VERSIONS: dict[str, str] = {}
"""What was started in this run, for whoever reports it."""


@cache
def running(name: str) -> ServerSet:
    """The servers of this name, started when they are first asked for."""
    folder = Path(tempfile.mkdtemp(prefix="gatepass-redis-"))
    pid = os.getpid()
    started = _STARTS[name](folder)
    VERSIONS[name] = started.servers[0].version

    def stop() -> None:
        if os.getpid() == pid:  # and not a forked child
            started.stop()
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(stop)
    return started
