"""Forks while other threads make stores: nobody is told half of a fork."""

import subprocess
import sys
from pathlib import Path

MAKING_STORES = """
import os, threading, time
from gatepass._forks import ForkAware, watch_forks

told = []

class Holder(ForkAware):
    def __init__(self, name):
        self.name = name

    def before_fork(self):
        told.append(("before", self.name))
        if self.name == "first" and not other.ident:
            other.start()
            time.sleep(0.1)

    def after_fork(self, *, in_child):
        told.append(("after", self.name))

def make():
    watch_forks(late)

first, late = Holder("first"), Holder("late")
other = threading.Thread(target=make)
watch_forks(first)
child = os.fork()
if child == 0:
    os._exit(told != [("before", "first"), ("after", "first")])
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
other.join(5)
assert not other.is_alive()
assert told == [("before", "first"), ("after", "first")]
if os.fork() == 0:
    os._exit(0)
assert ("before", "late") in told and ("after", "late") in told
"""


def test_store_made_while_another_thread_forks() -> None:
    command = [sys.executable, "-W", "ignore", "-c", MAKING_STORES]

    subprocess.run(command, check=True, timeout=60, cwd=Path(__file__).parents[2])
