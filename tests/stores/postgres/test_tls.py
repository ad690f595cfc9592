"""Sessions over TLS, and a server whose certificate is not the right one."""

from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import copy
from typing import Any

import pytest

from tests.servers.certificates import write_certificate
from tests.servers.postgres import PostgresServer
from tests.servers.tls_proxy import tls_before
from tests.stores.outcomes import OPERATIONS, require_unavailable
from tests.stores.plans import log_in, present

LARGE = b'{"a":"' + b"\xc3\xa9" * 60_000 + b'"}'


@pytest.fixture
def url(server: PostgresServer, tmp_path: Path) -> Iterator[str]:
    """The URL of somebody who insists on this very certificate."""
    own = write_certificate(tmp_path)
    root = copy(own, tmp_path / "root.crt")
    with tls_before(server.port, own) as port:
        plain = server.url.replace(f"127.0.0.1:{server.port}", f"localhost:{port}")
        yield f"{plain}?sslmode=verify-full&sslrootcert={root}&gssencmode=disable"


def test_everything_works_over_tls(twin: str, at: Callable[[str], Any], url: str) -> None:
    store = at(url)

    session = store.issue(log_in(twin, session_id=twin, claims=LARGE))
    kinds = [store.rotate(present(twin, turn)).kind.value for turn in (0, 1, 0)]
    [found] = store.sessions(twin)

    assert session is not None
    assert kinds == ["rotated", "rotated", "replayed"]
    assert found.claims_json == LARGE


def test_a_server_of_another_certificate_is_told_nothing(
    at: Callable[[str], Any], server: PostgresServer, url: str, tmp_path: Path
) -> None:
    write_certificate(tmp_path, "other").replace(tmp_path / "root.crt")

    require_unavailable(at(url), OPERATIONS)
    assert server.run("SELECT 1 FROM pg_stat_activity WHERE application_name = 'gatepass'") == []
