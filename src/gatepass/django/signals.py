"""A changed password or a deactivated user ends that user's sessions.

Without a transaction they end before the user is saved, so that nothing is saved when they cannot
be ended, and once more after that: a login in between still saw the old password. In a transaction
they end when it commits (`gatepass.django.commits`), and a store that does not answer fails the
save. `QuerySet.update` sends no signal, so it is not seen.
"""

import logging
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import get_hasher, identify_hasher

from gatepass.django.commits import Ending, end_at_commit, is_in_transaction
from gatepass.django.conf import get_auth
from gatepass.errors import StoreUnavailable
from gatepass.events import EventKind
from gatepass.gate.password_change import KEPT

_log = logging.getLogger("gatepass")
_REASON: Final = "_gatepass_reason"
_NEW_PASSWORD: Final = "password changed"  # noqa: S105 - a reason
_DEACTIVATED: Final = "user deactivated"
_TOLD: Final = {
    _NEW_PASSWORD: EventKind.PASSWORD_CHANGED,
    _DEACTIVATED: EventKind.ACCOUNT_DISABLED,
}


def find_reason(
    sender: object, instance: Any, using: str, update_fields: Any = None, **_: Any
) -> None:
    """Before a user is saved: end the sessions or see that they can be ended, and note why."""
    del sender
    if not isinstance(instance, get_user_model()) or instance._state.adding:  # noqa: SLF001
        return
    setattr(instance, _REASON, None)
    saved = None if update_fields is None else frozenset(update_fields)
    if saved is not None and not saved & {"password", "is_active"}:
        return
    model = type(instance)._base_manager.using(using)  # noqa: SLF001 - its public name
    before = model.filter(pk=instance.pk).first()
    reason = None
    if before is not None and _is_new_password(before.password, instance, saved):
        reason = _NEW_PASSWORD
    elif before is not None and before.is_active and not instance.is_active:
        reason = _DEACTIVATED if saved is None or "is_active" in saved else None
    if reason is not None and is_in_transaction(using):
        _require_store(str(instance.pk))
    elif reason is not None:
        _revoke(str(instance.pk), reason, KEPT.get())
    setattr(instance, _REASON, reason)


def end_sessions(sender: object, instance: Any, using: str, **_: Any) -> None:
    """After a user was saved: end the sessions, once that is committed."""
    del sender
    reason = getattr(instance, _REASON, None)
    if reason is not None:
        setattr(instance, _REASON, None)
        _end_at_commit(str(instance.pk), reason, using)


def end_sessions_of_nobody(sender: object, instance: Any, using: str, **_: Any) -> None:
    """After a user was deleted, inside Django's transaction: end the sessions at its commit."""
    del sender
    if isinstance(instance, get_user_model()):
        _require_store(str(instance.pk))
        _end_at_commit(str(instance.pk), "user deleted", using)


def _require_store(subject: str) -> None:
    """Fail before a change is committed whose sessions could not be ended after it."""
    auth = get_auth()
    manager: Any = auth.manager
    if manager is not None:
        auth.wait_for(manager.subject_epoch(subject))


def _revoke(subject: str, reason: str, keep: str | None) -> None:
    auth = get_auth()
    manager: Any = auth.manager
    if manager is not None:
        auth.wait_for(manager.revoke_subject(subject, reason=reason, keep=keep))


def _tell(subject: str, reason: str) -> None:
    """Tell of a change that is saved and committed."""
    auth, kind = get_auth(), _TOLD.get(reason)
    manager: Any = auth.manager
    if manager is not None and kind is not None:
        auth.wait_for(manager.tell(kind, subject=subject))


def _end_at_commit(subject: str, reason: str, using: str) -> None:
    keep = KEPT.get()

    def end() -> None:
        try:
            _revoke(subject, reason, keep)
        except StoreUnavailable:
            said = (
                "%s: that is committed, and the sessions of subject %s live on: revoke_subject it"
            )
            _log.error(said, reason, subject)
            raise
        if keep is None:  # else the route that changes the password tells of it
            _tell(subject, reason)

    end_at_commit(Ending(subject, end), using)


def _is_new_password(before: str, user: Any, saved: frozenset[str] | None) -> bool:
    """Whether another password, and not only another hash of the same, is about to be saved.

    Django hashes a password anew with today's parameters at a login: then it saves this one
    field, and nobody else has called the user's `set_password`.
    """
    if before == user.password or (saved is not None and "password" not in saved):
        return False
    if user._password is not None or saved != frozenset({"password"}):  # noqa: SLF001 - as Django tells them apart
        return True
    return not _is_outdated(before)


def _is_outdated(encoded: str) -> bool:
    """Whether Django would hash the password of this hash anew at the next login."""
    try:
        hasher = identify_hasher(encoded)
    except ValueError:
        return False
    preferred = get_hasher("default")
    return hasher.algorithm != preferred.algorithm or preferred.must_update(encoded)
