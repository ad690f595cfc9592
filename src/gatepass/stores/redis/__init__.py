"""Sessions in Redis or Valkey: alone, watched by Sentinel, or as a Cluster."""

from gatepass._extras import needs_extra

with needs_extra("redis"):
    from gatepass.stores.redis.checks import Finding
    from gatepass.stores.redis.store import AsyncRedisStore, RedisStore

__all__ = ["AsyncRedisStore", "Finding", "RedisStore"]
