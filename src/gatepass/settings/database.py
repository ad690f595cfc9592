"""Which database the environment names, and whether sessions can be kept there (pure)."""

import re

from gatepass.errors import SettingsRejected


def require_sqlite_url(database_url: str | None, redis_url: str | None) -> str:
    """The URL of the database in which sessions are kept.

    Raises:
        SettingsRejected: There is none, or sessions cannot be kept there.
    """
    if redis_url is not None:
        raise SettingsRejected(
            "REDIS_URL is set, but sessions cannot be kept in Redis yet: "
            "unset it and set DATABASE_URL to sqlite:///gate.db"
        )
    if database_url is None:
        raise SettingsRejected(
            "DATABASE_URL is not set: name the file of sessions as in sqlite:///gate.db"
        )
    if re.match(r"postgres(ql)?(\+\w+)?:", database_url, re.IGNORECASE):
        raise SettingsRejected(
            "DATABASE_URL names PostgreSQL, where sessions cannot be kept yet: "
            "use a file as in sqlite:///gate.db"
        )
    if not re.match(r"sqlite(\+pysqlite)?:///", database_url):
        raise SettingsRejected("DATABASE_URL is not of the form sqlite:///gate.db")
    return database_url
