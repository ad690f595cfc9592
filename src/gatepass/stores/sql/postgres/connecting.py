"""Connections of psycopg to one of the hosts of a URL.

1. libpq leaves time limits to its caller: a host that accepts connections and says nothing would
   use up all of the time. So a host that is silent for its share of the time is left. Each of its
   answers gives it a share again, so that a distant host has time for all that a login takes.
2. As with libpq, a server that rejects the login ends the search: a wrong password is told, and
   not tried elsewhere.
"""

import asyncio
import socket
import time
from collections.abc import Callable, Generator, Mapping
from math import inf
from typing import Any, Final, TypeVar

import psycopg
from psycopg import generators, waiting
from psycopg.abc import PQGen
from psycopg.conninfo import make_conninfo
from psycopg.pq.abc import PGconn

from gatepass._maybe_await import run_in_place, settle
from gatepass.errors import SettingsRejected
from gatepass.stores.deadline import find_deadline
from gatepass.stores.sql.postgres.failures import REFUSAL, how_telling
from gatepass.stores.sql.postgres.waiting import left

RV = TypeVar("RV")
Arguments = Mapping[str, Any]
_LOOK_S: Final = 0.1
_NO_NAME: Final = ("", "/", "@")
"""The first characters of a socket's name, which is no host's."""


class PatientConnection(psycopg.Connection[Any]):
    """A connection whose statements give up, where the driver's own would wait for ever."""

    def wait(self, gen: PQGen[RV], interval: float = _LOOK_S, timeout: float | None = None) -> RV:
        """See `psycopg.Connection.wait`."""
        until = find_deadline() if timeout is None else time.monotonic() + timeout
        try:
            return waiting.wait(_until(gen, until), self.pgconn.socket, interval=interval)
        except psycopg.errors.ConnectionTimeout:
            self.pgconn.finish()
            raise


class Hosts:
    """The hosts of a URL; the one that let us in last comes first."""

    def __init__(self, arguments: Arguments) -> None:
        """Take libpq's parameters; with several hosts the primary among them is wanted.

        Raises:
            SettingsRejected: There are more or fewer ports than hosts, or a bad timeout.
        """
        names = str(arguments.get("host") or "").split(",")
        ports = str(arguments.get("port") or "").split(",")
        if len(ports) not in {1, len(names)}:
            raise SettingsRejected("the database URL names as many ports as hosts, or one port")
        if len(names) > 1:
            arguments = {"target_session_attrs": "primary", **arguments}
        try:
            self._limit_s = max(float(arguments.get("connect_timeout") or 0), 0)
        except ValueError:
            raise SettingsRejected("connect_timeout in the database URL is no number") from None
        self._all: list[Arguments] = [arguments]
        if names != [""] and "hostaddr" not in arguments:
            pairs = zip(names, ports * (len(names) // len(ports)), strict=True)
            self._all = [{**arguments, "host": name, "port": port or None} for name, port in pairs]

    def connect(self) -> PatientConnection:
        """A new connection, for a thread that may wait.

        Raises:
            psycopg.Error, OSError: No host lets us in; this is the most telling failure.
        """
        return PatientConnection(run_in_place(self._search(socket.getaddrinfo, waiting.wait_conn)))

    async def connect_async(self) -> psycopg.AsyncConnection[Any]:
        """`connect` for `await`."""
        look_up = asyncio.get_running_loop().getaddrinfo
        return psycopg.AsyncConnection(await self._search(look_up, waiting.wait_conn_async))

    async def _search(self, look_up: Callable[..., Any], wait: Callable[..., Any]) -> PGconn:
        until, hosts = find_deadline(), list(self._all)
        failures: list[Exception] = []
        try:
            for index, host in enumerate(hosts):
                try:
                    addresses = await _addresses_of(host, look_up)
                except (OSError, UnicodeError) as error:
                    failures.append(error if isinstance(error, OSError) else socket.gaierror())
                    continue
                for turn, address in enumerate(addresses):
                    share = left(until) / (len(hosts) - index + len(addresses) - turn - 1)
                    if not share:
                        break
                    limit = min(until, time.monotonic() + (self._limit_s or inf))
                    conninfo = make_conninfo("", **{**host, **address})
                    steps = _until(generators.connect(conninfo), limit, silence_s=share)
                    try:
                        made: PGconn = await settle(wait(steps, interval=_LOOK_S))
                    except psycopg.Error as error:
                        failures.append(error)
                        if how_telling(error) == REFUSAL:
                            raise
                        continue
                    self._all = [host, *(other for other in hosts if other is not host)]
                    return made
            late = psycopg.errors.ConnectionTimeout("there was no time to connect")
            raise max(failures, key=how_telling, default=late)
        finally:
            failures.clear()  # they and this frame would keep each other


async def _addresses_of(host: Arguments, look_up: Callable[..., Any]) -> list[Arguments]:
    """Each address of a host's name; one that is no name stays as it is."""
    if "hostaddr" in host or host.get("host", "/")[:1] in _NO_NAME:
        return [{}]
    found = await settle(look_up(host["host"], host["port"], type=socket.SOCK_STREAM))
    return [{"hostaddr": each[4][0]} for each in found]


def _until(
    gen: Generator[Any, Any, RV], until: float, silence_s: float = inf
) -> Generator[Any, Any, RV]:
    """The generator, as long as there is time and the server says something now and then."""
    quiet_until = time.monotonic() + silence_s
    try:
        wants = next(gen)
        while True:
            ready = yield wants
            if ready:
                quiet_until = time.monotonic() + silence_s
            elif not left(min(until, quiet_until)):
                raise psycopg.errors.ConnectionTimeout("the server did not answer in time")
            wants = gen.send(ready)
    except StopIteration as stop:
        rv: RV = stop.value
        return rv
    finally:
        gen.close()
