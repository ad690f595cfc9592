"""The judge of events finds each wrong that is planted in a history without any."""

from pathlib import Path

import pytest

from tests.chaos.history import Span
from tests.chaos.told import find_wrong, read_operations

RIGHT = """\
begin issue ada - 1
event logged_in ada s1 - 2
end ok 3
begin refresh ada s1 4
event refreshed ada s1 - 5
end ok 6
begin log_out ada s1 7
end store_unavailable 8
begin log_out ada s1 9
event logged_out ada s1 log-out 9
end ok 10
begin revoke_token - - 11
event token_revoked - - s1-token 12
end ok 13
begin issue eve - 14
end store_unavailable 15
begin issue eve - 16
event logged_in eve s2 - 17
"""
FAULT = [Span(7, 8)]

pytestmark = pytest.mark.chaos


def wrong(text: str, tmp_path: Path) -> list[str]:
    file = tmp_path / "one.told"
    file.write_text(text)
    return find_wrong(read_operations([file]), FAULT)


def test_a_history_without_any_wrong_passes(tmp_path: Path) -> None:
    assert wrong(RIGHT, tmp_path) == []
    assert len(read_operations([tmp_path / "one.told"])) == 7


@pytest.mark.parametrize(
    ("right", "planted"),
    [
        ("event logged_in ada s1 - 2\n", ""),
        ("event refreshed ada s1 - 5\n", ""),
        ("event logged_out ada s1 log-out 9\n", ""),
        ("event token_revoked - - s1-token 12\n", ""),
        ("event refreshed ada s1 - 5\n", "event refreshed ada s1 - 5\n" * 2),
        ("event logged_out ada s1 log-out 9\n", "event logged_out ada s1 log-out 9\n" * 2),
        ("end store_unavailable 8\n", "event logged_out ada s1 log-out 8\nend ok 8\n"),
        ("end store_unavailable 15\n", "event logged_in eve s3 - 15\nend store_unavailable 15\n"),
        ("event refreshed ada s1 - 5\n", "event refresh_replayed ada s1 - 5\n"),
        ("event refreshed ada s1 - 5\n", "event refresh_reused ada s1 - 5\n"),
        ("event refreshed ada s1 - 5\n", "event session_revoked - s1 admin 5\n"),
        ("event refreshed ada s1 - 5\n", "event refreshed eve s1 - 5\n"),
        ("event refreshed ada s1 - 5\nend ok 6\n", "end session_unknown 6\n"),
    ],
)
def test_a_planted_wrong_is_found(right: str, planted: str, tmp_path: Path) -> None:
    assert right in RIGHT
    assert wrong(RIGHT.replace(right, planted), tmp_path)
