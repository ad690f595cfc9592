"""Where in Redis things lie, how much room they take, and that all of it goes away by itself."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import redis

from gatepass.sessions import RotationKind, Session, Store, new_id
from gatepass.sessions.session import LOG_MS, SKEW_MS, partition_of
from gatepass.stores.redis import RedisStore
from gatepass.stores.redis.wire import Exchange, Steps
from tests.budget import LONG, TIMES, require_short
from tests.servers.redis_sets import ServerSet, running, start_alone
from tests.stores.plans import ACCESS_LIFE, DAY, LIFE, MINUTE, key, log_in, opaque, present, sid
from tests.stores.redis_backends import redis_store_at
from tests.stores.twins import Runner

RETENTION = ACCESS_LIFE + SKEW_MS
ALONE = ("redis 7", "redis 8", "valkey")
SLACK_MS = 120_000
"""More than any machine takes for a test."""
SUBJECTS = 2_000 if LONG else 300


@pytest.fixture(params=[*ALONE, "sentinel", "cluster"])
def servers(request: pytest.FixtureRequest) -> ServerSet:
    servers = running(request.param)
    servers.flush()
    return servers


@pytest.fixture
def plain(servers: ServerSet) -> Iterator[Store]:
    """A store on the server's own clock."""
    store = RedisStore.from_url(servers.url)
    yield store
    store.close()


def everything(store: Store, subject: str = "ada") -> Session:
    """Do all that leaves something behind."""
    session = store.issue(log_in(subject))
    assert session is not None
    ended = store.issue(replace(log_in(subject), actor="support-7"))
    assert ended is not None
    store.issue_opaque(opaque(session.session_id, subject))
    assert store.issue(key(subject)) is not None
    store.rotate(present(session.session_id))
    store.revoke_session(ended.session_id, reason="log-out")
    store.revoke_session(new_id(subject, bytes(16)), reason="log-out")
    store.revoke_token(new_id(subject, bytes(15) + b"1"))
    return session


def test_all_keys_of_a_subject_are_in_one_slot(servers: ServerSet, plain: Store) -> None:
    everything(plain)
    plain.revoke_subject("ada", reason="password changed")
    everything(plain)

    slots = {redis.crc.key_slot(key) for key in servers.all_keys()}
    kinds = {key.split(b"}:")[1].split(b":")[0] for key in servers.all_keys()}
    assert len(slots) == 1
    assert kinds == {b"s", b"u", b"k", b"a", b"e", b"o", b"x", b"log", b"meta"}


def test_subjects_are_spread_over_all_members() -> None:
    servers = running("cluster")
    servers.flush()
    store = RedisStore.from_url(servers.url)
    for number in range(100):
        store.issue(log_in(f"subject {number}"))
    store.close()

    sizes = [server.client().dbsize() for server in servers.primaries()]
    assert min(sizes) > 10


def test_an_id_of_another_partition_is_refused(plain: Store) -> None:
    with pytest.raises(ValueError, match="partition"):
        plain.issue(log_in("ada", session_id=sid("a", "bob")))

    session = plain.issue(log_in("ada"))
    assert session is not None
    theirs, ours = opaque(session.session_id, "bob"), opaque(session.session_id)
    with pytest.raises(ValueError, match="partition"):
        plain.issue_opaque(theirs)
    with pytest.raises(ValueError, match="partition"):
        plain.issue_opaque(replace(ours, token_id=theirs.token_id))


def memory(client: redis.Redis, key: str) -> int:
    usage = client.memory_usage(key)
    assert usage is not None
    return int(usage)


def session_key(session_id: str) -> str:
    return f"gatepass:{{{partition_of(session_id)}}}:s:{session_id}"


def bare_session(store: Store) -> str:
    """A session without claims and device, of a subject as long as a UUID."""
    subject = "0b9e1c6e-6a55-4ec6-9c22-8f4f0e8f3a11"
    plan = replace(log_in(subject, claims=b"{}"), device=None)
    assert store.issue(plan) is not None
    return plan.session_id


def test_a_session_takes_at_most_350_bytes(servers: ServerSet, plain: Store) -> None:
    session_id = bare_session(plain)
    key = session_key(session_id)
    client = servers.holder(key)

    sizes = [memory(client, key)]
    for generation in range(12):
        assert plain.rotate(present(session_id, generation)).kind is RotationKind.ROTATED
        sizes.append(memory(client, key))

    assert max(sizes) <= 350
    assert client.object("encoding", key) == b"listpack"


ROTATIONS = 20_000 * TIMES


@pytest.mark.races
@pytest.mark.parametrize("kind", ["redis 7", "redis 8", "valkey"])
def test_tens_of_thousands_of_rotations_take_no_more_room_than_eight(
    kind: str, tmp_path: Path
) -> None:
    servers = start_alone(kind, tmp_path, "--appendonly", "no")
    plain = RedisStore.from_url(servers.url)
    session_id = bare_session(plain)
    key = session_key(session_id)
    client = servers.holder(key)
    for generation in range(8):
        plain.rotate(present(session_id, generation, claims=b'{"role":"user"}'))
    whole, size = client.info("memory")["used_memory_dataset"], memory(client, key)
    keys = client.dbsize()

    for start in range(8, ROTATIONS, 2_000):
        with client.pipeline(transaction=False) as pipeline:
            for generation in range(start, min(start + 2_000, ROTATIONS)):
                plan = present(session_id, generation, claims=b'{"role":"user"}')
                step = next(plain.work.rotate(plan))
                assert isinstance(step, Exchange)
                pipeline.execute_command(*step.commands[0])  # type: ignore[no-untyped-call]
            answers = pipeline.execute()
        assert all(answer[0] == b"rotated" for answer in answers)

    [session] = plain.sessions("0b9e1c6e-6a55-4ec6-9c22-8f4f0e8f3a11")
    assert session.generation == ROTATIONS
    assert memory(client, key) <= size
    assert client.dbsize() == keys
    assert client.info("memory")["used_memory_dataset"] < whole + 200_000
    plain.close()
    servers.stop()


def test_a_session_with_claims_and_device_stays_one_compact_block(
    servers: ServerSet, plain: Store
) -> None:
    claims = b'{"all":"' + b"x" * 2_000 + b'"}'
    session = plain.issue(replace(log_in(claims=claims), device="Firefox " * 20))
    assert session is not None
    plain.rotate(present(session.session_id, claims=claims))
    key = session_key(session.session_id)
    long = servers.holder(key).hlen(key)

    plain.rotate(present(session.session_id, 1, claims=b"{}"))

    assert servers.holder(key).object("encoding", key) == b"listpack"
    assert servers.holder(key).hlen(key) == long - 31


def test_everything_but_epochs_goes_away_by_itself(servers: ServerSet, plain: Store) -> None:
    everything(plain)
    plain.revoke_subject("ada", reason="password changed")
    everything(plain)

    lives = {key.split(b"}:")[1]: servers.holder(key).pttl(key) for key in servers.all_keys()}
    for name, left in lives.items():
        match name[:2]:
            case b"s:" | b"u:" | b"a:" | b"k:":
                assert LIFE + RETENTION - SLACK_MS < left <= LIFE + RETENTION, name
            case b"o:":
                life = ACCESS_LIFE if left < LIFE else LIFE
                assert life + RETENTION - SLACK_MS < left <= life + RETENTION, name
            case b"x:" | b"lo":
                assert LOG_MS - SLACK_MS < left <= LOG_MS, name
            case _:
                assert name in {b"meta", b"e:ada"}
                assert left == -1


def test_a_longer_access_life_keeps_what_comes_after_it_longer(
    servers: ServerSet, plain: Store
) -> None:
    session = plain.issue(log_in())
    assert session is not None
    plain.rotate(present(session.session_id, access_life=2 * DAY))
    plain.rotate(present(session.session_id, 1, access_life=MINUTE))
    plain.revoke_token(new_id("ada", bytes(16)))
    plain.issue(log_in(access_life=MINUTE))

    kept = [
        servers.holder(key).pttl(key)
        for key in servers.all_keys("*:x:*") + servers.all_keys("*:log")
    ]
    sessions = [servers.holder(key).pttl(key) for key in servers.all_keys("*:s:*")]
    assert min(kept) > 2 * DAY + SKEW_MS - SLACK_MS
    assert max(sessions) > LIFE + 2 * DAY + SKEW_MS - SLACK_MS


def test_a_token_is_marked_for_as_long_as_it_lives(servers: ServerSet, plain: Store) -> None:
    plain.issue(log_in())
    plain.revoke_token(new_id("ada", bytes(16)), lifetime_ms=2 * DAY)

    [mark] = servers.all_keys("*:x:t:*")
    assert servers.holder(mark).pttl(mark) > 2 * DAY + SKEW_MS - SLACK_MS


def test_purging_is_not_needed(servers: ServerSet, plain: Store) -> None:
    everything(plain)

    assert plain.purge() == 0
    assert len(servers.all_keys("*}:s:*")) == 3


def test_a_subject_named_like_a_key_does_not_stop_a_revocation_of_everybody(plain: Store) -> None:
    names = ["}:s:x", "{3}:s:x", "gatepass:{3}:s:x", "a}:s:", "{", "*", "\n}:s:\0", "?[a-z]"]
    sessions = [plain.issue(log_in(name)) for name in names]
    assert [plain.sessions(name) for name in names] == [[one] for one in sessions]

    assert plain.revoke_all(reason="restore") == len(names)
    assert [plain.sessions(name) for name in names] == [[]] * len(names)
    assert [plain.subject_epoch(name) for name in names] == [1] * len(names)


@pytest.mark.parametrize("servers", ["redis 8", "cluster"], indirect=True)
def test_a_revocation_of_everybody_goes_on_in_small_steps(
    servers: ServerSet, plain: Store, twin: str, runner: Runner
) -> None:
    for number in range(SUBJECTS):
        plain.issue(log_in(f"subject {number}"))
    for server in servers.primaries():
        server.client().config_set("slowlog-log-slower-than", 10_000)
        server.client().slowlog_reset()
    store = redis_store_at(servers.url, twin, runner)

    assert store.revoke_all(reason="restore") == SUBJECTS

    assert all(store.sessions(f"subject {number}") == [] for number in range(0, SUBJECTS, 50))
    for server in servers.primaries():
        slowest_us = max((one["duration"] for one in server.client().slowlog_get()), default=0)
        require_short(slowest_us / 1_000_000, 0.1)
    store.close()


@pytest.mark.parametrize("servers", ["redis 8", "cluster"], indirect=True)
def test_a_session_opened_while_everybody_is_revoked_stays(servers: ServerSet) -> None:
    """The log-in comes after the epoch was raised, and before its key is come across."""
    store, other = RedisStore.from_url(servers.url), RedisStore.from_url(servers.url)
    for number in range(600):
        store.issue(log_in(f"subject {number}"))
    steps = store.work.revoke_all(reason="restore")
    opened = None

    def between() -> Steps[int]:
        nonlocal opened
        step = next(steps)
        while True:
            if opened is None and isinstance(step, Exchange) and step.commands[0][0] == "SCAN":
                opened = other.issue(log_in("ada"))
            try:
                step = steps.send((yield step))
            except StopIteration as stop:
                return int(stop.value)

    assert store._run(between()) == 600
    assert opened is not None
    assert other.sessions("ada") == [opened]
    store.close()
    other.close()
