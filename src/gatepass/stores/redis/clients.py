"""The target behind a client of redis-py; the store opens connections of its own to it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import redis
import redis.asyncio
from redis.asyncio.connection import SSLConnection as AsyncSSLConnection
from redis.asyncio.sentinel import SentinelConnectionPool as AsyncSentinelConnectionPool
from redis.connection import SSLConnection
from redis.sentinel import SentinelConnectionPool

from gatepass.stores.redis.target import (
    Layout,
    Target,
    addresses_of,
    options_of,
    require_replicas,
)

Client = redis.Redis | redis.RedisCluster
AsyncClient = redis.asyncio.Redis | redis.asyncio.RedisCluster


def target_of(client: object, replicas: int | None, *, is_async: bool) -> Target:
    """The target of this client; the client itself is neither used nor closed.

    Raises:
        TypeError: The client is not one of redis-py, or of `redis.asyncio` for an async store.
        SettingsRejected: `replicas` is out of bounds.
    """
    target = client if isinstance(client, Target) else _target_of(client, is_async=is_async)
    return target if replicas is None else replace(target, replicas=require_replicas(replicas))


def _target_of(client: object, *, is_async: bool) -> Target:
    if isinstance(client, redis.asyncio.RedisCluster if is_async else redis.RedisCluster):
        return _cluster(client)
    if isinstance(client, redis.asyncio.Redis if is_async else redis.Redis):
        return _server(client.connection_pool)
    kind = "redis.asyncio.Redis or RedisCluster" if is_async else "redis.Redis or RedisCluster"
    raise TypeError(f"a client must be a {kind}, not {type(client).__name__}")


def _server(pool: Any) -> Target:
    options = pool.connection_kwargs
    is_tls = issubclass(pool.connection_class, SSLConnection | AsyncSSLConnection)
    if not isinstance(pool, SentinelConnectionPool | AsyncSentinelConnectionPool):
        return Target(
            layout=Layout.SINGLE,
            addresses=addresses_of([options]),
            is_tls=is_tls,
            options=options_of(options),
        )
    sentinels = [one.connection_pool for one in pool.sentinel_manager.sentinels]
    return Target(
        layout=Layout.SENTINEL,
        addresses=addresses_of(one.connection_kwargs for one in sentinels),
        service=pool.service_name,
        is_tls=is_tls,
        options=options_of(options),
        sentinel_options=options_of(sentinels[0].connection_kwargs),
        sentinels_use_tls=issubclass(
            sentinels[0].connection_class, SSLConnection | AsyncSSLConnection
        ),
    )


def _cluster(client: Any) -> Target:
    nodes = client.nodes_manager.startup_nodes.values()
    given: Mapping[str, Any] = client.get_connection_kwargs()
    connection_class = given.get("connection_class", object)
    return Target(
        layout=Layout.CLUSTER,
        addresses=tuple((str(node.host), int(node.port)) for node in nodes),
        is_tls=bool(given.get("ssl"))
        or issubclass(connection_class, SSLConnection | AsyncSSLConnection),
        options=options_of(given),
    )
