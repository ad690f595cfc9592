"""What every framework says, once, of tokens that others could read on their way."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from flask import Flask

from gatepass import TokenVerifier
from gatepass.asgi import Auth as AsgiAuth
from gatepass.fastapi import Auth as FastApiAuth
from gatepass.flask import Auth as FlaskAuth
from gatepass.http import Cookies, HttpPolicy, Https
from gatepass.jose import SharedKey
from tests.cases import case

KEYS = [b"k" * 32]
OPEN = Cookies(insecure_for_development_over_http=True, csrf_keys=KEYS)
SITE = ["https://app.example"]
HERE = ["http://localhost:8000", "http://127.0.0.1:5173", "http://[::1]", "http://app.localhost"]


async def application(*_: object) -> None:
    """An ASGI application."""


def set_up_fastapi(auth: Any, *, debug: bool) -> None:
    auth.install(FastAPI(debug=debug))


def set_up_flask(auth: Any, *, debug: bool) -> None:
    app = Flask(__name__)
    app.debug = debug
    auth.init_app(app)


def install_in_asgi(auth: Any, *, debug: bool) -> None:
    del debug
    auth.install(application)


def guard_in_asgi(auth: Any, *, debug: bool) -> None:
    """A service that only verifies may install nothing."""
    del debug
    auth.required()(application)


FRAMEWORKS: dict[str, tuple[type[Any], Callable[..., None]]] = {
    "fastapi": (FastApiAuth, set_up_fastapi),
    "flask": (FlaskAuth, set_up_flask),
    "asgi": (AsgiAuth, install_in_asgi),
    "asgi guard": (AsgiAuth, guard_in_asgi),
}


@pytest.fixture(params=FRAMEWORKS)
def set_up(request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture) -> Callable[..., Any]:
    """Sets an application up twice, and finds what was said."""
    kind, install = FRAMEWORKS[request.param]

    def codes(policy: HttpPolicy | None) -> list[str]:
        caplog.clear()
        verifier = TokenVerifier(SharedKey.generate(), issuer="id", audience="api")
        auth = kind(verifier, http=policy)
        for _ in range(2):
            install(auth, debug=False)
        said = [record for record in caplog.records if record.name == "gatepass.transport"]
        assert {record.levelname for record in said} <= {"WARNING"}
        return [record.getMessage().partition(":")[0] for record in said]

    return codes


SAID: list[tuple[HttpPolicy | None, list[str]]] = [
    (None, ["W002"]),
    (HttpPolicy(cookies=OPEN, public_origins=SITE), ["W001", "W002"]),
    (HttpPolicy(cookies=OPEN, public_origins=[*HERE, *SITE]), ["W001", "W002"]),
    (HttpPolicy(cookies=OPEN, public_origins=SITE, https=Https()), ["W001"]),
    (HttpPolicy(cookies=Cookies(csrf_keys=KEYS), public_origins=SITE), ["W002"]),
    (HttpPolicy(cookies=Cookies(csrf_keys=KEYS), public_origins=SITE, https=Https()), []),
    (HttpPolicy(https=Https()), []),
    (HttpPolicy(cookies=OPEN, public_origins=HERE), []),
    (HttpPolicy(cookies=OPEN, public_origins=["http://127.0.0.1.example"]), ["W001", "W002"]),
]


def test_an_open_transport_is_told_once_unless_all_pages_are_on_this_machine(
    set_up: Callable[..., list[str]],
) -> None:
    for policy, said in SAID:
        with case(policy):
            assert set_up(policy) == said


@pytest.mark.parametrize("kind", ["fastapi", "flask"])
def test_an_application_in_debug_mode_is_development(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    auth_kind, install = FRAMEWORKS[kind]
    auth = auth_kind(TokenVerifier(SharedKey.generate(), issuer="id", audience="api"))
    install(auth, debug=True)
    assert caplog.records == []
    install(auth, debug=False)

    assert len(caplog.records) == 1
