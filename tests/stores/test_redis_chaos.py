"""Servers killed under load: nothing acknowledged is lost, nobody is logged out."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gatepass.errors import StoreUnavailable
from gatepass.sessions import RotationKind
from gatepass.stores.redis import RedisStore
from tests.budget import PATIENCE_S, TIMES
from tests.servers.redis_server import eventually
from tests.servers.redis_sets import ServerSet, start_alone, start_cluster, start_sentinel
from tests.stores.plans import log_in, present, sid

WRITERS = 4
CLIENTS = 8
PAUSE = 0.05
"""Seconds between a client's refreshes. A store that lost more than 64 of one is not believed: a
replica on a busy machine may be seconds behind."""
ALIVE = {RotationKind.ROTATED, RotationKind.REPLAYED, RotationKind.AHEAD}


@dataclass
class Said:
    """What was acknowledged, by threads of this process."""

    issued: set[str] = field(default_factory=set)
    ended: set[str] = field(default_factory=set)
    tokens: set[str] = field(default_factory=set)
    newest: dict[str, int] = field(default_factory=dict)
    """The generation each client holds a token of."""
    kinds: Counter[RotationKind] = field(default_factory=Counter)
    paused: threading.Event = field(default_factory=threading.Event)
    """Clients refresh no more, lest a set that lost more than 64 of one is not believed."""
    stop: threading.Event = field(default_factory=threading.Event)
    faults: list[BaseException] = field(default_factory=list)

    def is_plenty(self) -> bool:
        """Whether there is enough of everything for a loss to be seen."""
        return (
            min(len(self.issued), len(self.ended), len(self.tokens)) > 20
            and self.kinds[RotationKind.ROTATED] > 100
        )

    def refresh(self, store: RedisStore, session_id: str) -> RotationKind:
        """Refresh as a client does: with the newest token it was given."""
        fact = store.rotate(present(session_id, self.newest[session_id]))
        self.kinds[fact.kind] += 1
        if fact.kind in ALIVE and fact.session is not None:
            self.newest[session_id] = fact.session.generation
        return fact.kind


def write(store: RedisStore, said: Said, writer: int) -> None:
    """Log in and revoke without end."""
    for step in range(1_000_000):
        subject = f"{writer}.{step}"
        name, token = sid(f"session {subject}", subject), sid(f"token {subject}", subject)
        with suppress(StoreUnavailable):
            if said.stop.is_set():
                return
            assert store.issue(log_in(subject, session_id=name)) is not None
            said.issued.add(name)
            if step % 3 == 0:
                store.revoke_session(name, reason="log-out")
                said.ended.add(name)
            elif step % 3 == 1:
                store.revoke_subject(subject, reason="log-out")
                said.ended.add(name)
            else:
                store.revoke_token(token)
                said.tokens.add(token)


def refresh(store: RedisStore, said: Said, client: int) -> None:
    """Refresh without end, with whatever token was given last."""
    session_id = sid(f"client {client}", f"client {client}")
    while not said.stop.wait(PAUSE):
        if said.paused.is_set():
            continue
        with suppress(StoreUnavailable):
            assert said.refresh(store, session_id) in ALIVE


@contextmanager
def load(url: str, replicas: int | None = None) -> Iterator[tuple[RedisStore, Said]]:
    """Threads that use a store while the test breaks things."""
    store, said = RedisStore.from_url(url, replicas=replicas), Said()
    for client in range(CLIENTS):
        session_id = sid(f"client {client}", f"client {client}")
        assert store.issue(log_in(f"client {client}", session_id=session_id)) is not None
        said.newest[session_id] = 0

    def watched(work: Callable[[RedisStore, Said, int], None], number: int) -> None:
        try:
            work(store, said, number)
        except BaseException as fault:  # noqa: BLE001 (looked at by the test)
            said.faults.append(fault)
            said.stop.set()

    threads = [threading.Thread(target=watched, args=[write, n]) for n in range(WRITERS)]
    threads += [threading.Thread(target=watched, args=[refresh, n]) for n in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        yield store, said
    finally:
        said.stop.set()
        for thread in threads:
            thread.join()
        store.close()


def lost_of(url: str, said: Said) -> list[str]:
    """What was acknowledged and is not there."""
    store = RedisStore.from_url(url, replicas=0)
    unknown = RotationKind.UNKNOWN
    lost = [name for name in said.issued if store.rotate(present(name)).kind is unknown]
    lost += [name for name in said.ended if not store.is_revoked(name, None)]
    lost += [token for token in said.tokens if not store.is_revoked(None, token)]
    store.close()
    return lost


def answers(url: str) -> bool:
    """Whether rotations work again."""
    store = RedisStore.from_url(url, replicas=0)
    try:
        return [store.subject_epoch(f"client {n}") for n in range(16)] == [0] * 16
    except StoreUnavailable:
        return False
    finally:
        store.close()


def takes_log_ins(url: str) -> bool:
    """Whether log-ins are confirmed again, everywhere."""
    store = RedisStore.from_url(url)
    try:
        return all(store.issue(log_in(f"late {number}")) for number in range(16))
    except StoreUnavailable:
        return False
    finally:
        store.close()


@pytest.mark.parametrize(
    ("kind", "runs"),
    [
        ("redis 8", 1),
        pytest.param("redis 7", 2 * TIMES, marks=pytest.mark.chaos),
        pytest.param("redis 8", 2 * TIMES, marks=pytest.mark.chaos),
        pytest.param("valkey", 2 * TIMES, marks=pytest.mark.chaos),
    ],
)
def test_nothing_acknowledged_is_missing_after_kill_9_of_redis(
    kind: str, runs: int, tmp_path: Path
) -> None:
    servers = start_alone(kind, tmp_path)
    [server] = servers.servers
    with load(servers.url) as (_, said):
        for _ in range(runs):
            time.sleep(0.7)
            server.kill()
            time.sleep(0.1)
            server.start()
        eventually(said.is_plenty, "there is no load")

    lost = lost_of(servers.url, said)
    servers.stop()
    assert said.faults == []
    assert lost == []


def fail_over(servers: ServerSet, replicas: int | None = None) -> tuple[Said, list[str]]:
    """Cut the replication link and kill the primary in the same moment, under load."""
    with load(servers.url, replicas) as (store, said):
        eventually(lambda: len(said.issued) > 20, "there is no load")
        assert servers.proxy is not None
        rotated, issued = said.kinds.total(), len(said.issued)

        def is_busy() -> bool:
            return said.kinds.total() > rotated + 8 and (replicas != 0 or len(said.issued) > issued)

        servers.proxy.delay_s = PATIENCE_S  # what is acknowledged from now on stays on the link
        eventually(is_busy, "there is no load")
        said.paused.set()
        servers.proxy.cut()
        servers.servers[0].kill()
        said.paused.clear()
        eventually(lambda: answers(servers.url), "nobody takes over")
        for session_id in said.newest:
            said.refresh(store, session_id)
        time.sleep(0.5)
    return said, lost_of(servers.url, said)


@pytest.mark.chaos
@pytest.mark.parametrize("kind", ["redis 8", "valkey"])
def test_a_fail_over_loses_nothing_acknowledged_and_logs_nobody_out(
    kind: str, tmp_path: Path
) -> None:
    servers = start_sentinel(kind, tmp_path, down_after_ms=1_000, delay_s=0.02)
    said, lost = fail_over(servers)
    servers.stop()

    assert said.faults == []  # each refresh was ROTATED, REPLAYED or AHEAD
    assert lost == []
    assert len(said.issued) > 20
    assert said.kinds[RotationKind.AHEAD] > 0  # rotations had been lost, and healed


@pytest.mark.chaos
def test_the_fail_over_loses_log_ins_that_did_not_wait(tmp_path: Path) -> None:
    servers = start_sentinel("redis 8", tmp_path, down_after_ms=1_000, delay_s=0.02)
    said, lost = fail_over(servers, replicas=0)
    servers.stop()

    assert len(lost) > 0
    # Nothing else goes wrong but that clients find their sessions lost too.
    assert [fault for fault in said.faults if "RotationKind.UNKNOWN" not in str(fault)] == []


@pytest.mark.chaos
def test_a_sentinel_set_heals_by_itself(tmp_path: Path) -> None:
    servers = start_sentinel("redis 8", tmp_path, down_after_ms=1_000)
    old = servers.servers[0]
    with load(servers.url) as (_, said):
        time.sleep(0.5)
        old.freeze()
        eventually(lambda: answers(servers.url), "nobody takes over")
        old.thaw()
        eventually(lambda: takes_log_ins(servers.url), "the old primary does not follow")

    lost = lost_of(servers.url, said)
    roles = [server.info("replication")["role"] for server in servers.servers]
    servers.stop()
    assert said.faults == []
    assert lost == []
    assert roles == ["slave", "master"]


@pytest.mark.chaos
def test_a_cluster_heals_by_itself(tmp_path: Path) -> None:
    servers = start_cluster("redis 8", tmp_path, node_timeout_ms=1_500)
    with load(servers.url) as (_, said):
        for dead in servers.primaries()[:2]:
            time.sleep(0.5)
            dead.kill()
            eventually(lambda: answers(servers.url), "nobody takes over")
            dead.start()
            eventually(lambda: takes_log_ins(servers.url), "the old primary does not follow")
        eventually(said.is_plenty, "there is no load")

    lost = lost_of(servers.url, said)
    servers.stop()
    assert said.faults == []
    assert lost == []
