"""Servers that are no Redis, or lie: an outage, not an answer, and not a word of theirs."""

import secrets
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
import redis.asyncio

from gatepass.errors import StoreUnavailable
from gatepass.stores.redis import AsyncRedisStore, RedisStore
from tests.servers.redis_sets import running
from tests.servers.stranger import stranger
from tests.stores.redis_backends import redis_store_at
from tests.stores.redis_outcomes import OPERATIONS
from tests.stores.twins import Runner

SECRET = "hunter2"
SENSELESS = [
    b"hunter2\r\n",
    b"+hunter2\r\n",
    b":7\r\n",
    b"$-1\r\n",
    b"*0\r\n",
    b"*1\r\n*-1\r\n",
    b"*1\r\n$6\r\nissued\r\n",
    b"*1\r\n$7\r\nrotated\r\n",
    b"*2\r\n$6\r\nissued\r\n$7\r\nhunter2\r\n",
    b"*2\r\n$1\r\n0\r\n$7\r\nhunter2\r\n",
    b"*1\r\n*3\r\n:0\r\n:16383\r\n*0\r\n",
]
REFUSING = [
    b"-WRONGPASS hunter2\r\n",
    b"-NOAUTH hunter2\r\n",
    b"-ERR invalid password hunter2\r\n",
    b"-ERR max number of clients reached hunter2\r\n",
    b"-LOADING hunter2\r\n",
    b"-MOVED hunter2 x\r\n",
    b"-MOVED 1 hunter2:x\r\n",
    b"-ASK hunter2\r\n",
]
NAMING_KEYS = [
    b"-ERR hunter2\r\n",
    b"-NOPERM hunter2\r\n",
    b"-WRONGTYPE hunter2\r\n",
    b"-MISCONF hunter2\r\n",
    b"-READONLY hunter2\r\n",
    b"-CLUSTERDOWN hunter2\r\n",
    b"-TRYAGAIN hunter2\r\n",
    b"-UNBLOCKED hunter2\r\n",
    b"-NOSCRIPT hunter2\r\n",
    b"-LOADING hunter2\r\n",
    b"-MASTERDOWN hunter2\r\n",
    b"-EXECABORT hunter2\r\n",
    b"-NOAUTH hunter2\r\n",
    b"-ERR max number of clients reached hunter2\r\n",
    b"-MOVED hunter2 x:1\r\n",
    b"-ASK 1 hunter2\r\n",
    b"!11\r\nERR hunter2\r\n",
    b"hunter2\r\n",
    b"$hunter2\r\n",
    b"*1\r\n$7\r\nhunter2\r\n",
    b"*2\r\n$7\r\nrotated\r\n*2\r\n$7\r\nhunter2\r\n$7\r\nhunter2\r\n",
    b"*2\r\n$6\r\nissued\r\n$7\r\nhunter2\r\n",
    b"$9\r\n\xffhunter2\xff\r\n",
]
"""A key holds the name of a subject, or the id of a session or token."""
NAMES = [name for name in OPERATIONS if name != "issue with an epoch"]
ANY_NUMBER = {"subject_epoch", "purge", "revoke_token", "revoke_subject"}
"""Those whose answer is a number: 7 is as good as another."""


def outcome(operation: Callable[[Any], Any], store: object) -> object:
    """An answer, or the outage, of which nothing that the server said may be told."""
    try:
        return operation(store)
    except StoreUnavailable as outage:
        told = "".join([*traceback.format_exception(outage), *chain_of(outage)])
        return told if SECRET in told else StoreUnavailable


def chain_of(error: BaseException | None) -> Iterator[str]:
    """What an error tracker shows of an exception and of all behind it, suppressed or not."""
    if error is not None:
        yield f"{error!r} {error.args!r} {vars(error)!r}"
        yield from chain_of(error.__cause__)
        yield from chain_of(error.__context__)


@pytest.mark.parametrize("reply", SENSELESS, ids=repr)
def test_what_makes_no_sense_is_an_outage(reply: bytes, twin: str, runner: Runner) -> None:
    with stranger(reply) as port:
        store: Any = redis_store_at(f"redis://127.0.0.1:{port}/0", twin, runner, timeout=0.5)
        said = {name: outcome(OPERATIONS[name], store) for name in NAMES}
        said["check"] = outcome(lambda store: store.check(), store)
        store.close()

    expected = dict.fromkeys(said, StoreUnavailable)
    if reply == b":7\r\n":  # no outage, but nobody is let in
        for name in ANY_NUMBER & said.keys():
            said.pop(name)
            expected.pop(name)
    if reply == b"*0\r\n":  # a subject without sessions
        assert said.pop("sessions") == []
        expected.pop("sessions")
    assert said == expected


@pytest.mark.parametrize("reply", REFUSING, ids=repr)
def test_what_a_server_says_in_refusing_is_not_told(
    reply: bytes, twin: str, runner: Runner
) -> None:
    with stranger(reply) as port:
        url = f"redis://:{SECRET}@127.0.0.1:{port}/0"
        store: Any = redis_store_at(url, twin, runner, timeout=0.5)
        for name in ("is_revoked", "issue", "rotate", "revoke_session", "revoke_all"):
            assert outcome(OPERATIONS[name], store) is StoreUnavailable
        store.close()


@pytest.mark.parametrize(
    ("form", "reply"),
    [
        *(("redis://{}/0", reply) for reply in NAMING_KEYS),
        *(("redis+sentinel://{}/main/0", reply) for reply in NAMING_KEYS[::4]),
        *(("redis+cluster://{}", reply) for reply in NAMING_KEYS[::4]),
    ],
    ids=repr,
)
def test_no_exception_names_a_key_that_a_server_named(
    form: str, reply: bytes, twin: str, runner: Runner
) -> None:
    with stranger(reply) as port:
        url = form.format(f"127.0.0.1:{port}")
        store: Any = redis_store_at(url, twin, runner, timeout=0.2)
        said = {name: outcome(OPERATIONS[name], store) for name in NAMES}
        said["check"] = outcome(lambda store: store.check(), store)
        store.close()

    if reply.startswith(b"-NOPERM"):  # a finding, in words of our own
        assert SECRET not in repr(said.pop("check"))
    assert said == dict.fromkeys(said, StoreUnavailable)


@pytest.mark.parametrize("reply", [*SENSELESS[-3:], SENSELESS[0], REFUSING[5]], ids=repr)
@pytest.mark.parametrize("form", ["redis+sentinel://{}/main/0", "redis+cluster://{}"])
def test_strangers_in_the_place_of_those_who_know_the_primary(
    reply: bytes, form: str, twin: str, runner: Runner
) -> None:
    with stranger(reply) as port:
        url = form.format(f"127.0.0.1:{port}")
        store = redis_store_at(url, twin, runner, timeout=0.5)
        with pytest.raises(StoreUnavailable):
            OPERATIONS["is_revoked"](store)
        store.close()


PUSHED = b">2\r\n$10\r\ninvalidate\r\n*1\r\n$7\r\nhunter2\r\n"


@pytest.mark.parametrize("reply", [PUSHED + b":7\r\n", b":7\r\n" + PUSHED, PUSHED * 3 + b":7\r\n"])
def test_what_is_pushed_between_answers_is_not_taken_for_one(
    reply: bytes, twin: str, runner: Runner
) -> None:
    """Nobody asked for it. Answers that are one late would be those to other questions."""
    with stranger(reply) as port:
        store = redis_store_at(f"redis://127.0.0.1:{port}/0", twin, runner, timeout=0.5)
        for _ in range(5):
            assert outcome(OPERATIONS["subject_epoch"], store) in {7, StoreUnavailable}
            assert outcome(OPERATIONS["is_revoked"], store) is StoreUnavailable
        store.close()


@pytest.mark.parametrize("protocol", [None, 2, 3])
def test_a_store_speaks_resp2_whatever_its_client_speaks(
    twin: str, runner: Runner, protocol: int | None
) -> None:
    """So that every answer has one shape, and nothing is pushed between answers."""
    servers, name = running("redis 8"), secrets.token_hex(8)
    library: Any = redis.asyncio if twin == "async" else redis
    given = {} if protocol is None else {"protocol": protocol}
    client = library.Redis(port=servers.servers[0].port, client_name=name, **given)
    store: Any = AsyncRedisStore(client) if twin == "async" else RedisStore(client)
    answer = store.subject_epoch(name)
    assert (answer if twin == "sync" else runner.run(answer)) == 0

    listed = servers.servers[0].client().client_list()
    assert [one["resp"] for one in listed if one["name"] == name] == ["2"]
    closing = store.close()
    if twin == "async":
        runner.run(closing)
        runner.run(client.aclose())
