"""Django's users as subjects: passwords, claims and who may sign in."""

from collections.abc import Callable, Mapping
from typing import Any, Final
from weakref import WeakSet

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import authenticate, get_user_model
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import router, transaction
from django.utils.module_loading import import_string

from gatepass.django.attempts import UNDER_WAY
from gatepass.django.conf import get_auth
from gatepass.errors import PasswordRejected, SettingsRejected
from gatepass.http import Identity
from gatepass.tokens.session_claims import actor_of

_NOBODY: Final = "nobody"
"""Stands for the subject of an unknown name, so that its epoch is read as any other's."""


MakeClaims = Callable[[Any], Mapping[str, Any]]


def default_claims(user: Any) -> dict[str, Any]:
    """The claims of a user unless a project decides: the user name."""
    return {"username": user.get_username()}


def find_claims() -> MakeClaims:
    """The function that the setting `GATEPASS_CLAIMS` names, or `default_claims`.

    Raises:
        SettingsRejected: The setting names no function.
    """
    name = getattr(settings, "GATEPASS_CLAIMS", None)
    if name is None:
        return default_claims
    try:
        found: Any = import_string(name) if isinstance(name, str) else None
    except ImportError as error:
        raise SettingsRejected(f"GATEPASS_CLAIMS: {error}") from error
    if not callable(found):
        raise SettingsRejected(
            'GATEPASS_CLAIMS names a function from a user to claims, as in "accounts.claims"'
        )
    function: MakeClaims = found
    return function


class DjangoUsers:
    """The functions of an `Auth` over `AUTH_USER_MODEL`; a subject is a primary key."""

    by_setting: Final[WeakSet["DjangoUsers"]] = WeakSet()
    """Those that ask the setting `GATEPASS_CLAIMS`."""

    def __init__(self, claims: MakeClaims | None = None) -> None:
        """Take the function that makes the claims of a user; else `GATEPASS_CLAIMS` names it."""
        self._given = claims
        if claims is None:
            self.by_setting.add(self)

    def claims_of(self, user: Any) -> Mapping[str, Any]:
        """The claims of a user."""
        return (find_claims() if self._given is None else self._given)(user)

    def authenticate(self, username: str, password: str) -> Identity | None:
        """The identity of the user, by the project's `AUTHENTICATION_BACKENDS`.

        The epoch is read before the password is checked: a login that overlaps with a change
        of the password then fails. If a backend finds users by other names (an email address),
        the password is checked again after reading the epoch of the user that it found. A name
        that several users have is rejected. Backends and `user_login_failed` get the request of
        the auth route.
        """
        if "\0" in username:
            return None  # databases fail with it
        auth = get_auth()
        manager: Any = auth.manager
        several: Any = get_user_model().MultipleObjectsReturned
        subject = _subject_named(username)
        attempt = UNDER_WAY.get()
        request = None if attempt is None else attempt.request
        for _ in range(2):
            epoch = auth.wait_for(manager.subject_epoch(subject))
            try:
                user = authenticate(request, username=username, password=password)
            except several:
                return None
            if user is None or not user.is_active:
                return None
            if str(user.pk) == subject:
                if attempt is not None:
                    attempt.user = user
                return Identity(subject, self.claims_of(user), epoch)
            subject = str(user.pk)
        return None

    def change_password(self, subject: str, current: str, new: str) -> bool:
        """Change a user's password; whether the current one was right.

        `True` also where the new one holds already. Two changes at once wait for each other where
        the database locks rows.

        Raises:
            PasswordRejected: An entry of `AUTH_PASSWORD_VALIDATORS` rejects the new password.
        """
        model: Any = get_user_model()
        with transaction.atomic(using=router.db_for_write(model)):
            user = _find_active(subject, model._base_manager.select_for_update())  # noqa: SLF001
            if user is None:
                return False
            if not user.check_password(current):
                return bool(user.check_password(new))
            try:
                validate_password(new, user)
            except ValidationError as error:
                raise PasswordRejected(" ".join(error.messages)) from None
            user.set_password(new)
            user.save(update_fields=["password"])
        return True

    def load_claims(
        self, subject: str, session_claims: Mapping[str, Any]
    ) -> Mapping[str, Any] | None:
        """The claims of the moment for a refresh; `None`: the user or the actor may not log in.

        The actor of an impersonation, `act` of the session claims, is a user too: support that
        was deactivated no longer acts as a customer.
        """
        actor = actor_of(session_claims)
        if actor is not None and _find_active(actor) is None:
            return None
        user = _find_active(subject)
        return None if user is None else self.claims_of(user)

    async def aload_claims(
        self, subject: str, session_claims: Mapping[str, Any]
    ) -> Mapping[str, Any] | None:
        """The same for an async manager."""
        return await sync_to_async(self.load_claims)(subject, session_claims)


def find_user(subject: str, users: Any = None) -> Any:
    """The user whose primary key is written exactly like this; `None` when there is none.

    Databases and fields take other spellings of a key too, such as `" 1"` for 1, and a session
    of one spelling would outlive the revocation of another.
    """
    model = get_user_model()
    try:
        found = model._default_manager if users is None else users  # noqa: SLF001 - its public name
        user = found.filter(pk=subject).first()
    except (ValueError, TypeError, OverflowError, ValidationError):  # no key of this model
        return None
    return user if user is not None and str(user.pk) == subject else None


def _find_active(subject: str, users: Any = None) -> Any:
    user = find_user(subject, users)
    return user if user is not None and user.is_active else None


def _subject_named(username: str) -> str:
    """The subject of the user with this name, as Django's own backend finds it."""
    model: Any = get_user_model()
    find = getattr(model._default_manager, "get_by_natural_key", None)  # noqa: SLF001
    if find is None:
        return _NOBODY
    try:
        return str(find(username).pk)
    except (model.DoesNotExist, model.MultipleObjectsReturned):
        return _NOBODY
