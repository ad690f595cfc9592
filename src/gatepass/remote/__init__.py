"""Keys of other issuers: fetched, cached, and fetched again when one is missing."""

from gatepass._extras import needs_extra

with needs_extra("httpx"):
    from gatepass.remote.keysets import AsyncRemoteKeySet, RemoteKeySet

__all__ = ["AsyncRemoteKeySet", "RemoteKeySet"]
