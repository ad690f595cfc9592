"""Servers that are no Redis, or lie: an outage, not an answer, and not a word of theirs."""

import secrets
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest
import redis
import redis.asyncio

from gatepass.errors import StoreUnavailable
from gatepass.stores.redis import AsyncRedisStore, RedisStore
from tests.cases import case
from tests.servers.redis_sets import running
from tests.servers.stranger import stranger
from tests.stores.outcomes import OPERATIONS, Operations, attempt
from tests.stores.redis_backends import redis_store_at
from tests.stores.twins import Runner

SECRET = "hunter2"
ALONE = "redis://:hunter2@{}/0"
SENSELESS = [
    *(
        b"hunter2\r\n",
        b"+hunter2\r\n",
        b":7\r\n",
        b"$24\r\nconnected_slaves:hunter2\r\n",
        b"$-1\r\n",
        b"*0\r\n",
        b"*1\r\n*-1\r\n",
    ),
    *(b"*1\r\n$6\r\nissued\r\n", b"*1\r\n$7\r\nrotated\r\n"),
    *(b"*2\r\n$6\r\nissued\r\n$7\r\nhunter2\r\n", b"*2\r\n$1\r\n0\r\n$7\r\nhunter2\r\n"),
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
ANY_NUMBER = {"subject_epoch", "purge", "revoke_token", "revoke_subject"}
"""Those whose answer is a number: 7 is as good as another."""
CHECK: Operations = {"check": lambda store: store.check()}
BRIEF_S = 0.2
"""How long is waited where nothing that a stranger says could be an answer."""


def told_of(reply: bytes, form: str, twin: str, operations: Operations) -> dict[str, object]:
    """Answers, or outages, of which nothing that the server said may be told."""

    def ask(store: Any, operation: Callable[[Any], Any]) -> object:
        try:
            return operation(store)
        except StoreUnavailable as outage:
            told = "".join([*traceback.format_exception(outage), *chain_of(outage)])
            return told if SECRET in told else StoreUnavailable

    def ask_alone(operation: Callable[[Any], Any]) -> object:
        with Runner() as runner, closing(open_store(runner)) as store:
            return ask(store, operation)

    def open_store(runner: Runner) -> Any:
        return redis_store_at(form.format(f"127.0.0.1:{port}"), twin, runner, timeout=BRIEF_S)

    with stranger(reply) as port, ThreadPoolExecutor(len(operations)) as threads:
        return dict(zip(operations, threads.map(ask_alone, operations.values()), strict=True))


def chain_of(error: BaseException | None) -> Iterator[str]:
    """What an error tracker shows of an exception and of all behind it, suppressed or not."""
    if error is not None:
        yield f"{error!r} {error.args!r} {vars(error)!r}"
        yield from chain_of(error.__cause__)
        yield from chain_of(error.__context__)


@pytest.mark.parametrize(
    ("form", "every"),
    [
        pytest.param(ALONE, 1, marks=pytest.mark.faults),
        (ALONE, 3),
        ("redis+sentinel://{}/main/0", 3),
        ("redis+cluster://{}", 3),
    ],
)
def test_what_makes_no_sense_or_refuses_is_an_outage_of_which_not_a_word_is_told(
    form: str, every: int, twin: str
) -> None:
    """A key, which an error may name, holds the name of a subject or the id of a session."""
    replies = [*SENSELESS, *REFUSING, *NAMING_KEYS][::every]

    def answers(reply: bytes) -> dict[str, object]:
        operations = OPERATIONS | CHECK
        if form != ALONE:
            operations = {name: operations[name] for name in ("is_revoked", "check")}
        if reply == b":7\r\n":  # no outage, but nobody is let in
            operations = {name: operations[name] for name in operations.keys() - ANY_NUMBER}
        return told_of(reply, form, twin, operations)

    with ThreadPoolExecutor(8) as threads:  # each waits more than it works
        answered = list(threads.map(answers, replies))
    for reply, said in zip(replies, answered, strict=True):
        with case(reply):
            if reply.startswith(b"-NOPERM") and form == ALONE:
                assert SECRET not in repr(said.pop("check"))  # a finding, in words of our own
            if reply == b"*0\r\n":  # a subject without sessions
                assert said.pop("sessions", []) in ([], StoreUnavailable)
            assert said == dict.fromkeys(said, StoreUnavailable)


PUSHED = b">2\r\n$10\r\ninvalidate\r\n*1\r\n$7\r\nhunter2\r\n"


def test_what_is_pushed_between_answers_is_not_taken_for_one(twin: str, runner: Runner) -> None:
    """Nobody asked for it. Answers that are one late would be those to other questions."""
    for reply in (PUSHED + b":7\r\n", b":7\r\n" + PUSHED, PUSHED * 3 + b":7\r\n"):
        with stranger(reply) as port:
            store = redis_store_at(f"redis://127.0.0.1:{port}/0", twin, runner, timeout=BRIEF_S)
            for _ in range(5):
                with case(reply):
                    assert attempt(OPERATIONS["subject_epoch"], store) in {7, StoreUnavailable}
                    assert attempt(OPERATIONS["is_revoked"], store) is StoreUnavailable
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
