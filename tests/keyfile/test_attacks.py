"""Attacks on the life of keys: on who can read the file, on its clock, and on what it says."""

import json
import os
import signal
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gatepass.errors import (
    GatepassError,
    KeyRejected,
    KeysUnavailable,
    SettingsRejected,
)
from gatepass.keyfile import FileKeySource, KeyFile, Ring, State
from tests.children import Child
from tests.keyfile.steps import LIFETIME, NOW, announced, first, keep, key, kid, rotated


def test_a_rotation_does_not_lock_out_the_group_that_reads_along(file: KeyFile) -> None:
    """Or every server of the group would stop a minute after the first step."""
    others = [group for group in os.getgroups() if group != os.getegid()]
    group = others[0] if others else (33 if os.geteuid() == 0 else os.getegid())
    os.chown(file.path, -1, group)
    file.path.chmod(0o640)
    keep(file, announced())

    found = file.path.stat()
    assert stat.S_IMODE(found.st_mode) == 0o640
    assert found.st_gid == group


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a file away")
def test_a_rotation_by_root_leaves_the_file_to_its_owner(file: KeyFile) -> None:
    os.chown(file.path, 65534, 65534)
    keep(file, announced())

    assert (file.path.stat().st_uid, file.path.stat().st_gid) == (65534, 65534)


def test_a_step_through_a_link_is_kept_where_the_servers_read(
    file: KeyFile, tmp_path: Path
) -> None:
    (tmp_path / "etc").mkdir()
    link = tmp_path / "etc" / "keys.json"
    link.symlink_to(file.path)
    keep(KeyFile(link), announced())

    assert link.is_symlink()
    assert file.read()[0] == announced()
    assert [each.name for each in link.parent.iterdir()] == ["keys.json"]


@pytest.mark.parametrize("name", ["keys.json", "folder/keys.json", "first"])
def test_a_link_that_leads_to_itself_is_refused_and_stays(name: str, tmp_path: Path) -> None:
    """Since Python 3.13 `Path.resolve` does not raise there, and `Path.exists` never did."""
    links = {"keys.json": "keys.json", "folder": "folder", "first": "second", "second": "first"}
    for link, target in links.items():
        (tmp_path / link).symlink_to(tmp_path / target)
    for refused in (lambda: keep(KeyFile(tmp_path / name), first()),
                    lambda: FileKeySource(tmp_path / name)):  # fmt: skip
        with pytest.raises(SettingsRejected, match="cannot be read: Too many levels"):
            refused()

    assert {each.name for each in tmp_path.iterdir() if each.is_symlink()} == set(links)
    assert {each.name for each in tmp_path.iterdir()} == set(links)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_no_private_key_stays_behind_a_process_that_was_killed(
    file: KeyFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed() -> str:
        monkeypatch.setattr("os.fsync", lambda _: os.kill(os.getpid(), signal.SIGKILL))
        keep(file, announced())
        return "not killed"

    assert Child(killed).answer() == ""
    assert file.read()[0] == first()
    keep(file, rotated())
    assert {each.name for each in tmp_path.iterdir()} == {"keys.json", "keys.json.lock"}


IMPOSSIBLE: dict[str, dict[str, Any]] = {
    "a primary that never began to sign": {"promoted_at": None},
    "a primary that nobody knows": {"promoted_at": None, "published_at": None},
    "a primary that is retired": {"retired_at": NOW},
    "tokens that live no time": {"lifetime_s": 0},
    "tokens that end before they begin": {"lifetime_s": -(10**6)},
    "tokens that live for ever": {"lifetime_s": 10**18},
    "a time without a text": {"published_at": 10**18},
    "a time before all times": {"created_at": -1},
    "a member of a later release": {"not_after": NOW},
}


@pytest.mark.parametrize("what", IMPOSSIBLE)
def test_a_life_that_no_steps_lead_to_is_refused(what: str, file: KeyFile) -> None:
    document = json.loads(file.path.read_bytes())
    document["keys"][0].update(IMPOSSIBLE[what])
    file.path.write_text(json.dumps(document))

    with pytest.raises(SettingsRejected, match="is rejected"):
        FileKeySource(file.path)


@pytest.mark.parametrize("version", [0, 2, True, "1", 1.5, None])
def test_the_file_of_another_release_is_not_guessed_at(version: Any, file: KeyFile) -> None:
    document = json.loads(file.path.read_bytes())
    document["gatepass_keys"] = version
    file.path.write_text(json.dumps(document))
    octets = file.path.read_bytes()
    with pytest.raises(SettingsRejected, match="is rejected"):
        FileKeySource(file.path)
    with pytest.raises(GatepassError):
        keep(file, announced())

    assert file.path.read_bytes() == octets


@pytest.mark.parametrize("change", [{"retired_at": None}, {"state": State.NEXT}])
def test_a_retired_key_without_its_time_cannot_be_removed_at_once(
    change: dict[str, Any], file: KeyFile
) -> None:
    ring = Ring(tuple(replace(entry, **change) if entry.kid == kid(0) else entry
                      for entry in rotated().entries))  # fmt: skip

    with pytest.raises(KeyRejected, match="no steps lead to"):
        keep(file, ring)


def test_a_key_promoted_later_than_another_still_holds_as_long_as_its_tokens() -> None:
    """It was made before the lifetime was raised; servers go on with the longer one."""
    ring = announced().generate(key(2), lifetime_s=86_400, now=NOW).publish(kid(2), now=NOW)
    ring = ring.promote(kid(2), now=NOW + 1000).promote(kid(1), now=NOW + 2000)

    assert ring.find(kid(1)).lifetime_s == 86_400


def test_a_clock_that_was_set_back_does_not_have_a_key_go_early() -> None:
    ring = announced().generate(key(2), lifetime_s=LIFETIME, now=NOW).publish(kid(2), now=NOW)
    ring = ring.promote(kid(1), now=NOW + 10_000).promote(kid(2), now=NOW + 1000)

    assert ring.find(kid(1)).removable_at == NOW + 10_000 + LIFETIME + 180


def test_the_minute_of_a_damaged_file_begins_with_the_damage(file: KeyFile) -> None:
    now = [1000.0]
    source = FileKeySource(file.path, now=lambda: now[0])
    now[0] += 3600
    assert source.current().primary.kid == kid(0)
    file.path.write_bytes(b"half")
    now[0] += 59

    assert source.current().primary.kid == kid(0)
    now[0] += 1
    with pytest.raises(KeysUnavailable):
        source.current()


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_forked_while_another_thread_looks_at_the_file_is_not_stuck(file: KeyFile) -> None:
    now = [1000.0]
    source = FileKeySource(file.path, now=lambda: now[0])
    now[0] += 2
    with source._lock:
        child = Child(lambda: source.current().primary.kid or "")

    assert child.answer() == kid(0)
