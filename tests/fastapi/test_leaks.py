"""The watcher itself: it must find what comes out, or its silence means nothing."""

import logging
import sys

import pytest

from tests.fastapi.world import PASSWORDS, World
from tests.leaks import Leaks, watching

pytestmark = pytest.mark.anyio
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJlLW9mLWE"


def refuse() -> None:
    raise ValueError(TOKEN)


def refuse_in_other_words() -> None:
    try:
        refuse()
    except ValueError:
        raise RuntimeError("refused") from None


def test_a_secret_in_a_log_line_in_output_or_in_an_exception_is_found() -> None:
    found = Leaks()
    found.watch(TOKEN, "hunter2-hunter2")
    found.read("log", f"refused {TOKEN}")
    found.read("output", "password: hunter2-hunter2")
    with pytest.raises(RuntimeError) as refused:
        refuse_in_other_words()
    found.read_exception(refused.value)
    found.read("harmless", "refused")

    assert found.found() == ["log", "output", "exception ValueError"]


def test_the_signature_alone_is_found_too() -> None:
    found = Leaks()
    found.watch(TOKEN)
    found.read("url", f"/?sig={TOKEN.rpartition('.')[2]}")

    assert found.found() == ["url"]


async def test_the_traffic_of_a_client_is_watched_by_itself(world: World) -> None:
    pair = await world.log_in()
    found = world.leaks

    assert {pair["access_token"], pair["refresh_token"], PASSWORDS["ada"]} <= found._secrets


@pytest.mark.parametrize("way", ["log", "log argument", "output", "traceback"])
def test_a_test_that_leaks_fails(
    way: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    watched = watching(caplog, capfd)
    next(watched).watch(TOKEN)
    match way:
        case "log":
            logging.getLogger("app").debug("refused %s", TOKEN)
        case "log argument":
            logging.getLogger("app").info("refused", extra={"token": TOKEN})
        case "output":
            sys.stderr.write(TOKEN)
        case _:
            try:
                refuse()
            except ValueError:
                logging.getLogger("app").exception("refused")

    with pytest.raises(AssertionError):
        next(watched)
