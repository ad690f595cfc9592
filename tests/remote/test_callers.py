"""Who fetches, who waits, and who may use keys that are fetched at all."""

import asyncio
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from gatepass import AsyncTokenManager, TokenIssuer, TokenManager, TokenPolicy
from gatepass.errors import KeyRejected, KeysUnavailable, SettingsRejected
from gatepass.jose import SharedKey, sign, verify
from gatepass.remote import AsyncRemoteKeySet, RemoteKeySet
from gatepass.stores.memory import AsyncMemoryStore, MemoryStore
from tests.budget import PATIENCE_S
from tests.children import Child
from tests.jose.material import signing_key
from tests.remote.conftest import Connect
from tests.remote.issuer import AUDIENCE, Issuer
from tests.remote.resource import Resource, Twin, remote_keys
from tests.servers.certificates import write_certificate

KEY, SUCCESSOR = signing_key("ES256"), signing_key("ES256", 1)


def test_a_certificate_that_nobody_vouches_for_is_refused(
    tmp_path: Path, twin: Twin, runner: asyncio.Runner
) -> None:
    certificate = write_certificate(tmp_path)
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(certificate)
    trusting = ssl.create_default_context(cafile=str(certificate))
    with Issuer(served) as issuer:
        issuer.publish(KEY)
        doubting = Resource(twin, runner, issuer.name, remote_keys(twin, issuer.jwks_url))
        knowing = Resource(
            twin, runner, issuer.name, remote_keys(twin, issuer.jwks_url, tls=trusting)
        )

        assert doubting.outcome(issuer.token()) == "keys_unavailable"
        assert knowing.outcome(issuer.token()) == "ada"


def test_a_cancelled_leader_takes_nobody_with_it(issuer: Issuer, runner: asyncio.Runner) -> None:
    issuer.publish(KEY)
    may_answer = issuer.hold("/jwks")
    resource = Resource("async", runner, issuer.name, AsyncRemoteKeySet(issuer.jwks_url))

    async def race() -> list[Any]:
        token = issuer.token()
        tasks = [asyncio.create_task(resource.verifier.verify(token)) for _ in range(50)]
        assert await asyncio.to_thread(issuer.was_asked.wait, PATIENCE_S)
        tasks[0].cancel()
        may_answer.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    leader, *others = runner.run(race())

    assert isinstance(leader, asyncio.CancelledError)
    assert [claims.subject for claims in others] == ["ada"] * 49
    assert issuer.asked == ["/jwks"]


def test_one_async_key_set_serves_several_loops(issuer: Issuer) -> None:
    issuer.publish(KEY)
    keys = AsyncRemoteKeySet(issuer.jwks_url)
    token = issuer.token()

    def one(_: int) -> str:
        with asyncio.Runner() as runner:
            return Resource("async", runner, issuer.name, keys).outcome(token)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(one, range(8))) == ["ada"] * 8
    assert issuer.asked == ["/jwks"]


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_fetches_for_itself(issuer: Issuer, twin: Twin) -> None:
    may_answer = threading.Event()
    issuer.publish(KEY)
    token, good = issuer.token(), issuer.scripts["/jwks"]

    def late() -> Iterator[bytes]:
        if len(issuer.asked) == 1:
            may_answer.wait(PATIENCE_S)
        yield from good()

    issuer.scripts["/jwks"] = late
    keys: Any = remote_keys(twin, issuer.jwks_url, timeout=60)
    waiting = threading.Thread(target=_ask, args=(twin, keys, issuer.name, token))
    waiting.start()
    assert issuer.was_asked.wait(PATIENCE_S)
    outcome = Child(lambda: _ask(twin, keys, issuer.name, token)).answer()
    may_answer.set()
    waiting.join(PATIENCE_S)

    assert outcome == "ada"
    assert issuer.asked == ["/jwks"] * 2


def _ask(twin: Twin, keys: Any, issuer: str, token: str) -> str:
    with asyncio.Runner() as runner:
        return Resource(twin, runner, issuer, keys).outcome(token)


def test_keys_of_the_other_twin_are_refused_at_once(issuer: Issuer, twin: Twin) -> None:
    other: Twin = "async" if twin == "sync" else "sync"
    with asyncio.Runner() as runner, pytest.raises(TypeError, match="source of keys"):
        Resource(twin, runner, issuer.name, remote_keys(other, issuer.jwks_url))
    with pytest.raises(TypeError, match="source of keys"):
        verify("a.b.c", AsyncRemoteKeySet(issuer.jwks_url))


def test_jose_verify_takes_remote_keys(issuer: Issuer) -> None:
    issuer.publish(KEY)
    keys = RemoteKeySet(issuer.jwks_url)

    assert verify(sign(b"anything", KEY), keys).payload == b"anything"


def test_remote_keys_sign_nothing(issuer: Issuer, twin: Twin) -> None:
    issuer.publish(KEY)
    keys: Any = remote_keys(twin, issuer.jwks_url)
    policy = TokenPolicy(issuer=issuer.name, audience=AUDIENCE)
    refresh = SharedKey.generate()
    with pytest.raises(KeyRejected):
        TokenIssuer(keys, issuer=issuer.name, audience=AUDIENCE, lifetime=60)
    with pytest.raises(KeyRejected):
        TokenManager(policy, access_keys=keys, refresh_keys=refresh, store=MemoryStore())
    with pytest.raises(KeyRejected):
        AsyncTokenManager(policy, access_keys=keys, refresh_keys=refresh, store=AsyncMemoryStore())

    assert issuer.asked == []


@pytest.mark.parametrize(
    "options",
    [
        {"cooldown": 0},
        {"cooldown": float("nan")},
        {"timeout": 0},
        {"timeout": 61},
        {"timeout": True},
        {"max_age": "1h"},
        {"max_stale": 86_401},
    ],
)
def test_a_time_out_of_bounds_is_refused(options: dict[str, Any], twin: Twin) -> None:
    with pytest.raises(SettingsRejected, match=next(iter(options))):
        remote_keys(twin, "https://id.example.org/jwks", **options)


def test_a_remote_key_set_shows_its_host_only(twin: Twin) -> None:
    keys = remote_keys(twin, "https://id.example.org/jwks?key=s3cret-in-the-query")

    assert "id.example.org" in repr(keys)
    assert "s3cret" not in repr(keys)


def test_a_failed_fetch_says_nothing_of_the_address_but_its_host(
    issuer: Issuer, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    resource = connect(url=f"{issuer.name}/nothing?key=s3cret-in-the-query")
    with pytest.raises(KeysUnavailable) as failed:
        resource.refresh()
    logged = [record.getMessage() for record in caplog.records if record.name == "gatepass"]

    assert "s3cret" not in str(failed.value)
    assert logged == ["the keys of 127.0.0.1 were not fetched: the answer has status 404"]


def test_a_process_that_can_have_no_thread_says_so(
    issuer: Issuer, resource: Resource, monkeypatch: pytest.MonkeyPatch
) -> None:
    issuer.publish(KEY)

    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    token = issuer.token()
    monkeypatch.setattr("threading.Thread.start", refuse)
    with pytest.raises(KeysUnavailable, match="another thread"):
        resource.verify(token)
