"""A real PostgreSQL for tests: a folder and a free port of its own, ended with the tests."""

import atexit
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, Final

import psycopg

from tests.servers.postgres_binaries import (
    ROLE,
    new_data,
    new_folder,
    reachable,
    require_binaries,
    run_program,
    server_user,
)
from tests.servers.redis_server import free_ports

PATIENCE_S: Final = 120
_SETTINGS: Final = {
    "listen_addresses": "'127.0.0.1'",
    "shared_buffers": "32MB",
    "max_connections": "100",
    "log_line_prefix": "'%a|'",
    "log_destination": "'stderr'",
}
_HBA: Final = """
host all guarded 127.0.0.1/32 scram-sha-256
hostnossl all all 127.0.0.1/32 trust
local all all trust
local replication all trust
"""

_SCHEMAS: Final = "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_|^information_schema'"


class PostgresServer:
    """One server and its folder; stopped and removed by `end`."""

    def __init__(
        self, binaries: Path, *, base: "PostgresServer | None" = None, **settings: str
    ) -> None:
        self.folder = new_folder()
        self.data = self.folder / "data"
        self.log = self.folder / "log"
        [self.port] = free_ports(1)
        self._process: subprocess.Popen[bytes] | None = None
        self._maker = os.getpid()
        try:
            self._binaries = reachable(binaries)
            self._make(base, settings)
        except BaseException:
            shutil.rmtree(self.folder)
            raise

    def _make(self, base: "PostgresServer | None", settings: dict[str, str]) -> None:
        if base is None:
            run_program("cp", "-a", new_data(self._binaries), self.data, cwd=self.folder)
        else:
            source = f"host={base.folder} port={base.port} user={ROLE}"
            program = self._binaries / "pg_basebackup"
            run_program(program, "-D", self.data, "-R", "-c", "fast", "-d", source, cwd=self.folder)
        lines = [f"{name} = {value}" for name, value in (_SETTINGS | settings).items()]
        lines += [f"port = {self.port}", f"unix_socket_directories = '{self.folder}'"]
        with (self.data / "postgresql.auto.conf").open("a") as conf:
            conf.write("\n".join(lines) + "\n")
        self.write("pg_hba.conf", _HBA.encode())

    @property
    def url(self) -> str:
        """Of the database that is there from the first."""
        return self.url_of("postgres")

    def url_of(self, database: str, *, role: str = ROLE, **options: str) -> str:
        query = "&".join(f"{name}={value}" for name, value in options.items())
        return f"postgresql://{role}@127.0.0.1:{self.port}/{database}" + (
            f"?{query}" if query else ""
        )

    def write(self, name: str, content: bytes) -> None:
        """Put a file into the data folder, for the server's eyes alone."""
        file = self.data / name
        file.write_bytes(content)
        file.chmod(0o600)
        if server_user():
            shutil.chown(file, "nobody", "nogroup")

    def start(self, *, wait: bool = True, largest_file: int | None = None) -> None:
        """Start it, or start it again; no file grows beyond the largest, as on a full disk."""
        limit = (
            ["sh", "-c", f'ulimit -f {largest_file // 512}; exec "$@"', "sh"]
            if largest_file
            else []
        )
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*limit, str(self._binaries / "postgres"), "-D", str(self.data)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **server_user(),
            )
        until = time.monotonic() + PATIENCE_S
        while wait:
            try:
                self.connect().close()
            except psycopg.OperationalError:
                if time.monotonic() > until or self._process.poll() is not None:
                    raise AssertionError(self.log.read_text()) from None
                time.sleep(0.02)
            else:
                return

    def is_up(self) -> bool:
        try:
            self.connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def connect(self, database: str = "postgres") -> psycopg.Connection[Any]:
        """An autocommit connection of the owner's, through the socket."""
        return psycopg.connect(
            host=str(self.folder),
            port=self.port,
            user=ROLE,
            dbname=database,
            autocommit=True,
            options="-c default_transaction_read_only=off",
        )

    def run(self, statement: str, *, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Rows of one statement, on a connection of its own."""
        connection = self.connect(database)
        try:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def freeze(self) -> list[int]:
        """Stop every process of it where it stands; their ids."""
        assert self._process is not None
        first = self._process.pid
        os.kill(first, signal.SIGSTOP)  # it makes no further children
        told = Path(f"/proc/{first}/task/{first}/children").read_text()
        children = [int(pid) for pid in told.split()]
        for pid in children:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        return [first, *children]

    def kill(self) -> None:
        """End it as a power cut does, but for the disk's own memory."""
        assert self._process is not None
        pids = self.freeze()
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()
        until = time.monotonic() + PATIENCE_S
        while any(Path(f"/proc/{pid}/exe").exists() for pid in pids):
            assert time.monotonic() < until
            time.sleep(0.005)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Nothing of it does anything meanwhile."""
        stopped = self.freeze()
        try:
            yield
        finally:
            for pid in stopped:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    @contextmanager
    def down(self) -> Iterator[None]:
        """It is stopped meanwhile."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    @contextmanager
    def standby(self) -> Iterator["PostgresServer"]:
        """A hot standby of this server."""
        replica = PostgresServer(self._binaries, base=self)
        try:
            replica.start()
            yield replica
        finally:
            replica.end()

    def stop(self) -> None:
        """Stop it; connections end."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(PATIENCE_S)
            self._process = None

    def end(self) -> None:
        """Stop it at once and remove its folder."""
        if os.getpid() != self._maker:
            return
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)
            try:
                self._process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                self.kill()
        self._process = None
        shutil.rmtree(self.folder, ignore_errors=True)


@cache
def shared_server() -> PostgresServer:
    """The server that all tests of a run share, each in a database of its own."""
    server = PostgresServer(require_binaries(os.environ.get("GATEPASS_TEST_POSTGRES", "")))
    atexit.register(server.end)
    server.start()
    return server


def empty_database(name: str) -> str:
    """The URL of a database of the shared server with nothing in it."""
    server = shared_server()
    if not server.run(f"SELECT 1 FROM pg_database WHERE datname = '{name}'"):  # noqa: S608
        server.run(f"CREATE DATABASE {name}")
    for (schema,) in server.run(_SCHEMAS, database=name):
        server.run(f'DROP SCHEMA "{schema}" CASCADE', database=name)
    server.run("CREATE SCHEMA public", database=name)
    return server.url_of(name)
