"""`Permission`: a guard as Django REST framework calls it; imports DRF when DRF does."""

from typing import Any, Final, Never

from gatepass.django.common_auth import AnyDjangoAuth
from gatepass.django.requests import DjangoRequest
from gatepass.errors import GuardMisused, StoreUnavailable
from gatepass.http import RequestRefused, Requirement
from gatepass.http.problems import (
    INSUFFICIENT_SCOPE,
    INSUFFICIENT_USER_AUTHENTICATION,
    TOKEN_MISSING,
)
from gatepass.tokens import AccessClaims

_SAYS_NO: Final = (TOKEN_MISSING, INSUFFICIENT_SCOPE, INSUFFICIENT_USER_AUTHENTICATION)
"""A "no" to DRF's `|` and `~`; all other refusals, and outages, are final."""


class Permission:
    """The permission that DRF makes of a guard, and the guard itself where a view returns it."""

    def __init__(
        self,
        auth: AnyDjangoAuth,
        requirement: Requirement,
        *,
        optional: bool,
        of: "Permission | None" = None,
    ) -> None:
        self._auth = auth
        self._requirement = requirement
        self._optional = optional
        self._listed_as = self if of is None else of

    @property
    def takes_keys(self) -> bool:
        """Whether the guard lets API keys pass."""
        return self._requirement.takes_keys

    def __bool__(self) -> Never:
        """A guard is neither true nor false.

        Raises:
            GuardMisused: The guard was used as a predicate, as by `UserPassesTestMixin`.
        """
        raise GuardMisused(
            "a guard was used like a test, and says neither yes nor no: test_func takes no "
            'guard, classes take it by @method_decorator(auth.required(), name="dispatch")'
        )

    def has_permission(self, request: Any, view: Any) -> bool:
        """Whether the token meets the requirement; otherwise the request is rejected (DRF).

        Inside `&`, `|` or `~`, a missing token or scope is `False`, and `exception_handler` finds
        the answer. A bad token is rejected there too, so that `~` lets nobody in with one.
        """
        from gatepass.django.rest_refusals import mark, refuse  # noqa: PLC0415 - only with DRF

        try:
            mark(request, view, self._auth, self._check(request))
        except (RequestRefused, StoreUnavailable) as error:
            listed = getattr(view, "permission_classes", ())
            is_final = isinstance(error, StoreUnavailable) or error.problem not in _SAYS_NO
            if is_final or any(one is self._listed_as for one in listed):
                refuse(error, request, view, self._auth)
            mark(request, view, self._auth, None)
            request._request.gatepass_refused = error  # noqa: SLF001 - DRF's own name
            return False
        return True

    def _check(self, request: Any) -> AccessClaims | None:
        """The claims of a request of DRF; `GatepassAuthentication` may have found them."""
        from gatepass.django.rest_refusals import find_forced  # noqa: PLC0415 - only with DRF

        claims = request.auth
        plain = request._request  # noqa: SLF001 - DRF's own name for Django's request
        verified_by = getattr(plain, "gatepass_verified_by", None)
        forced = find_forced(request, self._auth)
        if forced is not None:
            claims = plain.gatepass = forced
        if isinstance(claims, AccessClaims) and (verified_by is self._auth or forced is not None):
            self._auth.guard.require(claims, self._requirement)
            return claims
        found = self._auth.check(DjangoRequest(plain), self._requirement, optional=self._optional)
        plain.gatepass = found
        return found

    def has_object_permission(self, request: Any, view: object, subject: object) -> bool:
        """True: the guard does not check single objects (DRF)."""
        del request, view, subject
        return True

    def __and__(self, other: Any) -> Any:
        return _operations().__and__(self, other)

    def __or__(self, other: Any) -> Any:
        return _operations().__or__(self, other)

    def __invert__(self) -> Any:
        return _operations().__invert__(self)


def _operations() -> Any:
    from rest_framework.permissions import OperationHolderMixin  # noqa: PLC0415 - only with DRF

    return OperationHolderMixin
