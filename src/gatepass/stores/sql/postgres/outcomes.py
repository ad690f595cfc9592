"""The outcome of a request's failure: another try, or an error for the caller; twins share it."""

from typing import Final

from gatepass.errors import StoreUnavailable
from gatepass.stores.sql.postgres.failures import (
    BROKEN,
    DUPLICATE,
    LATE,
    Late,
    Lost,
    is_undone,
    unavailable,
)
from gatepass.stores.sql.postgres.wire import Refused
from gatepass.stores.sql.postgres.work import Request

TRIES: Final = 2
FAILURES: Final = (Late, Lost, Refused)


def next_values(request: Request, failure: Exception, *, is_last: bool) -> list[bytes | None]:
    """The values to try again with.

    Raises:
        StoreUnavailable: The request was not done, or was not confirmed.
        ValueError: An id is in use.
    """
    if isinstance(failure, Refused):
        if failure.state == DUPLICATE:
            raise ValueError("the id is in use") from None
        if is_last or not is_undone(failure):
            raise unavailable(failure) from failure
        return request.values
    if isinstance(failure, Late):
        raise StoreUnavailable(LATE) from failure
    if is_last or request.again is None:
        raise StoreUnavailable(BROKEN) from failure
    return request.again
