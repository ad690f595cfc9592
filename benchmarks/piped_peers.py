"""The Node contestants: one process that is asked over a pipe, so that rounds interleave."""

import json
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.scene import AUDIENCE, ISSUER, LIFETIME, OWN_CLAIMS, REQUIRED, SUBJECT, TYP, Scene
from benchmarks.timing import Timer

FOLDER = Path(__file__).parent / "node"
PEERS = ("fast-jwt", "jsonwebtoken")


class PeerMissing(Exception):
    """Node, a library of it, or an algorithm of that library is not there."""


class NodePeers:
    """fast-jwt and jsonwebtoken behind a pipe."""

    def __init__(self) -> None:
        node = shutil.which("node")
        if node is None:
            raise PeerMissing("Node is missing")
        if not (FOLDER / "node_modules" / "fast-jwt").is_dir():
            raise PeerMissing("the Node libraries are not installed (npm ci)")
        self._process = subprocess.Popen(
            [node, "peers.mjs"],
            cwd=FOLDER,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
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
        """A timer whose loop runs inside Node."""

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
