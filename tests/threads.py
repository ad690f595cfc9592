"""The threads of gatepass in this process: other tests keep theirs, so compare with before."""

import threading


def ours() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name.startswith("gatepass")}
