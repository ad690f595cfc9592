"""Connections of psycopg to one of the hosts of a URL, each within its share of the time.

libpq leaves time limits to its caller: a host that accepts connections and says nothing would use
up all of the time, and the next host would never be reached.
"""

import asyncio
import socket
import time
from collections.abc import Generator, Mapping
from typing import Any, Final, TypeVar

import psycopg
from psycopg import generators, waiting
from psycopg.abc import PQGen
from psycopg.conninfo import make_conninfo
from psycopg.pq.abc import PGconn

from gatepass.errors import SettingsRejected
from gatepass.stores.deadline import find_deadline
from gatepass.stores.sql.postgres.waiting import left

RV = TypeVar("RV")
Arguments = Mapping[str, Any]
_LOOK_S: Final = 0.1
_NO_NAME: Final = ("", "/", "@")
"""The first characters of a socket's name, which is no host's."""
_FAILURES: Final = (psycopg.Error, OSError, UnicodeError)
"""The last is of host names that cannot be one."""
_Step = tuple[str, str | None] | Generator[Any, Any, PGconn]
"""A host and a port to look up, or a connection to wait for."""


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
            psycopg.Error, OSError: No host lets us in; this is the failure of the last one.
        """
        steps = self._search()
        try:
            step = next(steps)
            while True:
                try:
                    answer: Any = (
                        socket.getaddrinfo(*step, type=socket.SOCK_STREAM)
                        if isinstance(step, tuple)
                        else waiting.wait_conn(step, interval=_LOOK_S)
                    )
                except _FAILURES as failure:
                    step = steps.throw(failure)
                else:
                    step = steps.send(answer)
        except StopIteration as stop:
            return PatientConnection(stop.value)

    async def connect_async(self) -> psycopg.AsyncConnection[Any]:
        """`connect` for `await`."""
        loop = asyncio.get_running_loop()
        steps = self._search()
        try:
            step = next(steps)
            while True:
                try:
                    answer: Any = await (
                        loop.getaddrinfo(*step, type=socket.SOCK_STREAM)
                        if isinstance(step, tuple)
                        else waiting.wait_conn_async(step, interval=_LOOK_S)
                    )
                except _FAILURES as failure:
                    step = steps.throw(failure)
                else:
                    step = steps.send(answer)
        except StopIteration as stop:
            return psycopg.AsyncConnection(stop.value)

    def _search(self) -> Generator[_Step, Any, PGconn]:
        """Yields what to look up or to wait for, and is sent or thrown what came of it."""
        until, hosts = find_deadline(), list(self._all)
        failure: Exception = psycopg.errors.ConnectionTimeout("there was no time to connect")
        for index, host in enumerate(hosts):
            addresses: list[Arguments] = [{}]
            if "hostaddr" not in host and host.get("host", "/")[:1] not in _NO_NAME:
                try:
                    found = yield host["host"], host["port"]
                except (OSError, UnicodeError) as error:
                    failure = error if isinstance(error, OSError) else socket.gaierror()
                    continue
                addresses = [{"hostaddr": each[4][0]} for each in found]
            for turn, address in enumerate(addresses):
                share = left(until) / (len(hosts) - index + len(addresses) - turn - 1)
                if not share:
                    break
                attempt_until = time.monotonic() + min(share, self._limit_s or share)
                conninfo = make_conninfo("", **{**host, **address})
                try:
                    made: PGconn = yield _until(generators.connect(conninfo), attempt_until)
                except psycopg.Error as error:
                    failure = error
                    continue
                self._all = [host, *(other for other in hosts if other is not host)]
                return made
        try:
            raise failure
        finally:
            del failure  # it holds this frame, and the frames hold sockets


def _until(gen: Generator[Any, Any, RV], until: float) -> Generator[Any, Any, RV]:
    """The generator, as long as there is time."""
    try:
        wants = next(gen)
        while True:
            ready = yield wants
            if not ready and not left(until):
                raise psycopg.errors.ConnectionTimeout("the server did not answer in time")
            wants = gen.send(ready)
    except StopIteration as stop:
        rv: RV = stop.value
        return rv
    finally:
        gen.close()
