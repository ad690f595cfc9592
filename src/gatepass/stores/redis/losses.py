"""A connection to Redis that failed, in words of ours: the driver's own may quote the server."""

import errno
import socket
import ssl
from collections.abc import Iterator
from typing import Final

from redis.exceptions import AuthenticationError, BusyLoadingError, ResponseError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from gatepass.stores.redis.wire import Lost

CREDENTIALS: Final = "the server rejects the user name or the password"
_OWN_WORDS: Final = (RedisConnectionError, RedisTimeoutError)
"""Errors of which redis-py wrote the text; their kinds may quote the server."""
_OTHER_HOST: Final = (62, 64)
"""OpenSSL's `X509_V_ERR_HOSTNAME_MISMATCH` and `X509_V_ERR_IP_ADDRESS_MISMATCH`."""
_BY_NUMBER: Final = {
    errno.ECONNREFUSED: "nothing listens at the host and port",
    errno.EHOSTUNREACH: "the network has no way to the host",
    errno.ENETUNREACH: "the network has no way to the host",
    errno.ENOENT: "there is no such socket",
    errno.ECONNRESET: "the connection broke",
}


def lost_by(error: Exception, handled: BaseException | None) -> Lost:
    """The failure of the driver; see `Lost` for those that are final.

    Args:
        error: The driver's.
        handled: The exception that the caller was handling when the driver was called: Python
            chains the driver's to it, though it says nothing about Redis.
    """
    match error:
        case AuthenticationError():
            return Lost(CREDENTIALS, is_final=True)
        case ResponseError():
            return Lost("the server rejects the connection", is_final=True)
        case BusyLoadingError():
            return Lost("the server is still reading its data")
    for cause in _causes(error, handled):
        found = _by_cause(cause)
        if found is not None:
            return found
    if "max number of clients" in str(error):
        return Lost("the server has no connection left (maxclients)")
    return Lost(f"no answer ({type(error).__name__})")


def _by_cause(cause: BaseException) -> Lost | None:
    match cause:
        case ssl.SSLCertVerificationError():
            is_other = cause.verify_code in _OTHER_HOST
            why = "is for another host" if is_other else "is vouched for by no ssl_ca_certs"
            return Lost(f"the server's certificate {why}", is_final=True)
        case ssl.SSLError():
            return Lost("no TLS connection with this server could be made", is_final=True)
        case socket.gaierror():
            return Lost("the host name is unknown")
        case RedisTimeoutError() | TimeoutError():
            return Lost("no answer in time")
        case OSError() if cause.errno in _BY_NUMBER:
            return Lost(_BY_NUMBER[cause.errno])
    return None


def cause_of(error: Exception) -> Exception | None:
    """The error to show as the cause; not one whose text the server wrote."""
    return error if isinstance(error, OSError) or type(error) in _OWN_WORDS else None


def _causes(error: BaseException | None, end: BaseException | None) -> Iterator[BaseException]:
    while error is not None and error is not end:
        yield error
        error = error.__cause__ or error.__context__
