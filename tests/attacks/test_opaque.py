"""Attacks on opaque access tokens: a leaked database, and guesses."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from gatepass.errors import GatepassError, TokenExpired
from gatepass.stores.sql import tables
from gatepass.stores.sql.engines import engine_of
from gatepass.tokens.opaque import ACCESS_PREFIX, hash_id, new_text
from tests.attacks.service import REDIS, Service
from tests.servers.redis_sets import running
from tests.stores.postgres_backend import database_url


@pytest.fixture
def access_format() -> str:
    return "opaque"


@pytest.fixture
def leaked(request: pytest.FixtureRequest, service: Service, tmp_path: Path) -> Any:
    """Reads all that the store keeps, as a thief of its data does."""
    kind = request.node.callspec.params["service"].removeprefix("async ")
    return lambda: "\n".join(_contents(kind, service, tmp_path))


def _contents(kind: str, service: Service, folder: Path) -> Iterator[str]:
    if kind in REDIS:
        for server in running(kind).primaries():
            client = server.client()
            for key in client.scan_iter():
                yield f"{key!r} {_READERS[client.type(key)](client, key)!r}"
    elif kind == "memory":
        store = service.manager.store
        yield repr(vars(getattr(store, "_work", store)))
    else:
        url = f"sqlite:///{folder / 'gate.db'}" if kind == "sqlite" else database_url()
        with engine_of(url).connect() as connection:
            for table in tables.metadata.sorted_tables:
                yield repr(connection.execute(select(table)).fetchall())
        for file in folder.glob("gate.db*"):
            yield file.read_bytes().decode("latin-1")


_READERS: dict[Any, Any] = {
    b"hash": lambda client, key: client.hgetall(key),
    b"zset": lambda client, key: client.zrange(key, 0, -1),
    b"stream": lambda client, key: client.xrange(key),
    b"string": lambda client, key: client.get(key),
}


def test_a_leaked_database_gives_no_usable_token(service: Service, leaked: Any) -> None:
    pairs = [service.issue("alice", claims={"role": "admin"}) for _ in range(2)]
    pairs.append(service.refresh(pairs[0].refresh_token))
    found = leaked()
    assert pairs[0].session_id in found
    assert service.verify(pairs[0].access_token)["role"] == "admin"

    for pair in pairs:
        for secret in (pair.access_token, pair.access_token[8:51], pair.refresh_token):
            assert secret not in found
            assert repr(secret.encode())[2:-1] not in found
    hashes = set(re.findall(r"[0-9a-f]{34,66}", found))
    assert any(len(each) == 66 for each in hashes)
    for each in hashes:
        for bytes_32 in (bytes.fromhex(each[-64:].zfill(64)), each[:32].encode()):
            for text in (each, new_text(ACCESS_PREFIX, "alice", bytes_32)):
                with pytest.raises(GatepassError):
                    service.verify(text)
                with pytest.raises(GatepassError):
                    service.log_out(access_token=text)


def test_a_token_of_another_user_with_swapped_digits_is_unknown(service: Service) -> None:
    token = service.issue("alice").access_token
    moved = new_text(ACCESS_PREFIX, "mallory", bytes(32))[:8] + token[8:]

    with pytest.raises(GatepassError):
        service.verify(moved)
    with pytest.raises(TokenExpired):
        service.verify(new_text(ACCESS_PREFIX, "alice", bytes(32)))
    assert hash_id(ACCESS_PREFIX, moved) is None
    assert service.verify(token).subject == "alice"
