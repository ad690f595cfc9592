"""Events over every store: each kind once, in a race and after a lost answer too."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from threading import Barrier
from typing import Any

import pytest

from gatepass import AsyncTokenManager, TokenManager, TokenPolicy
from gatepass.errors import RefreshReused, SessionRevoked, StoreUnavailable
from gatepass.events import Event
from gatepass.jose import SharedKey
from gatepass.sessions import Store
from tests.budget import PATIENCE_S, TIMES, patience
from tests.servers.proxy import Proxy
from tests.stores.test_lost_answers import direct, kind, other, proxy
from tests.stores.test_lost_answers import store as store_behind_proxy
from tests.stores.twins import Awaited, Runner

__all__ = ["direct", "kind", "other", "proxy", "store_behind_proxy"]

ACCESS, REFRESH = SharedKey.generate(), SharedKey.generate()
CALLERS = 8


def manager_on(store: Any, runner: Runner, heard: Callable[[Event], object], leeway: int) -> Any:
    """A manager over this store, of its twin."""
    policy = TokenPolicy(issuer="i", audience="a", rotation_leeway=leeway)
    keys: dict[str, Any] = {"access_keys": ACCESS, "refresh_keys": REFRESH, "on_event": heard}
    if isinstance(store, Awaited):
        twin: Any = store.twin
        return Awaited(AsyncTokenManager(policy, store=twin, **keys), runner)
    return TokenManager(policy, store=store, **keys)


@pytest.fixture
def heard() -> list[Event]:
    return []


def test_each_operation_tells_of_itself(store: Store, runner: Runner, heard: list[Event]) -> None:
    manager = manager_on(store, runner, heard.append, leeway=10)
    strict = manager_on(store, runner, heard.append, leeway=0)
    pair = manager.issue("ada", device="Firefox")
    manager.refresh(pair.refresh_token)
    manager.refresh(pair.refresh_token)
    with pytest.raises(RefreshReused):
        strict.refresh(pair.refresh_token)
    ended = manager.issue("ada")
    manager.log_out(refresh_token=ended.refresh_token)
    manager.log_out(refresh_token=ended.refresh_token)
    revoked = manager.issue("bob")
    manager.revoke_token(manager.verify(revoked.access_token))
    manager.revoke_session(revoked.session_id)
    manager.revoke_session(revoked.session_id)
    manager.revoke_subject("ada")
    manager.revoke_all()

    assert [(str(e.kind), e.subject, e.session_id) for e in heard] == [
        ("logged_in", "ada", pair.session_id),
        ("refreshed", "ada", pair.session_id),
        ("refresh_replayed", "ada", pair.session_id),
        ("refresh_reused", "ada", pair.session_id),
        ("logged_in", "ada", ended.session_id),
        ("logged_out", "ada", ended.session_id),
        ("logged_in", "bob", revoked.session_id),
        ("token_revoked", "bob", revoked.session_id),
        ("session_revoked", None, revoked.session_id),
        ("subject_revoked", "ada", None),
        ("everybody_revoked", None, None),
    ]


@pytest.fixture
def answering(store_behind_proxy: Store) -> Store:
    """A store whose answers the proxy can lose."""
    return store_behind_proxy


def test_an_answer_that_the_store_asks_for_again_makes_one_event(
    answering: Store, kind: str, proxy: Proxy, runner: Runner, heard: list[Event]
) -> None:
    manager = manager_on(answering, runner, heard.append, leeway=10)
    pair = manager.issue("ada")
    proxy.swallow_replies(1)
    pair = manager.refresh(pair.refresh_token)
    proxy.swallow_replies(1)
    manager.log_out(refresh_token=pair.refresh_token)

    kinds = [str(event.kind) for event in heard]
    assert kinds[0] == "logged_in"
    assert kinds[1] in {"refreshed", "refresh_replayed"}
    # PostgreSQL's repeat cannot tell its own end from somebody else's, and one too few is better.
    assert kinds[2:] in ([["logged_out"], []] if kind == "postgres" else [["logged_out"]])


class Callers:
    """Make one call at once, and each again until it is answered."""

    def __init__(self, manager: Any, runner: Runner) -> None:
        self.manager, self.runner = manager, runner
        self.outages = 0
        """How many answers did not come."""

    def __call__(self, name: str, token: str) -> None:
        if isinstance(self.manager, Awaited):
            self.runner.run(self._tasks(getattr(self.manager.twin, name), token))
            return
        barrier, operation = Barrier(CALLERS), getattr(self.manager, name)
        with ThreadPoolExecutor(CALLERS) as pool:
            list(pool.map(lambda _: self._thread(barrier, operation, token), range(CALLERS)))

    def _thread(self, barrier: Barrier, operation: Any, token: str) -> None:
        barrier.wait(PATIENCE_S)
        is_answered = False
        while not is_answered:
            with self._answered() as answered, suppress(RefreshReused, SessionRevoked):
                operation(refresh_token=token)
            is_answered = bool(answered)

    async def _task(self, operation: Any, token: str) -> None:
        is_answered = False
        while not is_answered:
            with self._answered() as answered, suppress(RefreshReused, SessionRevoked):
                await operation(refresh_token=token)
            is_answered = bool(answered)

    async def _tasks(self, operation: Any, token: str) -> None:
        await asyncio.gather(*(self._task(operation, token) for _ in range(CALLERS)))

    @contextmanager
    def _answered(self) -> Iterator[list[bool]]:
        answered: list[bool] = []
        try:
            yield answered
            answered.append(True)
        except StoreUnavailable:
            self.outages += 1


@pytest.mark.races
def test_of_racing_callers_one_is_told(store: Store, runner: Runner, heard: list[Event]) -> None:
    manager = manager_on(store, runner, heard.append, leeway=0)
    races = {"refresh": ["refresh_reused", "refreshed"], "log_out": ["logged_out"]}
    with patience():
        for _ in range(5 * TIMES):
            for name, told in races.items():
                token = manager.issue("ada").refresh_token
                heard.clear()
                callers = Callers(manager, runner)
                callers(name, token)
                kinds = sorted(str(event.kind) for event in heard)
                # A rotation whose answer was lost looks like a reuse without a leeway.
                assert kinds == told or (callers.outages and kinds in ([], ["refresh_reused"])), (
                    kinds
                )
