"""`CommonAsgiAuth`: everything that the `Auth` of ASGI and of FastAPI share."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Generic, TypeVar

from gatepass.asgi.front import root_path_of
from gatepass.asgi.watching import AnyWatch, find_watch
from gatepass.errors import SettingsRejected, TokenInvalid
from gatepass.gate import CommonAuth
from gatepass.gate.common_auth import OptionalGuard, RequiredGuard
from gatepass.http import Answer, AsgiRequest, Requirement
from gatepass.manager import AsyncTokenManager
from gatepass.tokens import AccessClaims, AsyncTokenVerifier, TokenVerifier

AnyAsgiManager = AsyncTokenManager | AsyncTokenVerifier | TokenVerifier
Response = TypeVar("Response")


class CommonAsgiAuth(
    CommonAuth[AnyAsgiManager, RequiredGuard, OptionalGuard],
    Generic[RequiredGuard, OptionalGuard, Response],
):
    """An `Auth` on an event loop."""

    takes = (AsyncTokenManager, AsyncTokenVerifier, TokenVerifier)

    async def log_in(
        self,
        subject: str,
        claims: Mapping[str, Any] | None = None,
        *,
        session_claims: Mapping[str, Any] | None = None,
        device: str | None = None,
        epoch: int | None = None,
    ) -> Response:
        """The response that logs in a user who came through a passkey, SSO or a social login.

        Tokens come in cookies where the policy has cookies, and in the body elsewhere. The
        arguments are those of `TokenManager.issue`.
        """
        answer = await self.require_gate().open_session(
            subject,
            claims,
            session_claims=session_claims,
            device=device,
            epoch=epoch,
            root_path=root_path_of(self),
        )
        return self._make_response(answer)

    async def find_claims(
        self, request: AsgiRequest, requirement: Requirement, *, optional: bool
    ) -> AccessClaims | None:
        """The claims of a request's token; see `Guard.check`."""
        if self.is_async:
            return await self.guard.acheck(request, requirement, optional=optional)
        return self.guard.check(request, requirement, optional=optional)

    def watch(
        self,
        claims: AccessClaims,
        *,
        require: Callable[[AccessClaims], object] | None = None,
        cancel: bool = True,
    ) -> AnyWatch:
        """A block of `async with` that ends with the session, token or key of these claims.

        See `AsyncTokenVerifier.watch`. `required(watch=True)` does this for a whole connection.

        Raises:
            SettingsRejected: The manager or verifier has no replica.
        """
        if not self.is_async:
            raise SettingsRejected(
                "watch needs an AsyncTokenVerifier with a replica: "
                "AsyncTokenVerifier(…, revocations=replica_of(store))"
            )
        watch: AnyWatch = self._verifies.watch(claims, require=require, cancel=cancel)
        return watch

    def watch_of(self, connection: Any) -> AnyWatch:
        """The watch of a connection behind `required(watch=True)`, to `renew` its token.

        Args:
            connection: The ASGI scope, or a request or websocket of Starlette.

        Raises:
            RuntimeError: No guard of this `Auth` watches the connection.
        """
        return find_watch(self, getattr(connection, "scope", connection))

    def _require_watchable(self) -> None:
        with suppress(TokenInvalid):  # a verifier of several issuers does not know nobody's
            self.watch(AccessClaims({}))  # made, and never entered

    @abstractmethod
    def _make_response(self, answer: Answer) -> Response:
        """The framework's response that carries exactly this answer."""


AnyAsgiAuth = CommonAsgiAuth[Any, Any, Any]
