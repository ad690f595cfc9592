"""How much the server logs, and why a token was rejected: at `debug` alone, without the token."""

import logging
from collections.abc import Iterator

import pytest

from gatepass.errors import SettingsRejected, TokenExpired, TokenInvalid, TokenMalformed
from gatepass.gate.rejections import Rejections
from gatepass.server.logs import configure_logs, read_level
from tests.server.world import World


@pytest.fixture
def logs() -> Iterator[None]:
    """The loggers as they were."""
    root, ours = logging.getLogger(), logging.getLogger("gatepass")
    before = root.handlers[:], root.level, ours.level
    yield
    root.handlers[:], root.level, _ = before
    ours.setLevel(before[2])


@pytest.mark.parametrize(
    ("level", "ours", "others"),
    [
        ("", logging.INFO, logging.INFO),
        ("debug", logging.DEBUG, logging.INFO),
        ("warning", logging.WARNING, logging.WARNING),
        ("error", logging.ERROR, logging.ERROR),
    ],
)
@pytest.mark.usefixtures("logs")
def test_the_level_counts_for_all_and_debug_for_our_own_lines(
    level: str, ours: int, others: int
) -> None:
    configure_logs(as_json=True, level=read_level({"GATEPASS_LOG_LEVEL": level}))

    assert logging.getLogger("gatepass").getEffectiveLevel() == ours
    for name in ("uvicorn.access", "redis", "httpcore"):
        assert logging.getLogger(name).getEffectiveLevel() == others


@pytest.mark.parametrize("level", ["DEBUG", "trace", "10"])
def test_another_level_is_rejected_by_name(level: str) -> None:
    with pytest.raises(SettingsRejected, match="GATEPASS_LOG_LEVEL is one of debug, info"):
        read_level({"GATEPASS_LOG_LEVEL": level})


@pytest.mark.anyio
async def test_tokens_of_other_secrets_are_one_warning_a_minute(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    pair = await world.pair()
    forged = {
        name: token[:-4] + ("AAAA" if token[-4:] != "AAAA" else "BBBB")
        for name, token in pair.items()
        if name in {"access_token", "refresh_token"}
    }
    with caplog.at_level(logging.DEBUG, "gatepass"):
        for _ in range(9):
            assert (await world.me(forged)).status_code == 403
            assert (await world.refresh(forged)).status_code == 401

    warned = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    told = [record.getMessage() for record in caplog.records if record.levelname == "DEBUG"]
    assert len(warned) == 2, warned
    assert {"no access token is accepted", "no refresh token is accepted"} == {
        line.partition(",")[0] for line in warned
    }
    assert len([line for line in told if line.startswith("token_invalid: ")]) == 9
    assert all(token not in caplog.text for token in forged.values())


def test_a_token_of_ours_ends_the_row_and_the_warning_comes_once_a_minute(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now = [0.0]
    rejections = Rejections("access", lambda: now[0])
    for error in (TokenInvalid(), TokenInvalid(), TokenExpired(), TokenInvalid(), TokenInvalid()):
        rejections.note(error)
        rejections.note(TokenMalformed())
    assert caplog.records == []
    for second in range(150):
        now[0] = float(second)
        rejections.note(TokenInvalid())

    assert len(caplog.records) == 3
