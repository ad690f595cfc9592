"""Programs that a test starts and that do not end by themselves."""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any


@contextmanager
def program_of(command: Sequence[str], **how: Any) -> "Iterator[subprocess.Popen[Any]]":
    """A program, started as `Popen` is told to; killed however the test ends.

    `Popen` by itself waits for a program whose test has failed, and nobody ends that one.
    """
    with subprocess.Popen(command, **how) as process:
        try:
            yield process
        finally:
            process.kill()
