"""TLS of both twins: one context per store, since making one costs more than a hundred checks."""

import ssl
from collections.abc import Mapping
from typing import Any, Final

from redis.asyncio.connection import RedisSSLContext
from redis.connection import SSLConnection
from redis.exceptions import RedisError

from gatepass.errors import SettingsRejected

_NAMES: Final = {
    "ssl_keyfile": "keyfile",
    "ssl_certfile": "certfile",
    "ssl_cert_reqs": "cert_reqs",
    "ssl_ca_certs": "ca_certs",
    "ssl_ca_data": "ca_data",
    "ssl_ca_path": "ca_path",
    "ssl_check_hostname": "check_hostname",
    "ssl_min_version": "min_version",
    "ssl_ciphers": "ciphers",
    "ssl_password": "password",
    "ssl_include_verify_flags": "include_verify_flags",
    "ssl_exclude_verify_flags": "exclude_verify_flags",
}


def make_context(options: Mapping[str, Any]) -> RedisSSLContext:
    """The context of these options.

    Raises:
        SettingsRejected: A certificate or key cannot be read, or an option makes no sense.
    """
    given: dict[str, Any] = {"ssl_cert_reqs": "required", "ssl_check_hostname": True, **options}
    try:
        context = RedisSSLContext(
            **{name: given[theirs] for theirs, name in _NAMES.items() if theirs in given}
        )
        context.get()
    except (OSError, ValueError, RedisError):
        raise SettingsRejected(
            "the TLS options for Redis cannot be used: look at the files that they name"
        ) from None
    return context


class TlsConnection(SSLConnection):
    """A blocking connection with a context that others use too."""

    shared: RedisSSLContext

    def _wrap_socket_with_ssl(self, sock: Any) -> ssl.SSLSocket:
        return self.shared.get().wrap_socket(sock, server_hostname=self.host)
