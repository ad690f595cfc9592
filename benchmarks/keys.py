"""What keys that change cost a verify: fetched from an issuer, and followed in a file."""

import asyncio
import json
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import repeat
from pathlib import Path
from time import perf_counter_ns, time
from typing import Any

from benchmarks.scene import AUDIENCE, ISSUER, REQUIRED, Scene, make_scene
from benchmarks.table import Target, microseconds, show_table
from benchmarks.timing import Timer, interleave, timer_of
from gatepass import AsyncTokenVerifier, TokenVerifier
from gatepass.jose import Key, KeySet, KeySource, SigningKey
from gatepass.keyfile import FileKeySource, KeyFile
from gatepass.remote import AsyncRemoteKeySet, RemoteKeySet

_ALGORITHMS = ("RS256", "ES256", "EdDSA")
_AT_MOST = 1.0
_KINDS = ("sync, remote", "sync, file", "async, remote")


def measure_keys(*, rounds: int) -> list[Target]:
    """Verify the same token with a local key set and with each source, print what each adds."""
    rows, targets = [], []
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner() as runner:
        for algorithm in _ALGORITHMS:
            scene = make_scene(algorithm)
            assert isinstance(scene.key, SigningKey)
            with _issuer(scene.key) as url:
                timers = _timers(scene, scene.key, url, Path(folder), runner)
                # The fastest round of each: a busy machine only ever adds, and more than a source.
                taken = interleave(timers, rounds=rounds, slice_ms=1, choose=min)
                for kind in _KINDS:
                    local = f"{kind.partition(',')[0]}, local"
                    added = taken[kind] - taken[local]
                    us = [microseconds(taken[name]) for name in (local, kind)]
                    rows.append([f"{algorithm}, {kind}", *us, f"{added:+.2f}"])
                    what = f"verify {algorithm} over a local key set, {kind}"
                    at_most = f"<= {_AT_MOST:g} us"
                    targets.append(Target(what, f"{added:+.2f} us", at_most, added <= _AT_MOST))
    title = "Verify with keys that change: microseconds of the fastest round"
    show_table(title, ["", "local key set", "source", "added"], rows)
    return targets


def _timers(
    scene: Scene, key: SigningKey, url: str, folder: Path, runner: asyncio.Runner
) -> dict[str, Timer]:
    file = KeyFile(folder / f"{scene.algorithm}.json")
    file.change(lambda ring: ring.generate(key, lifetime_s=900, now=int(time())))
    public = KeySet(key.public())
    return {
        "sync, local": _sync_timer(scene, public),
        "sync, remote": _sync_timer(scene, RemoteKeySet(url)),
        "sync, file": _sync_timer(scene, FileKeySource(file.path)),
        "async, local": _async_timer(scene, public, runner),
        "async, remote": _async_timer(scene, AsyncRemoteKeySet(url), runner),
    }


def _sync_timer(scene: Scene, keys: Key | KeySet | KeySource) -> Timer:
    names: Any = {"issuer": ISSUER, "audience": AUDIENCE, "required_claims": REQUIRED}
    verifier = TokenVerifier(keys, remember=0, **names)
    verifier.verify(scene.token)
    return timer_of(partial(verifier.verify, scene.token))


def _async_timer(scene: Scene, keys: Key | KeySet | KeySource, runner: asyncio.Runner) -> Timer:
    names: Any = {"issuer": ISSUER, "audience": AUDIENCE, "required_claims": REQUIRED}
    verifier = AsyncTokenVerifier(keys, remember=0, **names)

    async def loop(loops: int) -> float:
        await verifier.verify(scene.token)
        started = perf_counter_ns()
        for _ in repeat(None, loops):
            await verifier.verify(scene.token)
        return (perf_counter_ns() - started) / loops

    return lambda loops: runner.run(loop(loops))


@contextmanager
def _issuer(key: SigningKey) -> Iterator[str]:
    """An issuer that publishes the key, on this machine; its address."""
    body = json.dumps(KeySet(key).public_jwks()).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Answer with the JWKS."""
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as it is called
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/jwks"
        finally:
            server.shutdown()
            thread.join()
