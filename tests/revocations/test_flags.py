"""`Flag`: what waits goes on, and what is up stays up."""

import threading
import time

from gatepass.revocations.flags import Flag


def test_everybody_who_waits_goes_on() -> None:
    flag = Flag()
    threads = [threading.Thread(target=flag.wait, args=[20.0]) for _ in range(4)]
    for thread in threads:
        thread.start()

    flag.set()
    flag.set()

    for thread in threads:
        thread.join(5)
    assert not any(thread.is_alive() for thread in threads)
    began = time.monotonic()
    flag.wait(20.0)
    assert time.monotonic() - began < 5


def test_one_that_nobody_sets_is_waited_for_no_longer_than_that() -> None:
    flag = Flag()

    flag.wait(0.01)

    assert not flag.is_set()


def test_it_is_up_also_in_the_moment_in_which_another_thread_goes_on() -> None:
    flag = Flag()
    flag.set()

    with flag._down:  # as between the two steps of `wait`
        assert flag.is_set()
