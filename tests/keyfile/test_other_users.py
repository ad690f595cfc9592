"""Other users of the machine, who would have a server sign with their key."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from gatepass.errors import KeysUnavailable, SettingsRejected
from gatepass.keyfile import FileKeySource, KeyFile, Ring
from tests.keyfile.steps import announced, first, keep, kid, rotated

MALLORY = 65_534
Change = Callable[[Path], Path]


def opened(mode: int) -> Change:
    """The file's folder, with this mode."""

    def change(path: Path) -> Path:
        path.parent.chmod(mode)
        return path.parent

    return change


def given_away(path: Path) -> Path:
    os.chown(path, MALLORY, MALLORY)
    return path


def behind_a_link_in_an_open_folder(mode: int, owner: int) -> Change:
    """The file moved to a good folder, and a link to it in this one."""

    def change(path: Path) -> Path:
        (path.parent / "good").mkdir(0o755)
        path.rename(path.parent / "good" / path.name)
        path.symlink_to(path.parent / "good" / path.name)
        os.lchown(path, owner, -1)
        path.parent.chmod(mode)
        return path if owner else path.parent

    return change


REPLACEABLE: dict[str, tuple[Change, str]] = {
    "everybody writes the folder": (opened(0o777), "can be written by everybody"),
    "a sticky folder": (opened(0o1777), "can be written by everybody"),
    "a sticky folder of a group": (opened(0o3777), "can be written by everybody"),
    "their file": (given_away, f"belongs to another user (uid {MALLORY})"),
    "a link that they can replace": (
        behind_a_link_in_an_open_folder(0o777, 0),
        "can be written by everybody",
    ),
    "their link": (
        behind_a_link_in_an_open_folder(0o1777, MALLORY),
        f"belongs to another user (uid {MALLORY})",
    ),
}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a file away")
@pytest.mark.parametrize("what", REPLACEABLE)
def test_a_key_file_that_others_can_replace_does_not_sign(what: str, file: KeyFile) -> None:
    now = [1000.0]
    source = FileKeySource(file.path, now=lambda: now[0])
    keep(file, announced())  # a file to be read again
    change, sentence = REPLACEABLE[what]
    path = change(file.path)
    with pytest.raises(SettingsRejected, match=re.escape(f"{path} {sentence}")):
        FileKeySource(file.path)
    now[0] += 1
    kept = source.current()
    now[0] += 60

    assert [each.kid for each in kept.keys] == [kid(0)]
    with pytest.raises(KeysUnavailable):
        source.current()
    if change is not given_away:  # root may look after another user's file
        with pytest.raises(SettingsRejected, match=r"by everybody|another user"):
            keep(file, rotated())


@pytest.mark.parametrize("mode", [0o777, 0o1777])
def test_no_key_file_begins_where_others_can_replace_it(mode: int, tmp_path: Path) -> None:
    tmp_path.chmod(mode)
    with pytest.raises(SettingsRejected, match="keep the file in a folder of your own"):
        keep(KeyFile(tmp_path / "keys.json"), first())

    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="a file of root's")
def test_a_server_reads_its_own_file_or_root_s(
    file: KeyFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    file.path.chmod(0o640)
    assert file.read()[0] == first()
    os.chown(file.path, 1000, -1)
    assert file.read()[0] == first()
    os.chown(file.path.parent, MALLORY, -1)

    with pytest.raises(SettingsRejected, match="belongs to another user"):
        file.read()


@pytest.mark.skipif(os.geteuid() != 0, reason="files of root's in a group")
@pytest.mark.parametrize("group", [0, 3000], ids=["no fsGroup", "fsGroup"])
def test_a_secret_volume_of_kubernetes_is_read_and_followed(
    file: KeyFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, group: int
) -> None:
    """As kubelet lays it out: a sticky folder of root's, and links to one of its moments.

    With `fsGroup` folders get the group and its bit, and files get 0440.
    """
    volume = tmp_path / "keys"
    volume.mkdir()
    os.chown(volume, 0, group)
    volume.chmod(0o3777 if group else 0o1777)

    def publish(moment: str, ring: Ring, mode: int = 0o440 if group else 0o400) -> None:
        folder = volume / f"..{moment}"
        folder.mkdir()
        keep(file, ring)
        (folder / "keys.json").write_bytes(file.path.read_bytes())
        for each in (folder, folder / "keys.json"):
            os.chown(each, 0, group)
        (folder / "keys.json").chmod(mode)
        folder.chmod(0o2755 if group else 0o755)
        (volume / "..data_tmp").symlink_to(folder.name)
        (volume / "..data_tmp").replace(volume / "..data")

    publish("2026_11_30", announced())
    (volume / "keys.json").symlink_to("..data/keys.json")
    if group:  # without it only root reads along
        monkeypatch.setattr("os.geteuid", lambda: 1000)
    now = [1000.0]
    source = FileKeySource(volume / "keys.json", now=lambda: now[0])
    publish("2026_12_01", rotated())
    now[0] += 1

    assert source.current().primary.kid == kid(1)
    publish("2026_12_02", rotated(), mode=0o644)
    with pytest.raises(SettingsRejected, match="Kubernetes secret volume set defaultMode: 0400"):
        FileKeySource(volume / "keys.json")
