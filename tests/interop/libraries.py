"""Other people's code behind one interface: make keys, sign, verify.

A key is given in a form: `PEM`, `JWK` and `JWKS`, and for shared keys `octets`, written in
base64url. A form is a pair, what signs and what verifies.
"""

import base64
import importlib.metadata
import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

RS, PS, ES, HS = (
    tuple(f"{family}{size}" for size in (256, 384, 512)) for family in ("RS", "PS", "ES", "HS")
)
Key = str | Mapping[str, Any]
Forms = Mapping[str, tuple[Key, Key]]


class Refused(Exception):
    """The library does not accept a token."""


class Missing(Exception):
    """The library is not installed."""


class Library(Protocol):
    """What a library can do, and does."""

    @property
    def name(self) -> str:
        """Its name in the table."""
        ...

    @property
    def algorithms(self) -> tuple[str, ...]:
        """Those that gatepass has too."""
        ...

    @property
    def forms(self) -> tuple[str, ...]:
        """Of keys that it reads."""
        ...

    def version(self) -> str:
        """The installed version; `Missing` when there is none."""
        ...

    def make(self, algorithm: str) -> Forms:
        """A new key pair in the forms that it writes."""
        ...

    def sign(
        self, algorithm: str, form: str, key: Key, claims: Mapping[str, Any], kid: str | None
    ) -> str:
        """A token of these claims."""
        ...

    def verify(self, algorithm: str, form: str, key: Key, token: str) -> Mapping[str, Any]:
        """The claims of a token that it accepts; `Refused` of any other."""
        ...


def octets(text: Key) -> bytes:
    """The bytes of base64url text."""
    assert isinstance(text, str)
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def python_version(distribution: str) -> str:
    """The version of a Python library."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError as error:
        raise Missing(f"{distribution} is not installed") from error


class NodeProcess:
    """The Node libraries, asked over a pipe."""

    folder = Path(__file__).parent / "node"

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def ask(self, **request: Any) -> Any:
        """The answer to one request; `Refused` where there is an error."""
        process = self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(request) + "\n")
        answer = json.loads(process.stdout.readline())
        if "error" in answer:
            raise Refused(answer["error"])
        return answer["result"]

    def close(self) -> None:
        if self._process is not None:
            self._process.communicate()

    def _started(self) -> "subprocess.Popen[str]":
        if self._process is None:
            node = shutil.which("node")
            if node is None:
                raise Missing("Node is not installed")
            if not (self.folder / "node_modules").is_dir():
                raise Missing("the Node libraries are not installed: make interop")
            self._process = subprocess.Popen(
                [node, "peers.mjs"],
                cwd=self.folder,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                bufsize=1,
            )
        return self._process


class NodeLibrary:
    """One of the Node libraries."""

    def __init__(
        self, name: str, algorithms: tuple[str, ...], forms: tuple[str, ...], node: NodeProcess
    ) -> None:
        self.name, self.algorithms, self.forms = name, algorithms, forms
        self._node = node

    def version(self) -> str:
        version: str = self._node.ask(library=self.name, action="version")
        return version

    def make(self, algorithm: str) -> Forms:
        made: Forms = self._node.ask(library=self.name, action="make", algorithm=algorithm)
        return made

    def sign(
        self, algorithm: str, form: str, key: Key, claims: Mapping[str, Any], kid: str | None
    ) -> str:
        token: str = self._node.ask(
            library=self.name, action="sign", algorithm=algorithm, form=form, key=key, kid=kid,
            claims=claims,
        )  # fmt: skip
        return token

    def verify(self, algorithm: str, form: str, key: Key, token: str) -> Mapping[str, Any]:
        claims: Mapping[str, Any] = self._node.ask(
            library=self.name, action="verify", algorithm=algorithm, form=form, key=key,
            token=token,
        )  # fmt: skip
        return claims
