"""Where the keys of an issuer are looked for: its metadata's two addresses, and plain http."""

import socket
from typing import Any

import pytest

from gatepass.errors import KeysUnavailable, SettingsRejected
from gatepass.remote import AsyncRemoteKeySet, RemoteKeySet
from tests.jose.material import signing_key
from tests.remote.conftest import Connect
from tests.remote.issuer import Issuer, reply
from tests.remote.resource import Resource, Twin, issuer_keys

KEY = signing_key("ES256")
OPENID, OAUTH = "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"
CLUSTER = "keys.auth.svc"


@pytest.mark.parametrize("path", ["", "/", "/tenants/1", "/tenants/1/"])
@pytest.mark.parametrize("status", ["404 Not Found", "403 Forbidden", "405 Method Not Allowed"])
def test_metadata_is_looked_for_where_rfc_8414_puts_it_too(
    status: str, path: str, issuer: Issuer, twin: Twin, connect: Connect
) -> None:
    name, bare = issuer.name + path, path.removesuffix("/")
    issuer.scripts[bare + OPENID] = reply(b"", status)
    issuer.scripts[OAUTH + bare] = reply({"issuer": name, "jwks_uri": issuer.jwks_url})
    issuer.publish(KEY)
    keys = issuer_keys(twin, name, timeout=60)

    assert [key.kid for key in connect().run(keys.refresh).keys] == [KEY.kid]
    assert issuer.asked == [bare + OPENID, OAUTH + bare, "/jwks"]


@pytest.mark.parametrize(
    "answer",
    [
        reply({"issuer": "https://id.example.org", "jwks_uri": "https://id.example.org/jwks"}),
        reply(b"<html>"),
        reply(b"", "500 Oops"),
        reply(b"", "429 Too Many Requests"),
        reply(b"", "302 Found", Location="/"),
    ],
)
def test_an_answer_that_is_wrong_is_no_reason_to_look_elsewhere(
    answer: Any, issuer: Issuer, connect: Connect
) -> None:
    issuer.scripts[OPENID] = answer
    issuer.scripts[OAUTH] = reply({"issuer": issuer.name, "jwks_uri": issuer.jwks_url})
    issuer.publish(KEY)

    with pytest.raises(KeysUnavailable):
        connect(discover=True).refresh()
    assert issuer.asked == [OPENID]


def test_metadata_of_another_issuer_is_refused_at_the_second_address_too(
    issuer: Issuer, connect: Connect
) -> None:
    issuer.scripts[OAUTH] = reply({"issuer": issuer.name + "/x", "jwks_uri": issuer.jwks_url})

    with pytest.raises(KeysUnavailable, match="another issuer"):
        connect(discover=True).refresh()


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names of a cluster that lead to this machine, and a proxy that nobody may use for them."""
    resolve = socket.getaddrinfo

    def getaddrinfo(host: Any, *arguments: Any, **options: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        return resolve("127.0.0.1" if name == CLUSTER else host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")


def _inside(issuer: Issuer, path: str) -> str:
    return issuer.name.replace("127.0.0.1", CLUSTER) + path


@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize("discover", [False, True], ids=["jwks", "metadata"])
def test_plain_http_is_accepted_from_the_one_host_that_is_named(
    discover: bool,  # noqa: FBT001
    issuer: Issuer,
    twin: Twin,
    connect: Connect,
) -> None:
    issuer.publish(KEY)
    name = _inside(issuer, "")
    issuer.scripts[OPENID] = reply({"issuer": name, "jwks_uri": _inside(issuer, "/jwks")})
    options: dict[str, Any] = {"accept_plain_http_from_host": CLUSTER, "timeout": 60}
    kind = RemoteKeySet if twin == "sync" else AsyncRemoteKeySet
    keys = kind.from_issuer(name, **options) if discover else kind(name + "/jwks", **options)

    assert len(connect().run(keys.refresh).keys) == 1


@pytest.mark.parametrize("host", [None, "", "svc", f"x.{CLUSTER}", f"{CLUSTER}.", "*", True])
def test_plain_http_to_any_other_host_is_refused(host: Any) -> None:
    with pytest.raises(SettingsRejected, match=r"https .* accept_plain_http_from_host="):
        RemoteKeySet(f"http://{CLUSTER}/jwks", accept_plain_http_from_host=host)
    with pytest.raises(SettingsRejected, match="https"):
        AsyncRemoteKeySet.from_issuer(f"http://{CLUSTER}", accept_plain_http_from_host=host)


def test_metadata_may_not_name_another_host_for_plain_http(
    issuer: Issuer, connect: Connect
) -> None:
    metadata = {"issuer": issuer.name, "jwks_uri": "http://other.auth.svc/jwks"}
    issuer.scripts[OPENID] = reply(metadata)

    with pytest.raises(KeysUnavailable, match="jwks_uri is rejected"):
        connect(discover=True, accept_plain_http_from_host=CLUSTER).refresh()


def _warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]


@pytest.mark.parametrize(
    ("entries", "why"),
    [
        ([], "GATEPASS_KEY_FILE"),
        ([{"kty": "RSA", "n": "AQAB", "e": "AQAB"}], "an RSA key that names no algorithm: pass"),
        ([{"kty": "oct", "k": "AAAA"}] * 2, r"a shared key (oct), which nobody may publish (2 ent"),
    ],
)
def test_a_set_without_a_usable_key_is_logged_once_and_told(
    entries: list[Any],
    why: str,
    issuer: Issuer,
    resource: Resource,
    caplog: pytest.LogCaptureFixture,
) -> None:
    issuer.publish(among=entries)
    issuer.keys = [KEY]

    for _ in range(2):
        with pytest.raises(KeysUnavailable) as rejected:
            resource.verify(issuer.token())
        resource.keys._now.now += 3700
        assert why in str(rejected.value)
    assert len(issuer.asked) == 2
    assert len(_warnings(caplog)) == 1
    assert why in _warnings(caplog)[0]


def test_a_token_of_a_key_that_was_left_out_says_why(
    issuer: Issuer, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    unnamed = signing_key("RS256").public().to_jwk()
    del unnamed["alg"]
    issuer.publish(KEY, among=[unnamed])
    resource = connect(cooldown=1)
    token = issuer.token(signing_key("RS256"))

    with pytest.raises(Exception, match="left out of the JWKS: an RSA key that names no algorithm"):
        resource.verify(token)
    assert _warnings(caplog) == []
    assert connect(algorithm="RS256").outcome(token) == "ada"


def test_a_name_that_is_taken_over_by_another_algorithm_calls_for_a_fetch(
    issuer: Issuer, connect: Connect
) -> None:
    def named(algorithm: str) -> dict[str, str]:
        return signing_key(algorithm).public().to_jwk() | {"kid": KEY.kid or ""}

    issuer.publish(among=[named("ES256")])
    resource = connect(cooldown=1)
    assert resource.outcome(issuer.token(KEY)) == "ada"
    issuer.publish(among=[named("ES256"), named("EdDSA")])
    resource.keys._now.now += 5
    signer = type(KEY).from_pem(signing_key("EdDSA").to_pem(), kid=KEY.kid)

    assert resource.outcome(issuer.token(signer)) == "ada"
    assert resource.outcome(issuer.token(KEY)) == "ada"
