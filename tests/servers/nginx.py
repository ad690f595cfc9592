"""A real nginx with a configuration of the test's."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.servers.programs import program_of

_AROUND: Final = """\
{user}daemon off;
pid {folder}/nginx.pid;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{block}
}}
"""


@contextmanager
def nginx(folder: Path, block: str) -> Iterator[None]:
    """Nginx with these lines in its `http` block."""
    user = "user root;\n" if os.geteuid() == 0 else ""  # others cannot read the folder
    configuration = folder / "nginx.conf"
    configuration.write_text(_AROUND.format(user=user, folder=folder, block=block))
    with program_of([_program(), "-p", str(folder), "-e", "stderr", "-c", str(configuration)]):
        yield


def _program() -> str:
    """The program; a test that lacks it is skipped, and fails where `CI` is set."""
    found = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        reason = "nginx is missing; on Debian install it with: sudo apt-get install nginx-light"
        if os.environ.get("CI", "").lower() in {"", "0", "false"}:
            pytest.skip(reason)
        pytest.fail(reason)
    return found
