"""Makes events and hands them to the hook of a manager, whose errors harm nobody."""

import logging
from collections.abc import Awaitable, Callable
from typing import Final

from gatepass.events.about import find_about
from gatepass.events.event import Event, EventKind

OnEvent = Callable[[Event], object]
AsyncOnEvent = Callable[[Event], Awaitable[object] | object]
_FAILED: Final = "on_event failed for %s"
_logger = logging.getLogger("gatepass")


class Teller:
    """The hook of one manager."""

    def __init__(self, hook: AsyncOnEvent, *, client_id: str, now: Callable[[], float]) -> None:
        self._hook = hook
        self._client_id = client_id
        self._now = now

    def make(self, kind: EventKind, **known: str | None) -> Event:
        """The event of this moment; unknown fields come from the block of `about`."""
        here = find_about()
        told: dict[str, str | None] = {
            "subject": here.subject,
            "session_id": here.session_id,
            "client_id": self._client_id,
            "address": here.address,
            "device": here.device,
        }
        told |= {name: value for name, value in known.items() if value is not None}
        return Event(kind=kind, at=self._now(), **told)

    def tell(self, event: Event) -> None:
        """Call the hook."""
        try:
            self._hook(event)
        except Exception:
            _logger.exception(_FAILED, event.kind)

    async def atell(self, event: Event) -> None:
        """Call the hook, and wait for one that is a coroutine function."""
        try:
            answer = self._hook(event)
            if isinstance(answer, Awaitable):
                await answer
        except Exception:
            _logger.exception(_FAILED, event.kind)


class _Tells:
    """The part of a manager that `tell` needs."""

    _teller: Teller | None

    @property
    def has_hook(self) -> bool:
        """Whether anybody hears of events."""
        return self._teller is not None


class Tells(_Tells):
    """`tell` for blocking code."""

    def tell(
        self,
        kind: EventKind,
        *,
        subject: str | None = None,
        session_id: str | None = None,
        reason: str | None = None,
    ) -> None:
        """Hand an event to `on_event`: of what no manager does, as `password_changed`.

        Call it once it is certain. The arguments are those of `Event`.
        """
        if self._teller is not None:
            known = {"subject": subject, "session_id": session_id, "reason": reason}
            self._teller.tell(self._teller.make(kind, **known))


class AsyncTells(_Tells):
    """`tell` for `await`."""

    async def tell(
        self,
        kind: EventKind,
        *,
        subject: str | None = None,
        session_id: str | None = None,
        reason: str | None = None,
    ) -> None:
        """See `Tells.tell`."""
        if self._teller is not None:
            known = {"subject": subject, "session_id": session_id, "reason": reason}
            await self._teller.atell(self._teller.make(kind, **known))
