"""Texts of libpq for connections that were not made, and the sentence that each becomes."""

import psycopg
import pytest

from gatepass.stores.sql.postgres.failures import (
    CLOSED_PORT,
    NO_DATABASE,
    REJECTED,
    unavailable_by,
)

_AT = 'connection failed: connection to server at "10.0.0.7", port 5432 failed: '
_NOBODY = 'FATAL:  no pg_hba.conf entry for host "10.0.0.8", user "app", database "shop", '
_SOCKET = 'connection to server on socket "/run/.s.PGSQL.5432" failed: No such file or directory'
_PG_HBA = "pg_hba.conf lets no such user, database and address in, or wants TLS"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            f'{_AT}FATAL:  password authentication failed for user "app"\n{_AT}{_NOBODY}no SSL',
            REJECTED,
        ),
        (f"{_AT}{_NOBODY}SSL encryption", _PG_HBA),
        (f"{_AT}{_NOBODY}SSL off", _PG_HBA),
        (f'{_AT}FATAL:  database "SSL" does not exist\n{_AT}{_NOBODY}no encryption', NO_DATABASE),
        (f"{_SOCKET}\n\tIs the server running locally and accepting connections?", CLOSED_PORT),
        (f'{_AT}FATAL:  role "negotiation" does not exist', REJECTED),
    ],
)
def test_the_first_attempt_counts_and_no_name_in_quotes(text: str, sentence: str) -> None:
    assert str(unavailable_by(psycopg.OperationalError(text))) == sentence
