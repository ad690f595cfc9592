"""Findings about a Redis that weaken what the store promises, for operators."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from redis.exceptions import ResponseError

from gatepass.errors import StoreUnavailable
from gatepass.stores.redis.attempts import Attempts
from gatepass.stores.redis.durability import INFO, Promise, count_replicas, parse_info, version
from gatepass.stores.redis.refusals import is_forbidden
from gatepass.stores.redis.target import Address
from gatepass.stores.redis.wire import STRANGE, Exchange, Lost, Steps

_Weakness = tuple[str, bool]
_OLDEST: Final = (7, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing about a server that weakens what the store promises."""

    server: str
    message: str
    """One sentence: the fact, its consequence, and the setting that helps."""
    is_severe: bool
    """Whether a service in production should not start on it."""

    def __str__(self) -> str:
        return f"Redis at {self.server}: {self.message}"


def check(attempts: Attempts) -> Steps[list[Finding]]:
    """The findings about every primary, from what the server says of itself.

    Raises:
        StoreUnavailable: A primary does not answer.
    """
    findings: list[Finding] = []
    deadline = attempts.deadline()
    try:
        primaries = yield from attempts.routes.find_all(deadline)
        for address in primaries:
            commands = [INFO, ("CONFIG", "GET", "appendfsync"), ("CONFIG", "GET", "min-replicas-*")]
            info, fsync, replicas = yield Exchange(address, commands, attempts.limit_s)
            promise = Promise()
            if not is_forbidden(info):
                promise = attempts.durability.promise(parse_info(info))
            findings += _judge(address, info, fsync, replicas, promise)
    except Lost as lost:
        raise StoreUnavailable(f"Redis: {lost}") from lost
    return findings


def _judge(
    address: Address, info: Any, fsync: Any, replicas: Any, promise: Promise
) -> Iterator[Finding]:
    def finding(message: str, *, is_severe: bool) -> Finding:
        server = f"{address[0]}:{address[1]}"
        return Finding(server=server, message=message, is_severe=is_severe)

    if is_forbidden(info):
        yield finding(
            "INFO is forbidden to this user, so that the eviction policy and the durability of "
            "logins and revocations are unknown, and both are rejected unless replicas=N is "
            "passed; allow INFO",
            is_severe=True,
        )
        return
    facts = parse_info(info)
    if is_forbidden(fsync):
        yield finding(
            "CONFIG is forbidden to this user, so that appendfsync and min-replicas-to-write "
            "could not be checked; allow CONFIG GET, or check them yourself",
            is_severe=False,
        )
    for message, is_severe in (
        *_of_server(facts),
        *_of_durability(facts, _settings(fsync).get("appendfsync"), promise),
        *_of_replicas(facts, replicas, promise),
    ):
        yield finding(message, is_severe=is_severe)


def _severe(message: str) -> _Weakness:
    return message, True


def _mild(message: str) -> _Weakness:
    return message, False


def _of_server(facts: Mapping[str, str]) -> Iterator[_Weakness]:
    if version(facts) < _OLDEST:
        yield _severe(f"version {facts.get('redis_version')} is too old; 7.0 is the oldest to work")
    if facts.get("role", "master") != "master":
        yield _severe("this is a replica, which takes no logins; name the primary")
    policy = facts.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        yield _severe(
            f"maxmemory-policy is {policy}, which throws sessions and revocations away when "
            "memory is short; set it to noeviction"
        )


def _of_durability(
    facts: Mapping[str, str], fsync: str | None, promise: Promise
) -> Iterator[_Weakness]:
    if promise.replicas:
        return
    if facts.get("aof_enabled") != "1":
        yield _severe(
            "there is neither an append-only file nor a replica that confirms, so that a restart "
            "forgets logins and revocations; set appendonly yes, or add a replica"
        )
    elif promise.disk and fsync in {"everysec", "no"}:
        yield _mild(
            f"appendfsync is {fsync}, so that each login and revocation waits up to a second for "
            "the disk; with always they do not wait, but each refresh is written down as well"
        )
    elif not promise.disk and fsync not in {None, "always"}:
        yield _mild(
            "what is acknowledged survives a process crash, not a power cut; set appendfsync "
            "always, add a replica, or use Redis 7.2 or newer"
        )


def _of_replicas(facts: Mapping[str, str], settings: Any, promise: Promise) -> Iterator[_Weakness]:
    if not promise.replicas:
        return
    connected = count_replicas(facts)
    if connected < promise.replicas:
        yield _mild(
            f"{connected} of the {promise.replicas} replicas that have to confirm logins and "
            "revocations are connected; start them, or pass replicas=0 to do without"
        )
    if not is_forbidden(settings) and _settings(settings).get("min-replicas-to-write") == "0":
        yield _mild(
            "min-replicas-to-write is 0, so that a primary that is cut off goes on answering; "
            "set it to 1 and min-replicas-max-lag to 2"
        )


def _settings(reply: Any) -> dict[str, str]:
    if isinstance(reply, ResponseError):
        return {}
    if not isinstance(reply, list) or not all(isinstance(each, bytes) for each in reply):
        raise Lost(STRANGE)
    texts = [each.decode(errors="replace") for each in reply]
    return dict(zip(texts[::2], texts[1::2], strict=False))
