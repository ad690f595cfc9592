"""Each cause of an outage of Redis has its own sentence."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from gatepass.errors import SettingsRejected, StoreUnavailable
from gatepass.stores.redis import RedisStore
from tests.servers.certificates import write_certificate
from tests.servers.proxy import proxy_to
from tests.servers.redis_server import Server, free_ports
from tests.stores.plans import log_in
from tests.stores.redis_backends import redis_store_at
from tests.stores.twins import Runner

Say = Callable[[str], str]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("redis")
    server = Server("redis 8", folder, ("--appendonly", "yes"), password="right").start()
    yield server
    server.stop()


@pytest.fixture
def say(twin: str, runner: Runner) -> Say:
    """The sentence about a URL."""

    def sentence(url: str) -> str:
        store = redis_store_at(url, twin, runner)
        with pytest.raises(StoreUnavailable) as failed:
            store.subject_epoch("ada")
        store.close()
        assert "127.0.0.1" not in str(failed.value)
        return str(failed.value).removeprefix("Redis: ")

    return sentence


def test_addresses_and_passwords_that_are_wrong(server: Server, say: Say) -> None:
    [closed] = free_ports(1)

    assert say(f"redis://127.0.0.1:{closed}") == "nothing listens at the host and port"
    assert say("redis://nowhere.invalid") == "the host name is unknown"
    for credentials in ("", ":wrong@", "nobody:wrong@"):
        found = say(f"redis://{credentials}{server.address}")
        assert found == "the server rejects the user name or the password"


def test_what_the_caller_was_handling_is_not_told_as_a_failure_of_redis(say: Say) -> None:
    """Python chains every exception to the one that is handled meanwhile."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            with suppress(OSError):
                while True:
                    caller, _ = server.accept()
                    with caller:
                        caller.recv(4096)

        thread = threading.Thread(target=hang_up)
        thread.start()
        try:
            raise socket.gaierror  # noqa: TRY301 - of a host of the caller's
        except socket.gaierror:
            found = say(f"redis://127.0.0.1:{server.getsockname()[1]}")
        server.shutdown(socket.SHUT_RDWR)
        thread.join()

    assert "host name" not in found


def test_certificates_that_do_not_hold(server: Server, say: Say, tmp_path: Path) -> None:
    own = write_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own)
    with proxy_to(server.port, context=context) as tls:
        unknown = say(f"rediss://127.0.0.1:{tls.port}")
        other = say(f"rediss://127.1:{tls.port}?ssl_ca_certs={own}")

    assert unknown == "the server's certificate is vouched for by no ssl_ca_certs"
    assert other == "the server's certificate is for another host"


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("maxmemory", "1000", "out of memory: raise maxmemory"),
        ("min-replicas-to-write", "1", "fewer good replicas than min-replicas-to-write"),
    ],
)
def test_writes_that_a_setting_forbids(
    server: Server, twin: str, runner: Runner, setting: str, value: str, words: str
) -> None:
    store = redis_store_at(server.url, twin, runner)
    server.client().config_set(setting, value)
    try:
        with pytest.raises(StoreUnavailable, match=words):
            store.issue(log_in(f"{setting} {twin}"))
    finally:
        server.client().config_set(setting, "0")
        store.close()


def test_a_user_who_may_not_write_and_a_server_that_is_full(
    server: Server, say: Say, twin: str, runner: Runner
) -> None:
    server.command("ACL", "SETUSER", "reader", "on", ">right", "~*", "+@all", "-set", "-hset")
    store = redis_store_at(server.url.replace(":right", "reader:right"), twin, runner)
    with pytest.raises(StoreUnavailable, match="see its ACL"):
        store.issue(log_in(f"reader {twin}"))
    store.close()
    server.client().config_set("maxclients", len(server.client().client_list()))
    try:
        assert "maxclients" in say(server.url)
    finally:
        server.client().config_set("maxclients", 10_000)


def test_sentinels_that_are_gone_want_a_password_or_know_another_name(
    tmp_path: Path, say: Say, twin: str, runner: Runner
) -> None:
    primary = Server("redis 8", tmp_path / "primary").start()
    sentinel = Server("redis 8", tmp_path / "sentinel", is_sentinel=True).start()
    sentinel.command("SENTINEL", "MONITOR", "main", "127.0.0.1", primary.port, 1)
    sentinel.command("ACL", "SETUSER", "default", ">its own")
    [closed] = free_ports(1)
    base, own = f"redis+sentinel://{sentinel.address}", "?sentinel_password=its%20own"

    gone = say(f"redis+sentinel://127.0.0.1:{closed}/main")
    unknown = say(f"{base}/mian{own}")
    rejected = [say(f"{base}/main"), say(f"{base}/main?sentinel_password=wrong")]
    store = redis_store_at(f"{base}/main{own}", twin, runner)

    assert gone == "no sentinel names the primary: nothing listens at the host and port"
    assert "they know none of the name that the URL has" in unknown
    assert all("?sentinel_password=" in each for each in rejected)
    assert store.subject_epoch("ada") == 0
    store.close()
    sentinel.stop()
    primary.stop()


@pytest.mark.parametrize("url", ["redis://:secret-word%0A@h", "redis://:secret-word@h/0\n"])
def test_a_line_end_of_a_file_is_rejected_before_anybody_connects(url: str) -> None:
    with pytest.raises(SettingsRejected, match="begins or ends with") as rejected:
        RedisStore.from_url(url)

    assert "secret-word" not in str(rejected.value)
