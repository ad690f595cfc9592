"""The managers: plan → store call → answer. `TokenManager` and `AsyncTokenManager` are twins."""

from gatepass.manager.awaited import AsyncTokenManager
from gatepass.manager.blocking import TokenManager

__all__ = ["AsyncTokenManager", "TokenManager"]
