"""A process that does nothing but wait, and writes down when the machine let it wait too long.

Run as `python -m tests.chaos.metronome FOLDER`, until the folder holds a file `stop`. A virtual
machine that stands still for a while makes every operation under way longer by that.
"""

import sys
import time
from pathlib import Path

BEAT_S = 0.02
LATE_S = 0.1
"""How late a beat is when more than other processes kept it waiting."""


def beat(folder: Path) -> None:
    """Write down each span in which nobody was served."""
    stop = folder / "stop"
    with (folder / "metronome.spans").open("a", buffering=1) as said:
        before = time.monotonic()
        while not stop.exists():
            time.sleep(BEAT_S)
            now = time.monotonic()
            if now - before > BEAT_S + LATE_S:
                said.write(f"{before + BEAT_S:.6f} {now:.6f}\n")
            before = now


if __name__ == "__main__":
    beat(Path(sys.argv[1]))
