"""Contestants in processes of their own, asked over a pipe, so that rounds interleave."""

import json
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from benchmarks.scene import AUDIENCE, ISSUER, LIFETIME, OWN_CLAIMS, REQUIRED, SUBJECT, TYP, Scene
from benchmarks.timing import Timer

_HERE: Final = Path(__file__).parent
_NODE: Final = _HERE / "node"
_PYENV: Final = Path.home() / ".pyenv" / "versions"


class PeerMissing(Exception):
    """A runtime, a library of it, or an algorithm of that library is not there."""


class PipedPeer:
    """A process that prepares and times on request: a line of JSON in, a line of JSON out."""

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        self._process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.communicate(timeout=10)

    def prepare(self, peer: str, scene: Scene) -> str:
        """Let a peer load its keys and try once; its version."""
        shown = {
            "algorithm": scene.algorithm,
            "secret": scene.secret,
            "publicPem": scene.public_pem,
            "token": scene.token,
            "issuer": ISSUER,
            "audience": AUDIENCE,
            "subject": SUBJECT,
            "lifetime": LIFETIME,
            "typ": TYP,
            "required": REQUIRED,
            "own": dict(OWN_CLAIMS),
        }
        reply = self._ask(contestant=peer, algorithm=scene.algorithm, scene=shown)
        version: str = reply["version"]
        return version

    def timer(self, peer: str, algorithm: str, operation: str) -> Timer:
        """A timer whose loop runs inside the process."""

        def run(loops: int) -> float:
            reply = self._ask(
                contestant=peer, algorithm=algorithm, operation=operation, loops=loops
            )
            taken: float = reply["ns"]
            return taken

        return run

    def _ask(self, **request: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        reply: dict[str, Any] = json.loads(self._process.stdout.readline())
        if "error" in reply:
            raise PeerMissing(reply["error"])
        return reply


def _node() -> PipedPeer:
    node = shutil.which("node")
    if node is None:
        raise PeerMissing("not found: Node is missing")
    if not (_NODE / "node_modules" / "fast-jwt").is_dir():
        raise PeerMissing("not found: the Node libraries are not installed (npm ci)")
    return PipedPeer([node, "peers.mjs"], _NODE)


def _ryjwt() -> PipedPeer:
    """A Python 3.12 that has it: the one in PATH, or one of pyenv."""
    found = [shutil.which("python3.12"), *map(str, sorted(_PYENV.glob("3.12*/bin/python")))]
    for python in filter(None, found):
        asked = [python, "-c", "import ryjwt"]
        if subprocess.run(asked, capture_output=True, check=False).returncode == 0:
            return PipedPeer([python, "ryjwt_peer.py"], _HERE)
    raise PeerMissing("not found: it needs a Python 3.12 that can import it")


_PROCESSES: Final = {
    ("fast-jwt", "jsonwebtoken"): _node,
    ("ryjwt",): _ryjwt,
}
PIPED: Final = tuple(name for names in _PROCESSES for name in names)
"""All contestants outside this process."""


@contextmanager
def piped_peers(words: dict[str, str]) -> Iterator[dict[str, PipedPeer]]:
    """The contestants that were found; for the others, `words` says what is missing."""
    with ExitStack() as stack:
        peers = {}
        for names, start in _PROCESSES.items():
            try:
                process = stack.enter_context(start())
            except PeerMissing as missing:
                words.update(dict.fromkeys(names, str(missing)))
            else:
                peers.update(dict.fromkeys(names, process))
        yield peers
