"""Guards that would guard nothing are refused, and not served to everybody."""

import gc
from collections.abc import Callable
from typing import Any

import pytest
from flask import Blueprint, Flask, session
from flask.views import MethodView

from gatepass.errors import GuardMisused
from gatepass.flask import Auth, HttpPolicy
from tests.flask.test_auth import bearer, make_manager
from tests.flask.ways import logged

Build = Callable[[Flask, Auth], object]


def secret() -> str:
    return "secret"


def view() -> Callable[[], str]:
    """Another view each time."""

    def x() -> str:
        return secret()

    return x


def above_a_blueprints_route(app: Flask, auth: Auth) -> None:
    blueprint = Blueprint("late", __name__)
    auth.required()(blueprint.get("/x")(view()))
    app.register_blueprint(blueprint)


def above_a_before_request(app: Flask, auth: Auth) -> None:
    blueprint = Blueprint("whole", __name__)
    auth.required()(blueprint.before_request(lambda: None))
    blueprint.add_url_rule("/x", view_func=secret)
    app.register_blueprint(blueprint)


def around_what_was_registered_for_a_class(app: Flask, auth: Auth) -> None:
    reports: Any = type("Reports", (MethodView,), {"get": lambda _: secret()})
    registered = reports.as_view("x")
    app.add_url_rule("/x", view_func=registered)
    auth.required()(registered)


BUILDS: dict[str, Build] = {
    "above": lambda app, auth: auth.required()(app.get("/x")(view())),
    "above, another between": lambda app, auth: auth.required()(logged(app.get("/x")(view()))),
    "above, another below": lambda app, auth: auth.required()(app.get("/x")(logged(view()))),
    "the stricter of two above": lambda app, auth: auth.required(roles=["admin"])(
        app.get("/x")(auth.required()(view()))
    ),
    "above a blueprint's route": above_a_blueprints_route,
    "above a before_request": above_a_before_request,
    "around what was registered for a class": around_what_was_registered_for_a_class,
}


@pytest.mark.parametrize("build", BUILDS.values(), ids=BUILDS)
@pytest.mark.parametrize("installed", ["before", "after", "never"])
def test_a_guard_above_the_route_lets_nobody_in(build: Build, installed: str) -> None:
    app, auth = Flask(__name__), Auth(make_manager())
    if installed == "before":
        auth.init_app(app)
    build(app, auth)
    if installed == "after":
        auth.init_app(app)
    del auth
    gc.collect()  # an application factory drops the guard that nothing calls, and the `Auth`
    client = app.test_client()
    statuses = [client.get(path).status_code for path in ("/x", "/x", "/auth/me")]

    assert statuses == [500, 500, 500]
    app.testing = True
    with pytest.raises(GuardMisused, match=r"without its guard.*below the decorator"):
        client.get("/x")


@pytest.mark.parametrize("name", ["required", "optional"])
def test_a_guard_without_parentheses_is_refused_where_it_is_written(name: str) -> None:
    guard: Any = getattr(Auth(make_manager()), name)

    with pytest.raises(GuardMisused, match=rf"write auth\.{name}\(\)"):
        guard(secret)


def test_a_guard_around_a_class_says_where_it_belongs() -> None:
    auth: Any = Auth(make_manager())

    with pytest.raises(GuardMisused, match=r"decorators = \[auth\.required\(\)\]"):
        auth.required()(MethodView)


@pytest.mark.parametrize("installed", [True, False])
def test_the_decorators_of_a_resource_are_none_of_a_class_based_view(*, installed: bool) -> None:
    app, auth = Flask(__name__), Auth(make_manager())
    if installed:
        auth.init_app(app)
    held: dict[str, Any] = {"get": lambda _: secret(), "method_decorators": [auth.required()]}
    reports: Any = type("Reports", (MethodView,), held)
    app.add_url_rule("/x", view_func=logged(reports.as_view("x")))
    app.testing = True

    with pytest.raises(GuardMisused, match=r"the view 'x'.*decorators = \[auth\.required\(\)\]"):
        app.test_client().get("/x")


def test_a_policy_that_was_never_installed_is_told() -> None:
    manager = make_manager()
    app, auth = (
        Flask(__name__),
        Auth(manager, http=HttpPolicy(allowed_origins=["https://a.example"])),
    )
    app.add_url_rule("/x", view_func=auth.required()(secret))
    app.testing = True

    with pytest.raises(GuardMisused, match=r"call auth\.init_app\(app\)"):
        app.test_client().get("/x", headers=bearer(manager.issue("ada").access_token))


def test_one_function_may_be_guarded_in_one_application_and_open_in_another() -> None:
    outside, inside, auth = Flask("outside"), Flask("inside"), Auth(make_manager())
    auth.init_app(outside)

    def report() -> str:
        return "report"

    outside.add_url_rule("/x", view_func=auth.required()(report))
    inside.add_url_rule("/x", view_func=report)
    statuses = [app.test_client().get("/x").status_code for app in (inside, outside)]
    del outside
    gc.collect()
    again = Flask("again")
    again.add_url_rule("/x", view_func=report)

    assert statuses == [200, 401]
    assert again.test_client().get("/x").status_code == 200


def test_a_session_of_flask_leaves_the_caches_told() -> None:
    manager = make_manager()
    policy = HttpPolicy(allowed_origins=["https://a.example"])
    app, auth = Flask(__name__), Auth(manager, http=policy)
    auth.init_app(app)
    app.secret_key = "a secret of Flask"

    def visit() -> tuple[str, dict[str, str]]:
        session["visited"] = True
        return "", {"Vary": "Accept-Encoding"}

    app.add_url_rule("/x", view_func=auth.required()(auth.required()(visit)))
    headers = bearer(manager.issue("ada").access_token)
    lines = app.test_client().get("/x", headers=headers).headers.getlist("Vary")

    assert lines == ["Accept-Encoding, Authorization, Origin, Cookie"]


def test_a_blueprint_is_no_application_to_install_on() -> None:
    auth: Any = Auth(make_manager())

    with pytest.raises(GuardMisused, match="takes the Flask application, not Blueprint"):
        auth.init_app(Blueprint("late", __name__))
