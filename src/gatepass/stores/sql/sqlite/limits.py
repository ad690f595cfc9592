"""Limits inside a transaction on SQLite, whose lock keeps everybody else from writing."""

from collections.abc import Sequence

from gatepass.errors import StoreUnavailable
from gatepass.sessions import limits
from gatepass.sessions.limits import Bucket, Tally
from gatepass.stores.sql.sqlite.connection import SqliteConnection
from gatepass.stores.sql.sqlite.statements import SQL


def take(connection: SqliteConnection, buckets: Sequence[Bucket], now_ms: int) -> int:
    """Count an attempt in all buckets, or in none; 0, or the milliseconds that it waits."""
    tallies = [_find(connection, bucket) for bucket in buckets]
    taken = limits.take(tallies, buckets, now_ms)
    if isinstance(taken, int):
        return taken
    for bucket, tally in zip(buckets, taken, strict=True):
        _keep(connection, bucket, tally)
    return 0


def give_back(connection: SqliteConnection, buckets: Sequence[Bucket], now_ms: int) -> None:
    """Take an attempt back from each bucket, never below 0."""
    for bucket in buckets:
        tally = _find(connection, bucket)
        if tally is not None:
            _keep(connection, bucket, limits.give_back(tally, bucket, now_ms))


def _find(connection: SqliteConnection, bucket: Bucket) -> Tally | None:
    for row in connection.execute(SQL.find_limit, {"key": bucket.key}).fetchall():
        if tuple(map(type, row)) != (int, int, int):
            raise StoreUnavailable("a row of the database is damaged")
        return Tally(start_ms=row[0], previous=row[1], current=row[2])
    return None


def _keep(connection: SqliteConnection, bucket: Bucket, tally: Tally) -> None:
    values = {
        "key": bucket.key,
        "start_ms": tally.start_ms,
        "previous": tally.previous,
        "current": tally.current,
        "ends_ms": limits.ends_ms(tally, bucket),
    }
    connection.execute(SQL.keep_limit, values)
