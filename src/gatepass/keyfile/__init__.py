"""Signing keys in a file, from their announcement to their removal, while servers run."""

from gatepass.keyfile.file import KeyFile
from gatepass.keyfile.ring import Entry, Ring, State, StepRefused
from gatepass.keyfile.source import FileKeySource

__all__ = ["Entry", "FileKeySource", "KeyFile", "Ring", "State", "StepRefused"]
