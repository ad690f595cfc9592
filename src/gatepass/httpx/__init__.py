"""A client that keeps itself signed in: an `httpx.Auth` that refreshes when it must."""

from gatepass._extras import needs_extra

with needs_extra("httpx"):
    from gatepass.httpx.auth import TokenAuth
    from gatepass.httpx.file import FileTokens
    from gatepass.httpx.storage import MemoryTokens, TokenStorage
    from gatepass.httpx.tokens import Tokens

__all__ = ["FileTokens", "MemoryTokens", "TokenAuth", "TokenStorage", "Tokens"]
