"""Django REST framework: who the caller is, and refusals as the table has them.

In `REST_FRAMEWORK`, `DEFAULT_AUTHENTICATION_CLASSES` names
`gatepass.django.rest.GatepassAuthentication`, and `EXCEPTION_HANDLER`
`gatepass.django.rest.exception_handler`.
"""

from typing import Any

from django.http import HttpResponse

from gatepass._extras import needs_extra
from gatepass.django.conf import get_auth
from gatepass.django.permissions import Permission
from gatepass.django.requests import DjangoRequest, send
from gatepass.django.rest_refusals import Refused, mark, refuse
from gatepass.django.users import find_user
from gatepass.errors import StoreUnavailable, TokenRevoked
from gatepass.http import ACCESS_PROBLEMS, RequestRefused, Requirement, refusing
from gatepass.http.problems import TOKEN_MISSING
from gatepass.tokens import AccessClaims

with needs_extra("rest"):
    from rest_framework.authentication import BaseAuthentication
    from rest_framework.exceptions import (
        APIException,
        AuthenticationFailed,
        NotAuthenticated,
        PermissionDenied,
    )

_LOGIN = Requirement()
_ANY = Requirement(kinds=("session", "key"))


class TokenUser:
    """A caller as its token describes it; needs no query."""

    is_authenticated = True
    is_anonymous = False
    is_active = True
    is_staff = False
    is_superuser = False

    def __init__(self, claims: AccessClaims) -> None:
        self.claims = claims
        self.pk = self.id = claims.subject
        self.username = str(claims.get("username", ""))

    def get_username(self) -> str:
        """The `username` claim, `""` without one."""
        return self.username

    def has_perm(self, *_: Any) -> bool:
        """No: permissions are the database's, roles and scopes the token's."""
        return False

    has_perms = has_module_perms = has_perm

    def __str__(self) -> str:
        return self.username or str(self.pk)


class GatepassAuthentication(BaseAuthentication):
    """`request.auth` is the claims, `request.user` a `TokenUser`."""

    def authenticate(self, request: Any) -> tuple[Any, AccessClaims] | None:
        """The user and the claims of the request's token; `None` without one.

        Raises:
            Refused: The token is rejected, or the store failed.
        """
        plain = request._request  # noqa: SLF001 - DRF's own name for Django's request
        auth = get_auth()
        view = (request.parser_context or {}).get("view")
        try:
            requirement = _ANY if _takes_keys(view) else _LOGIN
            claims = auth.check(DjangoRequest(plain), requirement, optional=True)
            user = None if claims is None else self.load_user(claims)
        except (RequestRefused, StoreUnavailable) as error:
            refuse(error, request, view, auth)
        mark(request, view, auth, claims)
        plain.gatepass, plain.gatepass_verified_by = claims, auth
        return None if claims is None else (user, claims)

    def authenticate_header(self, request: Any) -> str:
        """The challenge of a 401 (RFC 6750 §3)."""
        del request
        return "Bearer"

    def load_user(self, claims: AccessClaims) -> Any:
        """The user of a token."""
        return TokenUser(claims)


class GatepassUserAuthentication(GatepassAuthentication):
    """The same with Django's own user, at the price of a query."""

    def load_user(self, claims: AccessClaims) -> Any:
        """The user whose primary key is the subject; inactive or gone is a revoked token."""
        user = find_user(claims.subject)
        with refusing(ACCESS_PROBLEMS):
            if user is None or not user.is_active:
                raise TokenRevoked
        return user


def _takes_keys(view: Any) -> bool:
    """Whether a guard that lets API keys pass is among the permissions of this very request.

    A view without one would let every key in, because DRF's own permissions know no scopes.
    """
    listed = [] if view is None else view.get_permissions()
    return any(isinstance(one, Permission) and one.takes_keys for one in listed)


def exception_handler(error: Exception, context: Any) -> HttpResponse | None:
    """DRF's `EXCEPTION_HANDLER`: the table's answers to refusals, DRF's to all else."""
    from rest_framework import views  # noqa: PLC0415 - it imports this module, by its settings

    if isinstance(error, Refused):
        views.set_rollback()
        return send(error.answer)
    if isinstance(error, (NotAuthenticated, PermissionDenied)):
        error = _find_refusal(error, context)
    if isinstance(error, (NotAuthenticated, AuthenticationFailed)):
        error = RequestRefused(TOKEN_MISSING)
    if isinstance(error, (RequestRefused, StoreUnavailable)):
        views.set_rollback()
        return send(get_auth().answer_error(error))
    return views.exception_handler(error, context)


def _find_refusal(error: APIException, context: Any) -> Exception:
    """The error of a permission of ours inside of `&`, `|` or `~`, if DRF has no better one."""
    request = context.get("request")
    plain = getattr(request, "_request", None)
    refused: RequestRefused | None = getattr(plain, "gatepass_refused", None)
    return error if refused is None or error.detail != error.default_detail else refused
