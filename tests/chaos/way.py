"""The way from verifiers to a server, a process of its own: stopped, it is a silent partition.

Run as `python -m tests.chaos.way PORT`; it prints the port that leads there.
"""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers.programs import program_of
from tests.servers.proxy import Proxy

ROOT = Path(__file__).parents[2]


@contextmanager
def way_to(port: int) -> Iterator[tuple["subprocess.Popen[bytes]", int]]:
    """The process, and the port that leads to the one asked for."""
    command = [sys.executable, "-m", "tests.chaos.way", str(port)]
    with program_of(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield process, int(process.stdout.readline())


if __name__ == "__main__":
    sys.stdout.write(f"{Proxy(int(sys.argv[1])).start().port}\n")
    sys.stdout.flush()
    threading.Event().wait()
