"""`Auth` of a Django project: decorators and DRF permissions that guard views."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any, Literal, Never

from asgiref.sync import sync_to_async
from django.http import HttpResponse
from django.urls import NoReverseMatch, get_script_prefix, get_urlconf, reverse, set_script_prefix

from gatepass.django.commits import opening_manager
from gatepass.django.common_auth import CommonDjangoAuth
from gatepass.django.guards import Guarding
from gatepass.django.requests import send
from gatepass.gate import require_call, run_in_place
from gatepass.http import HttpRequest, Requirement


class Auth(CommonDjangoAuth[Guarding]):
    """Sign-in for a Django project, named by the setting `GATEPASS_AUTH`.

    `required()` and `optional()` decorate views, sync or async, and are permissions for
    `permission_classes`. The view finds the claims in `request.gatepass`: behind `optional()`
    they are `None` without a token. It is exempt from Django's CSRF check: a token in a header
    needs none, and a token in a cookie gets gatepass's own. A request that `optional()` lets
    through without a token gets Django's check.
    """

    def ninja(
        self,
        *view: Never,
        scopes: Collection[str] | None = None,
        roles: Collection[str] | None = None,
        fresh: timedelta | None = None,
        kinds: Collection[Literal["session", "key"]] | None = None,
    ) -> Any:
        """The same for `auth=` of django-ninja: of an API, a router or an operation.

        Operations find the claims in `request.auth`, and OpenAPI names a bearer token.
        """
        from gatepass.django.ninja import GatepassBearer  # noqa: PLC0415 - wants its extra

        self._require_setup("ninja", view)
        return GatepassBearer(self, Requirement(scopes, roles, fresh, kinds))

    def log_in(
        self,
        subject: str,
        claims: Mapping[str, Any] | None = None,
        *,
        session_claims: Mapping[str, Any] | None = None,
        device: str | None = None,
        epoch: int | None = None,
    ) -> HttpResponse:
        """The response that logs in a user who came through a passkey, SSO or a social login.

        Tokens come in cookies where the policy has cookies, and in the body elsewhere. In a
        transaction that changed this user's password they are good once it has committed. The
        arguments are those of `TokenManager.issue`.
        """
        self.find_mount_point()
        opening = self.require_gate().open_session(
            subject,
            claims,
            session_claims=session_claims,
            device=device,
            epoch=epoch,
            manager=opening_manager(self, subject),
            root_path=get_script_prefix(),
        )
        return send(self.wait_for(opening) if self.is_async else run_in_place(opening))

    async def alog_in(
        self,
        subject: str,
        claims: Mapping[str, Any] | None = None,
        *,
        session_claims: Mapping[str, Any] | None = None,
        device: str | None = None,
        epoch: int | None = None,
    ) -> HttpResponse:
        """`log_in` for async views."""
        return await sync_to_async(self.log_in)(
            subject, claims, session_claims=session_claims, device=device, epoch=epoch
        )

    def find_mount_point(self) -> None:
        """Learn from the URL configuration where the auth routes are, below the script name."""
        gate = self.gate
        if gate is None or (self.policy.cookies is None and gate.proxy_guard is None):
            return
        script_name = get_script_prefix()
        try:
            set_script_prefix("/")
            gate.mounted_at = reverse("gatepass:refresh").removesuffix("/refresh")
        except NoReverseMatch:
            return
        finally:
            set_script_prefix(script_name)

    def _is_for_proxy(self, request: HttpRequest) -> bool:
        if self.gate is not None and self.gate.proxy_guard is not None:
            self.find_mount_point()
        return super()._is_for_proxy(request)

    def _make_required(self, requirement: Requirement) -> Guarding:
        return Guarding(self, requirement, optional=False)

    def _make_optional(self, requirement: Requirement) -> Guarding:
        return Guarding(self, requirement, optional=True)

    def _require_setup(self, name: str, given: tuple[object, ...]) -> None:
        # Django sets the URLconf of a thread or task until its request ends.
        require_call(name, given, is_serving=get_urlconf() is not None)
