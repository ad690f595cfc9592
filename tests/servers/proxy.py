"""A small TCP proxy between a store and its server: slow, cut, forgetful, counting, or TLS."""

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

_CHUNK = 65_536


@dataclass
class Proxy:
    """Passes bytes on to a port of 127.0.0.1."""

    target: int
    delay_s: float = 0.0
    """How late a chunk of a replication link arrives; later ones do not overtake."""
    context: ssl.SSLContext | None = None
    port: int = 0
    trips: int = 0
    """How often somebody asked again after an answer: round trips."""
    accepted: int = 0
    meanwhile: Callable[[], object] | None = None
    """Called once, between the swallowed answer and the cut of its connection."""
    _swallow: int = 0
    _is_cut: bool = False
    _open: list[socket.socket] = field(default_factory=list)

    def start(self) -> "Proxy":
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def swallow_replies(self, count: int = 1) -> None:
        """Let this many requests through, and cut their connections instead of answering."""
        self._swallow = count

    def cut(self) -> None:
        """Break everything, and refuse whoever comes: nothing under way arrives any more."""
        self._is_cut = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in self._open:
            _close(each)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=[client], daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            if self.context is not None:
                client = self.context.wrap_socket(client, server_side=True)
            server = socket.create_connection(("127.0.0.1", self.target))
        except OSError:
            _close(client)
            return
        self.accepted += 1
        self._open += [client, server]
        turn = _Turn()
        back = threading.Thread(target=self._pass_on, args=[server, client, turn], daemon=True)
        back.start()
        self._pass_on(client, server, turn, is_request=True)
        back.join()

    def _pass_on(
        self,
        source: socket.socket,
        sink: socket.socket,
        turn: "_Turn",
        *,
        is_request: bool = False,
    ) -> None:
        queue: _Late | None = None
        with contextlib.suppress(OSError):
            while chunk := source.recv(_CHUNK):
                turn.is_replication |= is_request and b"REPLCONF" in chunk
                if self.delay_s and turn.is_replication and queue is None:
                    queue = _Late(sink, self)
                if is_request:
                    self.trips += turn.is_answered
                    turn.is_answered = False
                else:
                    turn.is_answered = True
                    if self._swallow:
                        self._swallow -= 1
                        meanwhile, self.meanwhile = self.meanwhile, None
                        if meanwhile is not None:
                            meanwhile()
                        break
                if queue is not None:
                    queue.put(chunk)
                else:
                    sink.sendall(chunk)
        if queue is not None:
            queue.join()
        _close(source)
        _close(sink)


class _Turn:
    """Whose turn it is to speak on one connection."""

    is_answered = True
    is_replication = False


class _Late:
    """Sends chunks after a delay, from a thread of its own, unless the proxy was cut meanwhile."""

    def __init__(self, sink: socket.socket, proxy: Proxy) -> None:
        self._sink = sink
        self._proxy = proxy
        self._chunks: list[tuple[float, bytes] | None] = []
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def put(self, chunk: bytes) -> None:
        with self._news:
            self._chunks.append((time.monotonic() + self._proxy.delay_s, chunk))
            self._news.notify()

    def join(self) -> None:
        with self._news:
            self._chunks.append(None)
            self._news.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._news:
                self._news.wait_for(lambda: self._chunks)
                first = self._chunks.pop(0)
            if first is None:
                return
            time.sleep(max(first[0] - time.monotonic(), 0))
            if self._proxy._is_cut:
                return
            with contextlib.suppress(OSError):
                self._sink.sendall(first[1])


def _close(each: socket.socket) -> None:
    with contextlib.suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()


@contextlib.contextmanager
def proxy_to(target: int, *, context: ssl.SSLContext | None = None) -> Iterator[Proxy]:
    """A proxy for as long as it is needed."""
    proxy = Proxy(target, context=context).start()
    yield proxy
    proxy.cut()
