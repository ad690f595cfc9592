"""The request under way, for events: where it comes from, and whose it is."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Final


@dataclass(slots=True)
class About:
    """Fields of an event that an operation of the manager does not know."""

    subject: str | None = None
    session_id: str | None = None
    address: str | None = None
    device: str | None = None
    rejected: str | None = None
    """See `note_subject`."""


_current: Final[ContextVar[About | None]] = ContextVar("gatepass_event", default=None)


@contextmanager
def about(
    *,
    subject: str | None = None,
    session_id: str | None = None,
    address: str | None = None,
    device: str | None = None,
) -> Iterator[About]:
    """A block whose events name this subject, session, address and device.

    The auth routes do so by themselves. Your own code does where it calls a manager, as after
    a login by passkey. Of blocks in blocks the inner one wins; what it leaves out, stays. An
    event that knows its subject, session or device from the store keeps them.
    """
    given = {"subject": subject, "session_id": session_id, "address": address, "device": device}
    known = replace(
        find_about(), **{name: value for name, value in given.items() if value is not None}
    )
    token = _current.set(known)
    try:
        yield known
    finally:
        _current.reset(token)


def note_subject(subject: str) -> None:
    """Name the account in `login_failed`, should the login under way be rejected.

    `authenticate` calls it with the subject of an account that exists, never with the user name
    as it was typed: that may be a password in the wrong field. Outside of a login it does nothing.
    """
    known = _current.get()
    if known is not None:
        known.rejected = subject


def find_about() -> About:
    """The fields of the block under way; outside of one they are empty."""
    return _current.get() or About()
