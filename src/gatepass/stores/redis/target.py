"""The address and options of a Redis, taken from a URL or from a client; no I/O here."""

import enum
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from gatepass.errors import SettingsRejected

Address = tuple[str, int]


class Layout(enum.Enum):
    """The servers that know the primaries."""

    SINGLE = "single"
    SENTINEL = "sentinel"
    CLUSTER = "cluster"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The servers that a store connects to."""

    layout: Layout
    addresses: tuple[Address, ...]
    """The server; or the sentinels or members of a cluster to ask first."""
    service: str = ""
    """The name under which sentinels know the primary."""
    is_tls: bool = False
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """Arguments of redis-py's connections besides the address; may hold a password."""
    sentinel_options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    sentinels_use_tls: bool = False
    replicas: int | None = None
    """How many replicas confirm; `None` goes by the layout and by what the server says."""


_FORMS: Final = (
    "use redis://host:6379/0, rediss://…, redis+sentinel://host:26379,host:26379/name/0 "
    "or redis+cluster://host:6379,host:6379"
)
_SCHEME: Final = re.compile(r"(redis|rediss)(?:\+(sentinel|cluster))?://(.*)", re.DOTALL)
_PORTS: Final = {Layout.SINGLE: 6379, Layout.SENTINEL: 26379, Layout.CLUSTER: 6379}


def _yes_or_no(text: str) -> bool:
    return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}[
        text.lower()
    ]


_OPTIONS: Final[Mapping[str, Callable[[str], Any]]] = {
    "client_name": str,
    "ssl_ca_certs": str,
    "ssl_ca_path": str,
    "ssl_certfile": str,
    "ssl_keyfile": str,
    "ssl_check_hostname": _yes_or_no,
    "ssl_cert_reqs": str,
    "ssl_ciphers": str,
}
_SENTINELS: Final = {"sentinel_username": "username", "sentinel_password": "password"}


def target_of_url(url: str) -> Target:
    """The target that a URL names.

    `?replicas=N` says how many replicas confirm; `ssl_ca_certs`, `ssl_cert_reqs`,
    `sentinel_password` and the like are redis-py's.

    Raises:
        SettingsRejected: The URL cannot be read. The error does not quote it: it may hold a
            password.
    """
    match = _SCHEME.fullmatch(url)
    if match is None:
        raise SettingsRejected(f"the Redis URL is not of a known form: {_FORMS}")
    layout = Layout(match[2] or "single")
    is_tls = match[1] == "rediss"
    if url != url.strip():
        raise SettingsRejected(
            "the Redis URL begins or ends with a blank or a line end, as of a file: remove it"
        )
    credentials, hosts, path, query = _split(match[3])
    for what, value in credentials.items():
        if value != value.strip():
            raise SettingsRejected(f"the {what} in the Redis URL begins or ends with a blank")
    addresses = tuple(_address(host, _PORTS[layout]) for host in hosts.split(","))
    if layout is Layout.SINGLE and len(addresses) > 1:
        raise SettingsRejected("a redis:// URL names one host; several need +sentinel or +cluster")
    service, database = _path(layout, path)
    options, sentinel_options, replicas = _query(query)
    if not is_tls and any(name.startswith("ssl_") for name in options):
        raise SettingsRejected("the Redis URL has options of TLS, but is not rediss://")
    return Target(
        layout=layout,
        addresses=addresses,
        service=service,
        is_tls=is_tls,
        options=credentials | options | ({"db": database} if database else {}),
        sentinel_options={k: v for k, v in options.items() if k != "client_name"}
        | sentinel_options,
        sentinels_use_tls=is_tls,
        replicas=replicas,
    )


def _split(rest: str) -> tuple[dict[str, str], str, str, str]:
    """Credentials, hosts, path and query of what follows the scheme."""
    body, _, query = rest.partition("?")
    authority, _, path = body.partition("/")
    user_info, at, hosts = authority.rpartition("@")
    username, colon, password = user_info.partition(":")
    credentials = {}
    if at and username:
        credentials["username"] = unquote(username)
    if at and colon:
        credentials["password"] = unquote(password)
    if "username" in credentials and "password" not in credentials:
        raise SettingsRejected("the Redis URL names a user without a password")
    return credentials, hosts, path, query


def _address(host: str, default: int) -> Address:
    try:
        parsed = urlsplit(f"//{host}")
        port = default if parsed.port is None else parsed.port
    except ValueError:
        parsed, port = urlsplit("//"), 0
    if not parsed.hostname or not port:
        raise SettingsRejected("the Redis URL has a host or port that cannot be read")
    return parsed.hostname, port


def _path(layout: Layout, path: str) -> tuple[str, int]:
    """The service's name, for sentinels, and the number of the database."""
    parts = [unquote(part) for part in path.split("/") if part]
    service = ""
    if layout is Layout.SENTINEL:
        if not parts:
            raise SettingsRejected("a redis+sentinel:// URL names the service: …/master/0")
        service = parts.pop(0)
    database = parts.pop(0) if parts else "0"
    if parts or not database.isdecimal():
        raise SettingsRejected("the Redis URL ends in something that is no database number")
    if layout is Layout.CLUSTER and int(database):
        raise SettingsRejected("a Redis Cluster has only database 0")
    return service, int(database)


def _query(query: str) -> tuple[dict[str, Any], dict[str, Any], int | None]:
    """Options of connections, those of sentinels, and how many replicas confirm."""
    options: dict[str, Any] = {}
    sentinels: dict[str, Any] = {}
    replicas = None
    for name, text in parse_qsl(query, keep_blank_values=True):
        try:
            if name == "replicas":
                replicas = require_replicas(int(text))
            elif name in _SENTINELS:
                sentinels[_SENTINELS[name]] = text
            else:
                options[name] = _OPTIONS[name](text)
        except (KeyError, ValueError):
            raise SettingsRejected("the Redis URL has an option that is not taken") from None
    return options, sentinels, replicas


def require_replicas(replicas: int) -> int:
    """The same number of replicas, if it is between 0 and 16.

    Raises:
        SettingsRejected: The number is below 0 or above 16.
    """
    if not 0 <= replicas <= 16:  # noqa: PLR2004 (nobody has more)
        raise SettingsRejected("between 0 and 16 replicas can confirm")
    return replicas


_KEPT: Final = frozenset(
    {"path", "db", "username", "password", "credential_provider", "client_name"}
    | {"socket_keepalive", "socket_keepalive_options", "socket_type"}
)
_OCSP: Final = ("ssl_validate_ocsp", "ssl_validate_ocsp_stapled")
_LEFT_OUT: Final = ("ssl_validate_ocsp", "ssl_ocsp")


def options_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """The connection options of a client that the store keeps; it has timeouts of its own.

    Raises:
        SettingsRejected: The client checks certificates with OCSP, which is not supported.
    """
    if any(given.get(name) for name in _OCSP):
        raise SettingsRejected("OCSP is not supported on connections to Redis")
    return {
        name: value
        for name, value in given.items()
        if (name in _KEPT or name.startswith("ssl_"))
        and not name.startswith(_LEFT_OUT)
        and value is not None
    }


def addresses_of(hosts: Iterable[Mapping[str, Any]]) -> tuple[Address, ...]:
    """The addresses in connection options."""
    return tuple((str(one.get("host", "localhost")), int(one.get("port", 6379))) for one in hosts)
