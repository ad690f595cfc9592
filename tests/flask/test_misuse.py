"""Guards that are made, or asked, where they guard nothing."""

import socket
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from subprocess import DEVNULL
from typing import Any, Final

import flask_admin  # type: ignore[import-untyped]
import httpx
import pytest
from flask import Flask, request
from werkzeug.test import run_wsgi_app

from gatepass.errors import GuardMisused
from gatepass.flask import Auth
from tests.budget import PATIENCE_S
from tests.flask.test_auth import bearer, make_manager
from tests.project.files import ROOT
from tests.servers.programs import program_of

Misuse = Callable[[Flask, Auth], object]


def unguarded() -> str:
    return "secret"


def _in_view(use: Callable[[Auth], object], *, is_async: bool = False) -> Misuse:
    def build(app: Flask, auth: Auth) -> None:
        def view() -> str:
            use(auth)
            return "secret"

        async def later() -> str:
            return view()

        app.add_url_rule("/x", view_func=later if is_async else view)

    return build


def in_before_request(app: Flask, auth: Auth) -> None:
    def check() -> None:
        auth.required()

    app.before_request(check)
    app.add_url_rule("/x", view_func=unguarded)


def _asked_of_a_request(app: Flask, auth: Auth) -> None:
    guard: Any = auth.required()

    def view() -> str:
        return "secret" if guard(request) else ""

    app.add_url_rule("/x", view_func=view)


def _given(guard: object, *_: object) -> object:
    return guard


def _admin(is_accessible: Callable[[Auth], object]) -> Misuse:
    def build(app: Flask, auth: Auth) -> None:
        page = flask_admin.expose()(lambda *_: "secret")
        held = {"is_accessible": is_accessible(auth), "index": page}
        view = type("Page", (flask_admin.BaseView,), held)(endpoint="x", url="/x/")
        flask_admin.Admin(app).add_view(view)

    return build


MISUSES: dict[str, Misuse] = {
    "a view that makes a guard": _in_view(lambda auth: auth.required()),
    "a view that makes an optional one": _in_view(lambda auth: auth.optional()),
    "an async view": _in_view(lambda auth: auth.required(), is_async=True),
    "a before_request": in_before_request,
    "a guard asked of a request": _asked_of_a_request,
    "is_accessible is a guard": _admin(lambda auth: auth.required()),
    "is_accessible is a static guard": _admin(lambda auth: staticmethod(auth.required())),
    "is_accessible makes a guard": _admin(lambda auth: lambda _: auth.required()),
    "is_accessible returns a guard": _admin(
        lambda auth: staticmethod(partial(_given, auth.required()))
    ),
}


@pytest.mark.parametrize("build", MISUSES.values(), ids=MISUSES)
@pytest.mark.parametrize("is_testing", [False, True])
def test_a_guard_that_nothing_asks_is_an_error_and_opens_nothing(
    build: Misuse, *, is_testing: bool
) -> None:
    app, manager = Flask(__name__), make_manager()
    auth = Auth(manager)
    auth.init_app(app)
    build(app, auth)
    app.testing = is_testing
    client = app.test_client()
    for headers in ({}, bearer(manager.issue("ada").access_token)):
        if is_testing:
            with pytest.raises(GuardMisused, match=r"makes a guard|is a decorator"):
                client.get("/x", headers=headers, follow_redirects=True)
        else:
            answer = client.get("/x", headers=headers, follow_redirects=True)

            assert (answer.status_code, "secret" in answer.text) == (500, False)


@pytest.mark.parametrize("given", [(), (None,), (object(),), (request,), (unguarded, unguarded)])
def test_a_guard_takes_one_function_and_nothing_else(given: tuple[Any, ...]) -> None:
    guard: Any = Auth(make_manager()).required()

    for use in (guard, lambda *_: bool(guard)):
        with pytest.raises(GuardMisused, match="a guard wraps one function"):
            use(*given)


@pytest.mark.parametrize("name", ["scopes", "roles"])
def test_a_guard_of_nothing_is_rejected(name: str) -> None:
    empty: dict[str, Any] = {name: []}

    with pytest.raises(ValueError, match=f"{name} is empty"):
        Auth(make_manager()).required(**empty)


def _make_application(auth: Auth) -> Flask:
    app = Flask(__name__)
    app.add_url_rule("/x", "x", auth.required()(lambda: "secret"))
    return app


def test_commands_contexts_and_dispatchers_make_guards() -> None:
    auth = Auth(make_manager())
    app = _make_application(auth)
    app.cli.command("make")(lambda: str(auth.required()))
    made = app.test_cli_runner().invoke(args=["make"])
    with app.app_context():
        auth.required()

    def dispatch(environ: Any, start_response: Any) -> Any:
        """As Flask's "Application Dispatching" makes an application for each subdomain."""
        return _make_application(auth)(environ, start_response)

    with app.test_request_context("/x") as context:
        environ = context.request.environ
    status = run_wsgi_app(dispatch, environ)[1]

    assert (made.exit_code, status) == (0, "401 UNAUTHORIZED")


def _in_a_test_context(make: Callable[[], Flask]) -> Flask:
    with Flask("outer").test_request_context("/"):
        return make()


def _after_a_response_whose_context_is_kept(make: Callable[[], Flask]) -> Flask:
    with _make_application(AUTH).test_client() as client:
        client.get("/x")
        return make()


@pytest.mark.parametrize(
    "place",
    [
        _in_a_test_context,
        _after_a_response_whose_context_is_kept,
    ],
)
def test_an_application_is_made_in_the_context_of_a_test(
    place: Callable[[Callable[[], Flask]], Flask],
) -> None:
    auth = Auth(make_manager())

    def with_a_guard_above_the_route() -> Flask:
        app = _make_application(auth)
        auth.required()(app.get("/wrong")(lambda: "secret"))
        return app

    right, wrong = place(partial(_make_application, auth)), place(with_a_guard_above_the_route)

    assert right.test_client().get("/x").status_code == 401
    assert wrong.test_client().get("/wrong").status_code == 500


_SITE: Final = """
from flask import Flask
from werkzeug.utils import import_string

from tests.flask.test_misuse import AUTH

app = Flask(__name__)
AUTH.init_app(app)

@app.get("/lazy")
def lazy():
    return import_string("lazy_views.guarded")()

@app.get("/late")
def late():
    AUTH.required()
    return "secret"
"""
_VIEWS: Final = """
from tests.flask.test_misuse import AUTH, unguarded

guarded = AUTH.required()(unguarded)
"""
AUTH = Auth(make_manager())


@pytest.mark.workers
def test_a_view_is_imported_at_the_first_request_of_a_server(tmp_path: Path) -> None:
    (tmp_path / "site_of_flask.py").write_text(_SITE)
    (tmp_path / "lazy_views.py").write_text(_VIEWS)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        bind = f"fd://{listening.fileno()}"
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        gunicorn = [sys.executable, "-m", "gunicorn", "--threads", "2", "-b", bind]
        gunicorn += ["--pythonpath", f"{ROOT},{tmp_path}", "site_of_flask:app"]
        with (
            program_of(gunicorn, cwd=tmp_path, pass_fds=[listening.fileno()], stderr=DEVNULL),
            httpx.Client(base_url=url) as client,
        ):
            statuses = [client.get(path).status_code for path in ("/late", "/lazy", "/lazy")]

    assert statuses == [500, 401, 401]


def test_a_guard_that_should_end_a_view_is_rejected_with_its_cure() -> None:
    auth = Auth(make_manager())
    with pytest.raises(GuardMisused, match=r"auth\.watch\(claims, on_end=…\)"):
        auth.required(watch=True)


def test_a_view_is_told_of_the_end_of_its_session() -> None:
    manager, told = make_manager(), threading.Event()
    auth, reasons = Auth(manager), []
    pair = manager.issue("ada")

    def on_end(reason: str) -> None:
        reasons.append(reason)
        told.set()

    with auth.watch(manager.verify(pair.access_token), on_end=on_end):
        manager.revoke_session(pair.session_id)

        assert told.wait(PATIENCE_S)
    assert reasons == ["token_revoked"]
