"""Work that waits for the commit of a transaction: ending a user's sessions, and opening new ones.

1. A transaction that rolls back, also to a savepoint, ends no session and opens none.
2. A commit ends every session of the user, then opens those that `Auth.log_in` began behind the
   change: their tokens are good once the transaction has committed.
3. Both come before the project's own `on_commit` callbacks, in the order of the view's calls:
   Django calls no further callback once one has raised.
4. The transaction around a `TestCase` never commits, so it counts as none.
"""

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, replace
from time import time
from typing import Any

from asgiref.sync import sync_to_async
from django.db import connections, transaction

from gatepass.sessions import IssuePlan, Session, plan_session


@dataclass(frozen=True, slots=True)
class Ending:
    """Ends the sessions of a subject when a transaction has committed."""

    subject: str
    end: Callable[[], object]

    def __call__(self) -> None:
        """End them."""
        self.end()


@dataclass(frozen=True, slots=True)
class Opening:
    """Opens a session when a transaction has committed."""

    auth: Any
    plan: IssuePlan

    def __call__(self) -> None:
        """Open it."""
        store = self.auth.manager._store  # noqa: SLF001 - it tells `on_event` of the login
        self.auth.wait_for(store.issue(self.plan))


def is_in_transaction(using: str) -> bool:
    """Whether a change of this database now waits for a commit."""
    blocks = transaction.get_connection(using).atomic_blocks
    return any(not getattr(block, "_from_testcase", False) for block in blocks)


def end_at_commit(ending: Ending, using: str) -> None:
    """End the sessions when the transaction commits, and at once where there is none."""
    if is_in_transaction(using):
        _run_first(ending, using)
    else:
        ending()


def _run_first(work: Ending | Opening, using: str) -> None:
    """Call it at the commit, behind our own earlier work and before a project's callbacks.

    The callbacks of the transaction around a `TestCase` stay before it: Django captures those of
    a view by their number (`captureOnCommitCallbacks`).
    """
    transaction.on_commit(work, using=using)
    connection = transaction.get_connection(using)
    waiting = connection.run_on_commit
    of_tests = sum(getattr(block, "_from_testcase", False) for block in connection.atomic_blocks)
    outside = set(connection.savepoint_ids[:of_tests])
    place = next(
        index
        for index, (savepoints, other, *_) in enumerate(waiting)
        if other is work or (outside <= savepoints and not isinstance(other, Ending | Opening))
    )
    waiting.insert(place, waiting.pop())


def opening_manager(auth: Any, subject: str) -> Any:
    """The manager that opens a session of this subject now, or behind an end that waits.

    Call it in the thread whose transaction it is.
    """
    using = _find_waiting(subject)
    if using is None or auth.manager is None:
        return auth.manager
    manager = copy(auth.manager)
    kept = (_AsyncStore if auth.is_async else _Store)(auth, using)
    manager._store = kept  # noqa: SLF001 - of a copy, for one login
    return manager


def _find_waiting(subject: str) -> str | None:
    """The database whose transaction ends the subject's sessions when it commits."""
    for connection in connections.all(initialized_only=True):
        # Django drops from this list what a rolled back savepoint registered.
        for _, work, *_ in connection.run_on_commit:
            if isinstance(work, Ending) and work.subject == subject:
                return connection.alias
    return None


class _Store:
    """Opens sessions when the transaction commits; all else is the store's."""

    def __init__(self, auth: Any, using: str) -> None:
        self._auth = auth
        self._using = using

    def __getattr__(self, name: str) -> Any:
        return getattr(self._auth.manager.store, name)

    def issue(self, plan: IssuePlan) -> Session | None:
        """The session that will be; `None`: the epoch has changed since it was read."""
        auth, store = self._auth, self._auth.manager.store
        if plan.epoch is not None and plan.epoch != auth.wait_for(
            store.subject_epoch(plan.subject)
        ):
            return None
        later = replace(plan, epoch=None)  # the commit raises the epoch first
        _run_first(Opening(auth, later), self._using)
        return plan_session(later, int(time() * 1000))


class _AsyncStore(_Store):
    """The same for an async manager."""

    async def issue(self, plan: IssuePlan) -> Session | None:  # type: ignore[override]  # its twin
        """See `_Store.issue`."""
        return await sync_to_async(super().issue)(plan)
