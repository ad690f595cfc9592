"""Opaque tokens and keys, inside the transaction that records them."""

from gatepass.sessions import OpaqueToken
from gatepass.stores.sql.sqlite.connection import SqliteConnection
from gatepass.stores.sql.sqlite.statements import SQL


def insert(connection: SqliteConnection, opaque_id: str, token: OpaqueToken) -> None:
    """Record a token.

    Raises:
        ValueError: The hash is in use.
    """
    values = {
        "opaque_id": opaque_id,
        "token_id": token.token_id,
        "session_id": token.session.session_id,
        "issued_ms": token.issued_ms,
        "ends_ms": token.ends_ms,
    }
    if connection.execute(SQL.insert_opaque, values).rowcount != 1:
        raise ValueError("the opaque token's hash is in use")
