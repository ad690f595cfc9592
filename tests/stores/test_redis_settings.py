"""Where a store says Redis is, what it refuses, and what it finds out about a server."""

import asyncio
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import redis.asyncio
import redis.asyncio.sentinel
import redis.sentinel

from gatepass.errors import SettingsRejected, StoreUnavailable
from gatepass.stores.redis import AsyncRedisStore, Finding, RedisStore
from gatepass.stores.redis.target import Layout, Target, target_of_url
from tests.cases import case
from tests.servers.redis_server import Server
from tests.servers.redis_sets import running, start_alone, start_pair
from tests.stores.plans import log_in
from tests.stores.redis_backends import redis_store_at
from tests.stores.twins import Runner


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://cache", (Layout.SINGLE, (("cache", 6379),), "", False, {})),
        ("redis://cache:1/7", (Layout.SINGLE, (("cache", 1),), "", False, {"db": 7})),
        ("redis://[::1]:1", (Layout.SINGLE, (("::1", 1),), "", False, {})),
        (
            "redis://:a%40b@cache",
            (Layout.SINGLE, (("cache", 6379),), "", False, {"password": "a@b"}),
        ),
        (
            "rediss://me:pass@cache/0?ssl_check_hostname=no&client_name=auth&ssl_cert_reqs=none",
            (
                Layout.SINGLE,
                (("cache", 6379),),
                "",
                True,
                {"username": "me", "password": "pass", "ssl_check_hostname": False}
                | {"client_name": "auth", "ssl_cert_reqs": "none"},
            ),
        ),
        (
            "redis+sentinel://:p@one,two:1/main/2",
            (
                Layout.SENTINEL,
                (("one", 26379), ("two", 1)),
                "main",
                False,
                {"password": "p", "db": 2},
            ),
        ),
        (
            "redis+cluster://one:1,two:2",
            (Layout.CLUSTER, (("one", 1), ("two", 2)), "", False, {}),
        ),
    ],
)
def test_a_url_says_where_redis_is(url: str, expected: tuple[Any, ...]) -> None:
    target = target_of_url(url)

    found = (target.layout, target.addresses, target.service, target.is_tls, dict(target.options))
    assert found == expected


def test_sentinels_have_credentials_of_their_own() -> None:
    url = "rediss+sentinel://me:data@one/main?sentinel_password=watch&replicas=2&ssl_ca_path=/tmp"
    target = target_of_url(url)

    assert not any(secret in repr(target) for secret in ("data", "watch"))
    assert target.options["password"] == "data"
    assert target.sentinel_options == {"password": "watch", "ssl_ca_path": "/tmp"}  # noqa: S108
    assert (target.replicas, target.sentinels_use_tls) == (2, True)


WRONG = (
    *("", "redis", "redis:/cache"),
    *("http://cache", "redis://", "redis://hunter2@cache"),
    *("redis://:hunter2@cache:port", "redis://:hunter2@cache:0", "redis://:hunter2@cache/x"),
    *(
        "redis://:hunter2@cache/0/1",
        "redis://:hunter2@one,two",
        "redis://:hunter2@cache?ssl_ca_certs=/x",
    ),
    *(
        "redis://:hunter2@cache?protocol=3",
        "redis://:hunter2@cache?replicas=many",
        "redis://:hunter2@cache?replicas=-1",
    ),
    *(
        "redis+sentinel://:hunter2@one",
        "redis+sentinel://:hunter2@one/main/x",
        "redis+cluster://:hunter2@one/1",
    ),
    *(
        "redis+tower://:hunter2@one",
        "rediss://:hunter2@cache?ssl_check_hostname=perhaps",
        "rediss://:hunter2@cache?ssl_ca_certs=/no/such/file",
    ),
    *("rediss://:hunter2@cache?ssl_cert_reqs=whatever"),
)


def test_a_wrong_url_is_refused_in_a_sentence_without_its_password() -> None:
    kinds: list[Any] = [RedisStore, AsyncRedisStore]
    for kind, url in itertools.product(kinds, WRONG):
        with case(url):
            with pytest.raises(SettingsRejected) as caught:
                kind.from_url(url)

            assert len(str(caught.value).splitlines()) == 1
            assert "hunter2" not in str(caught.value)


def test_options_out_of_bounds_are_refused() -> None:
    options: list[dict[str, Any]] = [{"prefix": "a{b"}, {"prefix": ""}, {"replicas": 17}]
    for option in [*options, {"timeout": 0}]:
        with case(option), pytest.raises(SettingsRejected):
            RedisStore.from_url("redis://cache", **option)


def use(store: Any, runner: Runner) -> None:
    """Issue something and read it back."""
    plan = log_in()

    def call(value: Any) -> Any:
        return runner.run(value) if asyncio.iscoroutine(value) else value

    assert call(store.issue(plan)) is not None
    assert plan.session_id in [one.session_id for one in call(store.sessions("ada"))]
    call(store.close())


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("kind", ["redis 8", "sentinel", "cluster"])
def test_a_client_says_where_redis_is_and_is_left_alone(
    kind: str, runner: Runner, *, is_async: bool
) -> None:
    servers = running(kind)
    servers.flush()
    library: Any = redis.asyncio if is_async else redis
    ports = [server.port for server in servers.servers]
    if kind == "redis 8":
        client = library.Redis(port=ports[0], decode_responses=True, protocol=3)
    elif kind == "cluster":
        client = library.RedisCluster(host="127.0.0.1", port=ports[0])
    else:
        addresses = [("127.0.0.1", one.port) for one in servers.sentinels]
        client = library.sentinel.Sentinel(addresses).master_for("main")
    store: Any = AsyncRedisStore(client) if is_async else RedisStore(client)

    use(store, runner)
    if is_async:
        runner.run(client.aclose())
    else:
        assert client.ping()
        client.close()


def test_a_client_of_the_other_kind_is_refused() -> None:
    with pytest.raises(TypeError, match=r"redis\.asyncio"):
        AsyncRedisStore(redis.Redis())  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"redis\.Redis"):
        RedisStore(redis.asyncio.Redis())  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        RedisStore("redis://cache")  # type: ignore[arg-type]


def test_a_clients_checks_by_ocsp_are_not_left_out_silently() -> None:
    with pytest.raises(SettingsRejected, match="OCSP"):
        RedisStore(redis.Redis(ssl=True, ssl_validate_ocsp=True))


def test_stores_with_other_prefixes_know_nothing_of_each_other(twin: str, runner: Runner) -> None:
    servers = running("redis 8")
    servers.flush()
    one = redis_store_at(servers.url, twin, runner, prefix="one")
    two = redis_store_at(servers.url, twin, runner, prefix="two")
    plan = log_in()
    one.issue(plan)

    assert two.is_revoked(plan.session_id, None)
    assert two.revoke_all(reason="restore") == 0
    assert not one.is_revoked(plan.session_id, None)
    assert {key.split(b":")[0] for key in servers.all_keys()} == {b"one", b"two"}
    one.close()
    two.close()


def findings(url: str, twin: str, runner: Runner, **options: Any) -> list[Finding]:
    store: Any = redis_store_at(url, twin, runner, **options)
    found: list[Finding] = store.check()
    store.close()
    return found


@pytest.fixture(params=["redis 7", "redis 8", "valkey"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    servers = start_alone(request.param, tmp_path)
    yield servers.servers[0]
    servers.stop()


def test_what_a_server_should_not_be_set_to_is_told(
    server: Server, twin: str, runner: Runner
) -> None:
    is_old = server.version.startswith("Redis 7.0")
    every_second = "survives a process crash, not a power cut" if is_old else "everysec"
    assert findings(server.url, twin, runner) == []
    for name, value, right, is_severe, told in (
        ("maxmemory-policy", "allkeys-lru", "noeviction", True, ("allkeys-lru", "noeviction")),
        ("maxmemory-policy", "volatile-ttl", "noeviction", True, ("volatile-ttl", "noeviction")),
        ("appendonly", "no", "yes", True, ("appendonly",)),
        ("appendfsync", "everysec", "always", False, (every_second,)),
    ):
        server.client().config_set(name, value)

        [found] = findings(server.url, twin, runner)
        assert found.is_severe is is_severe
        assert all(word in str(found) for word in told)
        server.client().config_set(name, right)


def test_what_a_user_may_not_ask_is_told(server: Server, twin: str, runner: Runner) -> None:
    client = server.client()
    client.acl_setuser("auth", enabled=True, passwords="+pass", keys="*", commands=["+@all"])
    url = f"redis://auth:pass@{server.address}/0"
    client.execute_command("ACL", "SETUSER", "auth", "-config")  # type: ignore[no-untyped-call]

    [found] = findings(url, twin, runner)
    assert not found.is_severe
    assert "CONFIG is forbidden" in str(found)

    client.config_set("maxmemory-policy", "allkeys-lfu")
    assert [one.is_severe for one in findings(url, twin, runner)] == [False, True]

    client.execute_command("ACL", "SETUSER", "auth", "-info")  # type: ignore[no-untyped-call]
    [found] = findings(url, twin, runner)
    assert found.is_severe
    assert "INFO is forbidden" in str(found)


def test_a_set_without_its_replica_is_told(tmp_path: Path, twin: str, runner: Runner) -> None:
    servers = start_pair("redis 8", tmp_path, "--min-replicas-to-write", "0")
    with_replica = findings(servers.url, twin, runner)
    servers.servers[1].kill()
    without = findings(servers.url, twin, runner, replicas=1)
    servers.stop()

    assert ["min-replicas-to-write" in str(one) for one in with_replica] == [True]
    assert [one.is_severe for one in without] == [False, False]
    assert "0 of the 1 replicas" in str(without[0])


def test_nothing_is_connected_before_it_is_used() -> None:
    store = RedisStore.from_url("redis://127.0.0.1:1/0")
    with pytest.raises(StoreUnavailable):
        store.check()
    store.close()


def test_a_target_can_be_given_to_both_twins() -> None:
    target = Target(layout=Layout.SINGLE, addresses=(("127.0.0.1", 1),))

    assert not RedisStore(target).is_async
    assert AsyncRedisStore(target).is_async
