"""Faults of Redis under load: alone, with Sentinel, as a Cluster."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gatepass.sessions.session import PARTITIONS
from tests.chaos.conftest import Begin
from tests.chaos.isolation import Watched, start_watched
from tests.chaos.judgement import require_late, require_nothing_wrong, require_silence_survived
from tests.chaos.scenario import CONTROLS, KINDS, OPAQUE, Scenario
from tests.chaos.way import way_to
from tests.servers.redis_server import Server
from tests.servers.redis_sets import start_alone, start_cluster
from tests.servers.reshard import Move

KIND = "redis 8"
LAG_S = 3.0
"""What being cut off adds under Sentinel: a replica is missed after 2 s, looked for each second."""
NODE_TIMEOUT_S = 1.5
DURABLE = ("--appendonly", "yes", "--appendfsync", "always")

pytestmark = pytest.mark.chaos


@contextmanager
def alone(folder: Path) -> Iterator[Server]:
    servers = start_alone(KIND, folder, *DURABLE)
    try:
        yield servers.servers[0]
    finally:
        servers.stop()


@contextmanager
def watched(folder: Path) -> Iterator[Watched]:
    servers = start_watched(KIND, folder)
    try:
        yield servers
    finally:
        servers.stop()


def primaries_of(servers: list[Server]) -> int:
    return sum(one.info("replication")["role"] == "master" for one in servers)


def test_a_cluster_loses_two_primaries(begin: Begin, tmp_path: Path) -> None:
    servers = start_cluster(KIND, tmp_path / "servers", int(NODE_TIMEOUT_S * 1000))
    try:
        version = servers.servers[0].version
        scenario = begin(
            "Cluster 3+3, two primaries killed", servers.url, version, extra_s=NODE_TIMEOUT_S
        )
        first, second = scenario.random.sample(servers.primaries(), 2)
        alive = list(servers.servers)
        for dead in (first, second):
            dead.kill()
            alive.remove(dead)
            # one without a disk that is back before it was replaced is empty
            scenario.until(lambda: primaries_of(alive) == 3, "another primary")
            scenario.let_pass(scenario.random.uniform(1, 3))
        for server in (first, second):
            server.start()
        scenario.heal()
        scenario.until(lambda: len(scenario.partitions()) == PARTITIONS, "every log takes some in")
        require_nothing_wrong(scenario, scenario.finish())
    finally:
        servers.stop()


def test_a_cluster_moves_partitions_between_primaries(begin: Begin, tmp_path: Path) -> None:
    servers = start_cluster(KIND, tmp_path / "servers")
    try:
        scenario = begin("Cluster 3+3, partitions moved", servers.url, servers.servers[0].version)
        for number in scenario.random.sample(range(PARTITIONS), 8) * 2:
            source = Move(servers, number).source
            others = [one for one in servers.primaries() if one is not source]
            move = Move(servers, number, scenario.random.choice(others))
            move.begin()
            for _ in range(4):
                some = set(move.keys()[::4])
                move.take(some.__contains__)
                scenario.let_pass(scenario.random.uniform(0, 0.3))
            move.finish()
        scenario.heal()
        scenario.until(lambda: len(scenario.partitions()) == PARTITIONS, "every log takes some in")
        require_nothing_wrong(scenario, scenario.finish())
    finally:
        servers.stop()


def test_sentinel_fails_over(begin: Begin, tmp_path: Path) -> None:
    with watched(tmp_path / "servers") as servers:
        scenario = begin("Sentinel, primary killed", servers.url, servers.primary.version)
        servers.primary.kill()
        scenario.until(servers.is_replaced, "another primary")
        scenario.heal()
        servers.primary.start()
        scenario.let_pass(scenario.random.uniform(3, 5))
        require_nothing_wrong(scenario, scenario.finish())


def isolate(scenario: Scenario, servers: Watched) -> None:
    """Cut the primary off together with the verifiers; everybody else has another soon."""
    scenario.let_pass(scenario.random.uniform(0, 1))
    servers.isolate()
    scenario.until(servers.is_replaced, "another primary")
    scenario.replace_writers()  # those of before could reach the old primary too
    scenario.let_pass(10)
    servers.rejoin()


def test_a_primary_that_is_cut_off_goes_on_answering(begin: Begin, tmp_path: Path) -> None:
    with watched(tmp_path / "servers") as servers:
        scenario = begin(
            "Sentinel, old primary cut off with the verifiers",
            servers.url,
            servers.primary.version,
            verifier_url=servers.verifier_url,
            extra_s=LAG_S,
        )
        isolate(scenario, servers)
        scenario.heal()
        require_nothing_wrong(scenario, scenario.finish())


def test_the_mutant_believes_a_primary_that_is_cut_off(begin: Begin, tmp_path: Path) -> None:
    with watched(tmp_path / "servers") as servers:
        scenario = begin(
            "control: Sentinel, old primary cut off with the verifiers",
            servers.url,
            servers.primary.version,
            verifier_url=servers.verifier_url,
            extra_s=LAG_S,
            kinds=("mutant", "mutant"),
        )
        isolate(scenario, servers)
        scenario.let_pass(3)
        require_late(scenario, scenario.finish())


def test_redis_alone(begin: Begin, tmp_path: Path) -> None:
    with alone(tmp_path / "servers") as server:
        what = "Redis alone, killed, restarted, frozen, then verifiers asleep"
        scenario = begin(what, server.url, server.version, kinds=OPAQUE)
        server.kill()
        scenario.let_pass(scenario.random.uniform(1, 4))
        server.start()
        scenario.heal()
        server.freeze()
        scenario.let_pass(scenario.random.uniform(4, 6))
        server.thaw()
        scenario.heal()
        scenario.put_to_sleep(scenario.random.uniform(4, 5))
        scenario.heal()
        require_nothing_wrong(scenario, scenario.finish())


@pytest.mark.parametrize(
    ("what", "kinds"),
    [
        ("verifiers cut off silently", KINDS),
        ("control: verifiers cut off silently", CONTROLS),
    ],
)
def test_verifiers_cut_off_silently(
    what: str, kinds: tuple[str, ...], begin: Begin, tmp_path: Path
) -> None:
    with alone(tmp_path / "servers") as server, way_to(server.port) as (way, port):
        scenario = begin(
            what.replace("verifiers", "Redis alone, verifiers"),
            server.url,
            server.version,
            verifier_url=f"redis://127.0.0.1:{port}/0",
            kinds=kinds,
        )
        require_silence_survived(scenario, way, kinds)


def test_a_store_that_comes_back_empty(begin: Begin, tmp_path: Path) -> None:
    with alone(tmp_path / "servers") as server:
        scenario = begin("Redis alone, back empty", server.url, server.version, kinds=OPAQUE)
        scenario.hold_writers()
        server.kill()
        for pattern in ("*.aof", "*.manifest", "*.rdb"):
            for file in (tmp_path / "servers").rglob(pattern):
                file.unlink()
        server.start()
        assert server.client().dbsize() == 0
        emptied_at = time.monotonic()
        scenario.release_writers()
        scenario.heal()
        losses = scenario.losses()
        history = scenario.finish(kept_since=emptied_at)

        require_nothing_wrong(scenario, history)
        assert all(count >= 1 for count in losses)
