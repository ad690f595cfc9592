"""Connections that end with their session or token, however long they stay open."""

from gatepass.watches.registry import Registry, Steps, Watched, watches_of
from gatepass.watches.ticking import POLL_S, Watches
from gatepass.watches.watch import Watch

__all__ = ["POLL_S", "Registry", "Steps", "Watch", "Watched", "Watches", "watches_of"]
