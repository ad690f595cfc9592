"""Writers killed in the middle of their work, and lock holders that never wake up."""

import json
import multiprocessing
import os
import select
import signal
import sqlite3
import time
from pathlib import Path
from random import Random

import pytest

from gatepass.errors import StoreUnavailable
from gatepass.sessions import RotationKind
from gatepass.stores.sql import SqlStore
from tests.budget import PATIENCE_S, TIMES, require_short
from tests.stores.plans import log_in, present

FORK = multiprocessing.get_context("fork")
WRITERS = 3

Said = list[tuple[str, str, int]]


def write_until_killed(url: str, writer: int, run: int, say: int) -> None:
    """Work without end, and say after each acknowledgement what was acknowledged."""
    store = SqlStore.from_url(url)

    def said(what: str, name: str, generation: int = 0) -> None:
        os.write(say, json.dumps([what, name, generation]).encode() + b"\n")

    for step in range(1_000_000):
        name = f"{run}.{writer}.{step}"
        subject = f"subject {name}"
        assert store.issue(log_in(subject, session_id=name)) is not None
        said("issued", name)
        for generation in range(3):
            assert store.rotate(present(name, generation)).kind is RotationKind.ROTATED
            said("rotated", name, generation + 1)
        store.revoke_token(f"token {name}")
        said("token", f"token {name}")
        if step % 4 == 1:
            store.revoke_session(name, reason="log-out")
            said("ended", name)
        elif step % 4 == 2:
            store.revoke_subject(subject, reason="log-out")
            said("ended", name)
        elif step % 4 == 3:
            assert store.rotate(present(name, 0, leeway=0)).kind is RotationKind.REUSED
            said("ended", name)


def first_of(hear: int) -> bytes:
    """What a child says first; it has to be at work in time, and cannot keep the test waiting."""
    ready, _, _ = select.select([hear], [], [], PATIENCE_S)
    assert ready, f"a writer does nothing for {PATIENCE_S} s"
    return os.read(hear, 1)


def kill_writers(url: str, run: int, after_s: float) -> Said:
    """Start writers, kill them all with SIGKILL, and return what they said before."""
    children = []
    for writer in range(WRITERS):
        hear, say = os.pipe()
        child = FORK.Process(target=write_until_killed, args=(url, writer, run, say), daemon=True)
        child.start()
        os.close(say)
        children.append((child, hear))
    first = [first_of(hear) for _, hear in children]  # all are at work
    time.sleep(after_s)
    for child, _ in children:
        assert child.pid is not None
        os.kill(child.pid, signal.SIGKILL)
    said: Said = []
    for (child, hear), begun in zip(children, first, strict=True):
        child.join()
        with os.fdopen(hear, "rb") as lines:
            text = begun + lines.read()
        said += [tuple(json.loads(line)) for line in text.splitlines()]
    return said


def missing_of(store: SqlStore, said: Said) -> Said:
    """What was acknowledged and is not there."""
    ended = {name for what, name, _ in said if what == "ended"}
    newest: dict[str, int] = {}
    for what, name, generation in said:
        if what in {"issued", "rotated"} and name not in ended:
            newest[name] = max(generation, newest.get(name, 0))
    missing: Said = [
        (what, name, generation)
        for what, name, generation in said
        if (what == "token" and not store.is_revoked(None, name))
        or (what == "ended" and not store.is_revoked(name, None))
    ]
    for name, generation in newest.items():
        found = store.sessions(f"subject {name}")
        at_work = store.is_revoked(name, None)  # its end was written and not yet said
        if not at_work and (not found or found[0].generation < generation):
            missing.append(("rotated", name, generation))
        if at_work and store.rotate(present(name)).kind is RotationKind.UNKNOWN:
            missing.append(("issued", name, generation))
    return missing


@pytest.mark.parametrize(
    "runs",
    [
        pytest.param(2, id="short"),
        pytest.param(8 * TIMES, id="long", marks=pytest.mark.chaos),
    ],
)
def test_nothing_acknowledged_is_missing_after_kill_9(url: str, path: Path, runs: int) -> None:
    random = Random(runs)
    said: Said = []
    for run in range(runs):
        said += kill_writers(url, run, random.uniform(0.05, 0.6))

    store = SqlStore.from_url(url)
    missing = missing_of(store, said)
    store.close()

    assert missing == []
    assert {what for what, _, _ in said} == {"issued", "rotated", "token", "ended"}
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()


def hold_the_lock(path: Path, say: int) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    os.write(say, b"x")
    os.kill(os.getpid(), signal.SIGSTOP)


def test_a_lock_holder_that_never_wakes_up_is_an_outage_until_it_is_killed(
    url: str, path: Path
) -> None:
    maker = SqlStore.from_url(url)
    maker.upgrade()
    maker.close()
    hear, say = os.pipe()
    holder = FORK.Process(target=hold_the_lock, args=(path, say), daemon=True)
    holder.start()
    os.read(hear, 1)
    store = SqlStore.from_url(url)

    began = time.monotonic()
    with pytest.raises(StoreUnavailable, match="locked"):
        store.revoke_token("token")
    require_short(time.monotonic() - began, 2.5)
    assert holder.pid is not None
    os.kill(holder.pid, signal.SIGKILL)
    holder.join()

    store.revoke_token("token")
    assert store.is_revoked(None, "token")
    store.close()
    os.close(hear)
    os.close(say)
