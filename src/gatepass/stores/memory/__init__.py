"""Sessions in this process's memory, for tests and single-process programs; nothing survives it."""

from gatepass.stores.memory.async_store import AsyncMemoryStore
from gatepass.stores.memory.store import MemoryStore

__all__ = ["AsyncMemoryStore", "MemoryStore"]
