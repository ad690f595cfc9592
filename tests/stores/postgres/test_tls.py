"""Sessions over TLS, and a server whose certificate is not the right one."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from gatepass.sessions import RotationKind
from gatepass.stores.sql import SqlStore
from tests.servers.postgres import PostgresServer
from tests.servers.tls_proxy import tls_before
from tests.stores.broken import every, outcomes
from tests.stores.plans import log_in, present
from tests.stores.postgres.broken_server import OPERATIONS, closed, made
from tests.stores.twins import Awaited, Runner

LARGE = b'{"a":"' + b"\xc3\xa9" * 60_000 + b'"}'


def certificate(host: str) -> tuple[bytes, bytes]:
    """A self-signed certificate of this host, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return made.public_bytes(Encoding.PEM), private


@pytest.fixture
def url(server: PostgresServer, tmp_path: Path) -> Iterator[str]:
    """The URL of somebody who insists on this very certificate."""
    public, private = certificate("localhost")
    root, own = tmp_path / "root.crt", tmp_path / "server.pem"
    root.write_bytes(public)
    own.write_bytes(public + private)
    with tls_before(server.port, own) as port:
        plain = server.url.replace(f"127.0.0.1:{server.port}", f"localhost:{port}")
        yield f"{plain}?sslmode=verify-full&sslrootcert={root}&gssencmode=disable"


def test_everything_works_over_tls(twin: str, runner: Runner, url: str) -> None:
    twin_store = made(twin, url)
    store = twin_store if isinstance(twin_store, SqlStore) else Awaited(twin_store, runner)

    session = store.issue(log_in(twin, session_id=twin, claims=LARGE))
    facts = [store.rotate(present(twin, generation)) for generation in (0, 1, 0)]
    [found] = store.sessions(twin)
    store.close()

    assert session is not None
    assert [fact.kind for fact in facts] == [
        RotationKind.ROTATED,
        RotationKind.ROTATED,
        RotationKind.REPLAYED,
    ]
    assert found.claims_json == LARGE


def test_a_server_of_another_certificate_is_told_nothing(
    twin: str, runner: Runner, server: PostgresServer, url: str, tmp_path: Path
) -> None:
    (tmp_path / "root.crt").write_bytes(certificate("localhost")[0])
    store = made(twin, url)

    assert outcomes(store, runner, OPERATIONS) == every(OPERATIONS)
    closed(store, runner)
    assert server.run("SELECT 1 FROM pg_stat_activity WHERE application_name = 'gatepass'") == []
