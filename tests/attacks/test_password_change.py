"""Everything at once while a password changes, in a real framework over every database."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask

from gatepass import TokenManager, TokenPolicy
from gatepass.flask import Auth, Identity
from gatepass.passwords import Passwords
from gatepass.sessions import Store
from gatepass.stores.redis import RedisStore
from gatepass.stores.sql import SqlStore
from tests.attacks.service import ACCESS, REFRESH
from tests.attacks.target import AUDIENCE, ISSUER
from tests.budget import PATIENCE_S, TIMES
from tests.servers.redis_sets import running
from tests.stores.postgres_backend import empty_url

pytestmark = pytest.mark.races
OLD, NEW = "the password before", "the password after"
ROUNDS = 15 * TIMES


class Users:
    """A service whose users change their passwords."""

    def __init__(self, store: Store) -> None:
        self.manager = TokenManager(
            TokenPolicy(issuer=ISSUER, audience=AUDIENCE),
            access_keys=ACCESS,
            refresh_keys=REFRESH,
            store=store,
        )
        self.hashes: dict[str, str] = {}
        self._passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=4_096, parallelism=1))
        self._lock = threading.Lock()
        self.app = Flask(__name__)
        auth = Auth(
            self.manager,
            authenticate=self._authenticate,
            change_password=self._change_password,
            limits=None,
        )
        auth.init_app(self.app)

    def _authenticate(self, username: str, password: str) -> Identity | None:
        epoch = self.manager.subject_epoch(username)
        found = self._passwords.verify(self.hashes[username], password)
        return Identity(username, epoch=epoch) if found else None

    def add(self, username: str) -> None:
        self.hashes[username] = self._passwords.hash_new(OLD, username)

    def _change_password(self, subject: str, current: str, new: str) -> bool:
        kept = self.hashes[subject]
        if not self._passwords.verify(kept, current):
            return self._passwords.verify(kept, new)
        changed = self._passwords.hash_new(new, subject)
        with self._lock:
            if self.hashes[subject] != kept:
                return False
            self.hashes[subject] = changed
            return True

    def post(self, path: str, body: dict[str, str], pair: dict[str, Any] | None = None) -> Any:
        headers = {"Authorization": f"Bearer {pair['access_token']}"} if pair else {}
        return self.app.test_client().post(f"/auth/{path}", json=body, headers=headers)

    def log_in(self, username: str, password: str) -> Any:
        return self.post("login", {"username": username, "password": password})

    def refresh(self, pair: dict[str, Any]) -> Any:
        return self.post("refresh", {"refresh_token": pair["refresh_token"]})

    def change(self, pair: dict[str, Any]) -> Any:
        return self.post("password", {"current_password": OLD, "new_password": NEW}, pair)

    def is_alive(self, pair: dict[str, Any]) -> bool:
        return not self.manager.store.is_revoked(pair["session_id"], None)


@pytest.fixture(params=["sqlite", "postgres", "redis 8", "cluster"])
def users(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Users]:
    store: Store
    if request.param == "sqlite":
        store = SqlStore.from_url(f"sqlite:///{tmp_path}/gate.db")
    elif request.param == "postgres":
        store = SqlStore.from_url(empty_url())
    else:
        running(request.param).flush()
        store = RedisStore.from_url(running(request.param).url)
    users = Users(store)
    with users.manager:
        yield users


def test_nobody_but_the_one_who_changed_it_stays_with_the_old_password(users: Users) -> None:
    with ThreadPoolExecutor(16) as threads:
        for number in range(ROUNDS):
            subject = f"user {number}"
            users.add(subject)
            here, one, two = (users.log_in(subject, OLD).json for _ in range(3))
            start = threading.Barrier(14)

            def at_once(call: Callable[[], Any], start: threading.Barrier = start) -> Any:
                start.wait(PATIENCE_S)
                return call()

            calls: list[Callable[[], Any]] = [
                *[lambda s=subject: [users.log_in(s, OLD) for _ in range(4)]] * 6,
                *[lambda pair=one: users.refresh(pair)] * 2,
                *[lambda pair=two: users.refresh(pair)] * 2,
                *[lambda pair=here: users.refresh(pair)] * 2,
                *[lambda pair=here: users.change(pair)] * 2,
            ]
            answers = list(threads.map(at_once, calls))
            old = [answer for each in answers[:6] for answer in each]
            refreshed, kept, changed = answers[6:10], answers[10:12], answers[12:]

            assert {answer.status_code for answer in changed} in ({200}, {200, 403})
            assert [answer.status_code for answer in kept] == [200, 200]
            assert {answer.status_code for answer in (*old, *refreshed)} <= {200, 401}
            for answer in (*old, *refreshed):
                assert answer.status_code == 401 or not users.is_alive(answer.json)
            assert not any(map(users.is_alive, (one, two)))
            [live] = users.manager.sessions(subject)
            assert live.session_id == here["session_id"]
            assert users.log_in(subject, OLD).status_code == 401
            assert users.log_in(subject, NEW).status_code == 200
