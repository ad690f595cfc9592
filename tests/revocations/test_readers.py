"""What a read is worth: counted from its sending, of a primary, and of one and the same server."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from gatepass.errors import StoreUnavailable
from gatepass.revocations import postgres_readers, redis_log
from gatepass.revocations import state as states
from gatepass.revocations.alarm import Alarm
from gatepass.revocations.denylist import Denylist
from gatepass.revocations.redis_cursor import BACK_MS, RedisCursor
from gatepass.revocations.redis_log import RedisLog
from gatepass.revocations.state import ReplicaState
from gatepass.stores.redis.layout import Keys
from gatepass.stores.redis.target import target_of_url
from gatepass.stores.sql import AsyncSqlStore, SqlStore
from gatepass.stores.sql.postgres.statements import CHANNEL
from tests.stores.postgres_backend import empty_url

SECONDS = 1_800_000_000
PLACE = f"{SECONDS * 1000}-0"


class Hand:
    """A clock that goes on by a second when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def tick(self) -> None:
        self.now += 1


@pytest.fixture
def hand() -> Hand:
    return Hand()


class Server:
    """Answers what a reader of one partition asks, a second after it was asked."""

    def __init__(self, hand: Hand) -> None:
        self.hand = hand
        self.run_id = "first"
        self.role = b"master"
        self.found: Any = [[b"gp:{4}:log", [[PLACE.encode(), [b"s", b"a"]]]]]
        self.asked_from: list[str] = []
        cursor = RedisCursor((4,), Denylist(), Alarm())
        self.steps = RedisLog(
            target_of_url("redis://10.0.0.1/0"), Keys("gp"), cursor, lambda: SECONDS
        )

    def read(self) -> float | None:
        steps = self.steps.read(0)
        self.steps._check_at = 0.0  # look at the server every time
        exchange: Any = next(steps)
        try:
            while True:
                self.hand.tick()
                exchange = steps.send([self.answer(command) for command in exchange.commands])
        except StopIteration as end:
            sent: float | None = end.value
            return sent

    def answer(self, command: Any) -> Any:
        match command:
            case ("INFO", "server"):
                return f"run_id:{self.run_id}\r\n".encode()
            case ("INFO", _):
                return b"role:master\r\nmaster_replid:same\r\n"
            case ("HMGET", *_):
                return [b"id", str(SECONDS * 1000).encode(), b"900000"]
            case ("XRANGE", *_):
                return [["the entry"]]
            case ("ROLE",):
                return [self.role]
            case ("XREAD", *_, place):
                self.asked_from.append(place)
                return self.found
            case _:
                return [str(SECONDS).encode(), b"0"]


@pytest.fixture
def server(hand: Hand, monkeypatch: pytest.MonkeyPatch) -> Server:
    monkeypatch.setattr(redis_log, "steady_now", hand)
    return Server(hand)


def test_a_slow_answer_of_redis_is_believed_from_its_sending(server: Server, hand: Hand) -> None:
    sent = server.read()

    assert sent == hand.now - 1


def test_a_server_restarted_at_the_same_address_is_read_from_a_minute_earlier(
    server: Server,
) -> None:
    server.read()
    server.found = None
    server.read()
    server.run_id = "second"
    server.read()

    assert server.asked_from == ["0-0", PLACE, f"{SECONDS * 1000 - BACK_MS}-0"]


def test_a_primary_that_became_a_replica_during_a_read_is_not_believed(server: Server) -> None:
    server.role = b"slave"

    with pytest.raises(StoreUnavailable, match="replica"):
        server.read()


def read_postgres(url: str) -> float | None:
    store = SqlStore.from_url(url)
    reader: Any = postgres_readers.readers_of(store, ReplicaState(["log"], 2))(0)
    sent: float | None = reader.read(0)
    reader.close()
    store.close()
    return sent


def read_postgres_async(url: str) -> float | None:
    async def read() -> float | None:
        store = AsyncSqlStore.from_url(url)
        reader: Any = postgres_readers.readers_of(store, ReplicaState(["log"], 2))(0)
        sent: float | None = await reader.read(0)
        await reader.close()
        await store.close()
        return sent

    return asyncio.run(read())


@pytest.mark.parametrize("read", [read_postgres, read_postgres_async])
def test_a_slow_answer_of_postgresql_is_believed_from_its_sending(
    hand: Hand, monkeypatch: pytest.MonkeyPatch, read: Callable[[str], float | None]
) -> None:
    class Slow(Denylist):
        def merge(self, *entries: Any, **clocks: Any) -> None:
            super().merge(*entries, **clocks)
            hand.tick()

    monkeypatch.setattr(postgres_readers, "steady_now", hand)
    monkeypatch.setattr(states, "Denylist", Slow)

    assert read(empty_url()) == hand.now - 1


def test_a_notification_that_came_with_an_answer_wakes_the_next_read() -> None:
    store = SqlStore.from_url(empty_url())
    reader: Any = postgres_readers.readers_of(store, ReplicaState(["log"], 2))(0)
    reader.read(0)
    connection = reader._connection
    waits = list(zip(connection.hear(), range(1), strict=False))
    connection._wire.exec_(f"NOTIFY {CHANNEL}".encode())  # one's own comes with the answer
    waits_no_more = list(connection.hear())
    reader.close()
    store.close()

    assert (len(waits), waits_no_more) == (1, [])
