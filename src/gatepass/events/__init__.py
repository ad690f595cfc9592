"""Events of sessions, logins, accounts and keys: `Event`, and ways to hear of them."""

from gatepass.events.about import about, note_subject
from gatepass.events.event import Event, EventKind
from gatepass.events.queued import Queued

__all__ = ["Event", "EventKind", "Queued", "about", "note_subject"]
