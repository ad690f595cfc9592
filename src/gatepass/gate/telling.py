"""Events of the auth routes: where a request comes from, and the attempts that are rejected."""

from collections.abc import Awaitable
from typing import Any, Final

from gatepass._maybe_await import settle
from gatepass.events import EventKind, about
from gatepass.http import Answer, HttpPolicy, HttpRequest, RequestRefused, parse_device
from gatepass.http.problems import INVALID_CREDENTIALS, PASSWORD_WRONG, RATE_LIMITED

_TOLD: Final = {
    INVALID_CREDENTIALS: EventKind.LOGIN_FAILED,
    PASSWORD_WRONG: EventKind.LOGIN_FAILED,
    RATE_LIMITED: EventKind.RATE_LIMITED,
}


async def telling(
    manager: Any, policy: HttpPolicy, request: HttpRequest, answering: Awaitable[Answer]
) -> Answer:
    """The answer; events of the manager name the client's address and device meanwhile."""
    if not manager.has_hook:
        return await answering
    device = parse_device("".join(request.header("user-agent")[:1]))
    with about(address=policy.proxies.client(request) or None, device=device) as known:
        try:
            return await answering
        except RequestRefused as refused:
            if refused.problem in _TOLD:
                tell = manager.tell(_TOLD[refused.problem], subject=known.rejected)
                await settle(tell)
            raise
