"""The table of HTTP scenarios: what is sent, and what comes back byte for byte, everywhere."""

from tests.web.rows import access, cookies, log_in, log_out, refresh, transport
from tests.web.rows.row import Row

ROWS: tuple[Row, ...] = (
    *access.ROWS,
    *log_in.ROWS,
    *refresh.ROWS,
    *log_out.ROWS,
    *cookies.ROWS,
    *transport.ROWS,
)
