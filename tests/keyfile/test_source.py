"""A key file on disk, and servers that follow it while they run."""

import fcntl
import json
import logging
import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gatepass import TokenIssuer, TokenManager, TokenPolicy, TokenVerifier
from gatepass.errors import (
    KeyRejected,
    KeysUnavailable,
    SettingsRejected,
    StoreUnavailable,
    TokenInvalid,
)
from gatepass.jose import SharedKey
from gatepass.keyfile import FileKeySource, KeyFile, StepRefused
from gatepass.stores.memory import MemoryStore
from tests.cases import case
from tests.keyfile.steps import (
    GONE,
    KNOWN,
    LIFETIME,
    NOW,
    announced,
    first,
    keep,
    key,
    kid,
    rotated,
)

NAMES: dict[str, Any] = {"issuer": "https://id.example", "audience": "api"}


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_what_was_kept_is_read_again(file: KeyFile) -> None:
    keep(file, rotated())

    assert file.read()[0] == rotated()
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600


def test_a_refused_step_changes_nothing(file: KeyFile) -> None:
    before = file.path.read_bytes()
    with pytest.raises(StepRefused):
        file.change(lambda ring: ring.remove(kid(0), now=NOW))

    assert file.path.read_bytes() == before


def test_two_hands_do_not_lose_each_others_steps(file: KeyFile) -> None:
    def generate(number: int) -> None:
        file.change(lambda ring: ring.generate(key(number), lifetime_s=1, now=NOW))

    threads = [threading.Thread(target=generate, args=(number,)) for number in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(file.read()[0].entries) == 9


def test_a_full_disk_leaves_the_old_file(file: KeyFile, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StoreUnavailable, match="No space"):
        keep(file, announced())

    assert file.read()[0] == first()
    assert sorted(each.name for each in file.path.parent.iterdir()) == [
        "keys.json",
        "keys.json.lock",
    ]


@pytest.mark.parametrize(("mode", "is_refused"), [(0o604, True), (0o660, True), (0o640, False)])
def test_only_a_group_may_read_along(mode: int, is_refused: bool, file: KeyFile) -> None:  # noqa: FBT001
    file.path.chmod(mode)
    if is_refused:
        with pytest.raises(SettingsRejected, match="chmod 600"):
            FileKeySource(file.path)
        return

    assert FileKeySource(file.path).current().primary.kid == kid(0)


def _edit(change: Callable[[Any], None]) -> Callable[[KeyFile], bytes]:
    def edited(file: KeyFile) -> bytes:
        document = json.loads(file.path.read_bytes())
        change(document)
        return json.dumps(document).encode()

    return edited


DAMAGED: dict[str, Callable[[KeyFile], bytes]] = {
    "empty": lambda _: b"",
    "no JSON": lambda _: b"\xff{",
    "another form": lambda _: b'{"keys": []}',
    "deep": lambda _: b"[" * 100_000,
    "half": lambda file: file.path.read_bytes()[:200],
    "no keys": lambda _: b'{"gatepass_keys": 1, "keys": []}',
    "two primaries": _edit(lambda d: d["keys"].append(d["keys"][0])),
    "unknown state": _edit(lambda d: d["keys"][0].update(state="retiring")),
    "no primary": _edit(lambda d: d["keys"][0].update(state="next")),
    "another algorithm": _edit(lambda d: d["keys"][0].update(algorithm="ES384")),
    "no algorithm": _edit(lambda d: d["keys"][0].update(algorithm="none")),
    "no key": _edit(lambda d: d["keys"][0].update(pem="-----BEGIN PRIVATE KEY-----")),
    "another name": _edit(lambda d: d["keys"][0].update(kid="x")),
    "never published": _edit(lambda d: d["keys"][0].update(published_at=None)),
}


def test_a_damaged_file_starts_nothing(file: KeyFile) -> None:
    whole = file.path.read_bytes()
    for what, damage in DAMAGED.items():
        file.path.write_bytes(whole)
        file.path.write_bytes(damage(file))

        with case(what), pytest.raises((SettingsRejected, KeyRejected)) as refused:
            FileKeySource(file.path)
        assert "PRIVATE" not in str(refused.value)


def test_no_file_starts_nothing(tmp_path: Path) -> None:
    with pytest.raises(SettingsRejected, match="No such file"):
        FileKeySource(tmp_path / "keys.json")


def test_every_step_is_picked_up_within_a_second(file: KeyFile, clock: Clock) -> None:
    source = FileKeySource(file.path, now=clock)
    issuer = TokenIssuer(source, **NAMES, lifetime=600)
    verifier = TokenVerifier(source, **NAMES)
    old = issuer.issue("ada")
    keep(file, announced())
    clock.now += 1
    assert [each.kid for each in source.current().keys] == [kid(0), kid(1)]
    keep(file, rotated())
    assert source.current().primary.kid == kid(0)
    clock.now += 1
    new = issuer.issue("ada")

    assert source.version == 2
    assert source.current().primary.kid == kid(1)
    assert verifier.verify(old).subject == verifier.verify(new).subject == "ada"
    keep(file, rotated().remove(kid(0), now=NOW + KNOWN + GONE))
    clock.now += 1
    assert verifier.verify(new).subject == "ada"
    with pytest.raises(TokenInvalid):
        verifier.verify(old)


def test_a_manager_follows_the_file(file: KeyFile, clock: Clock) -> None:
    source = FileKeySource(file.path, now=clock)
    policy = TokenPolicy(**NAMES)
    with TokenManager(
        policy, access_keys=source, refresh_keys=SharedKey.generate(), store=MemoryStore()
    ) as manager:
        pair = manager.issue("ada")
        keep(file, rotated())
        clock.now += 1
        successor = manager.refresh(pair.refresh_token)

        assert manager.verify(pair.access_token).subject == "ada"
        assert manager.verify(successor.access_token).subject == "ada"
        assert manager.access_keys.current().primary.kid == kid(1)


def test_a_file_that_did_not_change_is_not_read_again(file: KeyFile, clock: Clock) -> None:
    source = FileKeySource(file.path, now=clock)
    before = source.current()
    clock.now += 3600

    assert source.current() is before
    assert source.version == 0


def test_a_damaged_file_is_endured_for_a_minute_and_said_once(
    file: KeyFile, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    source = FileKeySource(file.path, now=clock)
    whole = file.path.read_bytes()
    file.path.write_bytes(whole[:100])
    with caplog.at_level(logging.ERROR, "gatepass"):
        for _ in range(59):
            clock.now += 1
            assert source.current().primary.kid == kid(0)
    assert [record.name for record in caplog.records] == ["gatepass"]
    clock.now += 1
    for _ in range(2):
        with pytest.raises(KeysUnavailable):
            source.current()
    keep_raw(file, whole)

    assert source.current().primary.kid == kid(0)


def keep_raw(file: KeyFile, octets: bytes) -> None:
    aside = file.path.with_name("aside")
    aside.touch(0o600)
    aside.write_bytes(octets)
    aside.replace(file.path)


def test_a_server_that_slept_never_signs_with_a_key_that_was_retired_meanwhile(
    file: KeyFile, clock: Clock
) -> None:
    source = FileKeySource(file.path, now=clock)
    keep(file, rotated())
    clock.now += 10 * 86_400

    assert source.current().primary.kid == kid(1)


def test_a_file_behind_a_link_that_is_swapped_is_followed(
    file: KeyFile, clock: Clock, tmp_path: Path
) -> None:
    other = KeyFile(tmp_path / "other.json")
    keep(other, rotated())
    link = tmp_path / "link"
    link.symlink_to(file.path)
    source = FileKeySource(link, now=clock)
    aside = tmp_path / "aside"
    aside.symlink_to(other.path)
    aside.replace(link)
    clock.now += 1

    assert source.current().primary.kid == kid(1)


def test_the_source_says_how_long_tokens_may_live(file: KeyFile) -> None:
    assert FileKeySource(file.path).lifetime.total_seconds() == LIFETIME


def test_a_pipe_in_place_of_the_file_holds_nobody_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "keys.json", 0o600)
    with pytest.raises(SettingsRejected):
        FileKeySource(tmp_path / "keys.json")


def test_a_file_that_somebody_is_changing_is_not_changed_by_another(
    file: KeyFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gatepass.keyfile.file._WAIT_S", 0.05)
    with Path(f"{file.path}.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(StoreUnavailable, match="somebody else"):
            keep(file, announced())

    assert file.read()[0] == first()
