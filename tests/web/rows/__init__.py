"""The table of HTTP scenarios: what is sent, and what comes back byte for byte, everywhere."""

from tests.web.rows import (
    access,
    client,
    cookies,
    keys,
    limits,
    log_in,
    log_out,
    opaque,
    own_pages,
    password,
    proxy_gate,
    refresh,
    transport,
)
from tests.web.rows.row import Row

SHEETS: dict[str, tuple[Row, ...]] = {
    "access": access.ROWS,
    "keys": keys.ROWS,
    "log in": log_in.ROWS,
    "limits": limits.ROWS,
    "refresh": refresh.ROWS,
    "log out": log_out.ROWS,
    "password": password.ROWS,
    "cookies": cookies.ROWS,
    "opaque": opaque.ROWS,
    "client": client.ROWS,
    "own pages": own_pages.ROWS,
    "proxy gate": proxy_gate.ROWS,
    "transport": transport.ROWS,
}
