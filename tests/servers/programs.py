"""Programs that a test starts and that do not end by themselves."""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.budget import until


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


def until_answered(process: "subprocess.Popen[Any]", url: str, log: Path) -> None:
    """Wait until a program answers anything at all at this address."""

    def is_answered() -> bool:
        assert process.poll() is None, log.read_text()
        try:
            httpx.get(url, verify=False)  # noqa: S501 - whoever it is
        except httpx.TransportError:
            return False
        return True

    until(is_answered, log.read_text)
