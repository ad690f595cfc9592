"""django-ninja: a guard for `auth=` of an API, a router or an operation."""

import asyncio
import sys
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

from gatepass._extras import needs_extra
from gatepass.django.caches import keep_out_of_caches
from gatepass.django.common_auth import AnyDjangoAuth
from gatepass.django.requests import DjangoRequest, send
from gatepass.errors import StoreUnavailable
from gatepass.http import RequestRefused, Requirement
from gatepass.http.problems import TOKEN_MISSING
from gatepass.tokens import AccessClaims

with needs_extra("ninja"):
    from ninja.errors import HttpError
    from ninja.security.http import HttpAuthBase


class Refused(HttpError):
    """A rejected request on its way through django-ninja, with its response."""

    def __init__(self, response: HttpResponse) -> None:
        super().__init__(response.status_code, response.reason_phrase)
        self.response = response


class GatepassBearer(HttpAuthBase):
    """Finds the caller's claims, which become `request.auth` and `request.gatepass`."""

    openapi_scheme = "bearer"

    def __init__(self, auth: AnyDjangoAuth, requirement: Requirement) -> None:
        super().__init__()
        self.is_async = True
        self._auth = auth
        self._requirement = requirement

    def __call__(self, request: HttpRequest) -> Any:
        """The claims, or an awaitable of them where an event loop runs.

        `None` for no token where django-ninja has others to ask after this one.

        Raises:
            Refused: The token is missing, rejected or not enough, or the store failed.
        """
        operation: Any = sys._getframe(1).f_locals.get("self")  # noqa: SLF001 - its public name
        if hasattr(operation, "api"):
            # Without it a project's handler of Exception would make the refusal a 500.
            operation.api.add_exception_handler(Refused, _answer)
        is_last = getattr(operation, "auth_callbacks", [self])[-1] is self
        keep_out_of_caches(request)
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return self._check(request, is_last=is_last)
        return self._check_later(request, is_last=is_last)

    def _check(self, request: HttpRequest, *, is_last: bool) -> AccessClaims | None:
        try:
            claims = self._auth.check(DjangoRequest(request), self._requirement)
        except (RequestRefused, StoreUnavailable) as error:
            return self._refuse(error, is_last=is_last)
        return _admit(request, claims)

    async def _check_later(self, request: HttpRequest, *, is_last: bool) -> AccessClaims | None:
        try:
            claims = await self._auth.acheck(DjangoRequest(request), self._requirement)
        except (RequestRefused, StoreUnavailable) as error:
            return self._refuse(error, is_last=is_last)
        return _admit(request, claims)

    def _refuse(
        self, error: RequestRefused | StoreUnavailable, *, is_last: bool
    ) -> AccessClaims | None:
        if not is_last and isinstance(error, RequestRefused) and error.problem is TOKEN_MISSING:
            return None
        response = send(self._auth.answer_error(error))
        patch_vary_headers(response, self._auth.vary.split(", "))
        raise Refused(response) from error


def _admit(request: Any, claims: AccessClaims | None) -> AccessClaims | None:
    request.gatepass = claims
    return claims


def _answer(_: HttpRequest, refused: Refused) -> HttpResponse:
    return refused.response
