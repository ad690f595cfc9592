"""Closed, full and garbled standard streams, a folder that is gone: a sentence, no traceback."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.budget import PATIENCE_S
from tests.cli.command import Command
from tests.server.running import environment

pytestmark = pytest.mark.programs

_RUN = f"{sys.executable} -c 'from gatepass.cli import main; main()'"


def shell(line: str, here: Path) -> subprocess.CompletedProcess[str]:
    """What a shell makes of a line in which `gatepass` is this program."""
    return subprocess.run(
        ["/bin/sh", "-c", line.replace("gatepass", _RUN, 1)],
        cwd=here,
        env=environment({"PYTHONIOENCODING": "utf-8:strict"}),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("gatepass token verify <&-", 1, "gatepass: there is no token\n"),
        ("printf '\\377\\376' | gatepass token verify", 1, "gatepass: the token is malformed: "),
        ("gatepass users password ada <&-", 2, "there is no terminal to ask on"),
        ("gatepass users password ada --password-stdin <&-", 2, "standard input holds no password"),
        (
            "printf '\\377\\376345678\\n' | gatepass users password ada --password-stdin",
            1,
            "gatepass: a password is text of at most 1024 bytes\n",
        ),
        ("gatepass users list >&-", 0, ""),
        ("gatepass users list --json 2>&-", 0, ""),
        (
            "gatepass secret >/dev/full",
            1,
            "gatepass: the system reports: No space left on device\n",
        ),
        ("gatepass users list >/dev/full", 1, "gatepass: the system reports: No space left"),
        ("mkdir gone && cd gone && rmdir ../gone && gatepass users list", 2, "is gone"),
        ("mkdir gone && cd gone && rmdir ../gone && gatepass serve", 2, "is gone"),
    ],
)
def test_a_stream_or_folder_in_bad_shape_is_said_in_our_own_words(
    ada: Command, line: str, code: int, said: str
) -> None:
    ended = shell(line, ada.here)

    assert "Traceback" not in ended.stderr
    assert (ended.returncode, ended.stderr) == (code, said) or said in ended.stderr
    assert ended.returncode == code
    assert (said == "") is (ended.stderr == "")
