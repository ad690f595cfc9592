"""Work in a forked child that shares nothing but what was there before; no hook comes along."""

import os
import select
import signal
import traceback
from collections.abc import Callable

from tests.budget import PATIENCE_S

_FAILED = "\0failed"


class Child:
    """A child under way; its answer comes through a pipe."""

    def __init__(self, work: Callable[[], str]) -> None:
        self._reading, writing = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            answer = _FAILED
            try:
                answer = work()
            except BaseException:  # noqa: BLE001 - nothing may return into the test
                traceback.print_exc()
            finally:
                os.write(writing, answer.encode())
                os._exit(0)
        os.close(writing)

    def answer(self, patience: float = PATIENCE_S) -> str:
        """What the work returned; the child is gone afterwards."""
        ready, _, _ = select.select([self._reading], [], [], patience)
        answer = os.read(self._reading, 65_536).decode() if ready else "no answer"
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._reading)
        return answer
