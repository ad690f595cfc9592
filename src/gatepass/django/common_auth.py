"""`CommonDjangoAuth`: the part of an `Auth` that guards use, for sync and async views."""

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, Generic, Literal, TypeVar

from asgiref.sync import async_to_sync, sync_to_async

from gatepass._clock import wall_clock
from gatepass.gate import (
    AnyManager,
    Authenticate,
    ChangePassword,
    CommonAuth,
    ProxyGate,
    settle,
)
from gatepass.http import DEFAULT_LIMITS, HttpPolicy, Limits
from gatepass.manager import AsyncTokenManager, TokenManager
from gatepass.tokens import AccessClaims, AsyncTokenVerifier, TokenVerifier
from gatepass.watches import Watch

Check = Callable[..., AccessClaims | None]
AsyncCheck = Callable[..., Awaitable[AccessClaims | None]]
Guard = TypeVar("Guard")


class CommonDjangoAuth(CommonAuth[AnyManager, Guard, Guard], Generic[Guard]):
    """Checks tokens in sync and in async views, whatever the manager is."""

    takes = (TokenManager, AsyncTokenManager, TokenVerifier, AsyncTokenVerifier)

    def __init__(  # noqa: PLR0913 - keywords all, each a part
        self,
        manager: AnyManager,
        *,
        twin: AnyManager | None = None,
        authenticate: Authenticate | None = None,
        change_password: ChangePassword | None = None,
        limits: Limits | None = DEFAULT_LIMITS,
        http: HttpPolicy | None = None,
        proxy_gate: ProxyGate | None = None,
        invalid_token_status: Literal[401, 403] = 403,
        now: Callable[[], float] = wall_clock,
    ) -> None:
        """Take the arguments of every `Auth` (see `CommonAuth`), and a `twin`.

        The twin is the sync version of an async manager, or the reverse. Without it async views
        run a sync manager in a thread, and sync views run an async one in a loop of their own.
        """
        super().__init__(
            manager,
            authenticate=authenticate,
            change_password=change_password,
            limits=limits,
            http=http,
            proxy_gate=proxy_gate,
            invalid_token_status=invalid_token_status,
            now=now,
        )
        guards = {self.is_async: self.guard}
        self._blocking: Any = twin if self.is_async else manager
        if twin is not None:
            guards[isinstance(twin, (AsyncTokenManager, AsyncTokenVerifier))] = self.make_guard(
                twin
            )
            if len(guards) == 1:
                raise TypeError("the twin of an async manager is a sync one, and the reverse")
        self._has_no_io = isinstance(manager, TokenVerifier) and manager.revocations is None
        self.check: Check = (
            guards[False].check if False in guards else async_to_sync(guards[True].acheck)
        )
        """The claims of a request's token; see `gatepass.gate.Guard.check`."""
        self.acheck: AsyncCheck = (
            guards[True].acheck if True in guards else self._make_acheck(guards[False].check)
        )
        """The same for async views."""

    def wait_for(self, value: Any) -> Any:
        """The result of a manager's method, awaited if it is awaitable; in sync code only."""
        return async_to_sync(settle)(value) if inspect.isawaitable(value) else value

    def watch(
        self,
        claims: AccessClaims,
        on_end: Callable[[str], object],
        *,
        require: Callable[[AccessClaims], object] | None = None,
    ) -> Watch[AccessClaims]:
        """A block of `with` that tells when the session of these claims ends.

        See `TokenVerifier.watch`. An async view takes `manager.watch(claims)` of its own manager.

        Raises:
            TypeError: There is no sync manager or verifier.
        """
        if self._blocking is None:
            raise TypeError("watch needs a sync manager or verifier: pass it as twin=")
        watch: Watch[AccessClaims] = self._blocking.watch(claims, on_end, require=require)
        return watch

    @staticmethod
    def _call_in_thread(function: Callable[..., Any], /, *args: Any) -> Any:
        return sync_to_async(function)(*args)

    def _make_acheck(self, check: Check) -> AsyncCheck:
        if not self._has_no_io:
            return sync_to_async(check, thread_sensitive=False)

        async def acheck(*args: Any, **kwargs: Any) -> AccessClaims | None:
            return check(*args, **kwargs)

        return acheck


AnyDjangoAuth = CommonDjangoAuth[Any]
