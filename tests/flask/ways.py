"""All ways that Flask's documentation and its extensions know to attach a guard, used rightly.

Each serves a secret behind a guard at the address that it returns.
"""

import functools
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, Final

import flask_admin  # type: ignore[import-untyped]
import flask_restful  # type: ignore[import-untyped]
import flask_restx  # type: ignore[import-untyped]
from flask import Blueprint, Flask
from flask.views import MethodView, View
from flask_restful import fields

from gatepass.flask import Auth

Way = Callable[[Flask, Auth], str]


def secret(*_: object) -> str:
    return "secret"


def unguarded() -> str:
    """A view that only something around it guards."""
    return "secret"


async def later(*_: object) -> str:
    return "secret"


def promise() -> Awaitable[str]:
    """Not declared `async`, as functions behind many decorators are not."""
    return later()


def logged(view: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator as applications have them."""

    @functools.wraps(view)
    def wrapper() -> Any:
        return view()

    return wrapper


def timed(view: Callable[..., Any]) -> Callable[..., Any]:
    """The same for async views."""

    @functools.wraps(view)
    async def wrapper() -> Any:
        return await view()

    return wrapper


class Promising:
    """An instance as a view."""

    __name__ = "promising"

    def __call__(self) -> Awaitable[str]:
        """See `promise`."""
        return later()

    __hash__ = None  # type: ignore[assignment]


def _same(auth: Auth) -> Auth:
    """Another `Auth` of the same manager, which is not installed."""
    manager: Any = auth.manager
    return Auth(manager)


def _views() -> "dict[str, Callable[[Auth], Callable[..., Any]]]":
    return {
        "view": lambda auth: auth.required()(secret),
        "async view": lambda auth: auth.required()(later),
        "function that returns a coroutine": lambda auth: auth.required()(promise),
        "instance that returns a coroutine": lambda auth: auth.required()(Promising()),
        "partial": lambda auth: auth.required()(functools.partial(later, 1)),
        "decorators around": lambda auth: logged(auth.required()(logged(secret))),
        "async decorator around": lambda auth: timed(auth.required()(later)),
        "two guards": lambda auth: auth.required()(auth.required(roles=["admin"])(secret)),
        "two auths": lambda auth: _same(auth).optional()(auth.required()(secret)),
    }


def _rule(make: Callable[[Auth], Callable[..., Any]]) -> Way:
    def attach(app: Flask, auth: Auth) -> str:
        app.add_url_rule("/x", "x", make(auth))
        return "/x"

    return attach


def by_name(app: Flask, auth: Auth) -> str:
    app.add_url_rule("/x", "x")
    app.view_functions["x"] = auth.required()(secret)
    return "/x"


def in_both_forms_on_purpose(app: Flask, auth: Auth) -> str:
    app.add_url_rule("/open", "open", secret)
    app.add_url_rule("/x", "x", auth.required()(secret))
    return "/x"


def of_options_too(app: Flask, auth: Auth) -> str:
    view = auth.required()(secret)
    rule: dict[str, Any] = {"methods": ["GET", "OPTIONS"], "provide_automatic_options": False}
    app.add_url_rule("/x", "x", view, **rule)
    return "/x"


def decorators_of_a_class(app: Flask, auth: Auth) -> str:
    class Reports(View):
        decorators: ClassVar = [auth.required()]

        def dispatch_request(self) -> str:
            return secret()

    app.add_url_rule("/x", view_func=Reports.as_view("x"))
    return "/x"


def method_of_a_class(app: Flask, auth: Auth) -> str:
    class Reports(MethodView):
        @auth.required()
        async def get(self) -> str:
            return secret()

    app.add_url_rule("/x", view_func=Reports.as_view("x"))
    return "/x"


def nested_blueprints(app: Flask, auth: Auth) -> str:
    outer, inner = Blueprint("outer", __name__), Blueprint("inner", __name__)
    inner.get("/x")(auth.required()(secret))
    inner.register_error_handler(Exception, lambda _: ("theirs", 500))
    outer.register_blueprint(inner, url_prefix="/inner")
    app.register_blueprint(outer, url_prefix="/outer")
    return "/outer/inner/x"


def before_request_of_the_application(app: Flask, auth: Auth) -> str:
    app.before_request(auth.required()(lambda: None))
    app.add_url_rule("/x", view_func=unguarded)
    return "/x"


def before_request_of_a_blueprint(app: Flask, auth: Auth) -> str:
    # The name is that of the auth routes, which a guard leaves open.
    blueprint = Blueprint("mine" if "gatepass" in app.blueprints else "gatepass", __name__)
    blueprint.before_request(auth.required()(lambda: None))
    blueprint.add_url_rule("/x", view_func=unguarded)
    app.register_blueprint(blueprint)
    return "/x"


def _resource(base: type, view: Callable[..., Any], **attributes: object) -> type:
    return type("Reports", (base,), {"get": view, **attributes})


def restful_method(app: Flask, auth: Auth) -> str:
    flask_restful.Api(app).add_resource(
        _resource(flask_restful.Resource, auth.required()(secret)), "/x"
    )
    return "/x"


def restful_resource(app: Flask, auth: Auth) -> str:
    marshal = flask_restful.marshal_with({"secret": fields.String(default="secret")})
    decorators = [auth.required(), marshal]
    flask_restful.Api(app).add_resource(
        _resource(flask_restful.Resource, lambda _: {}, method_decorators=decorators), "/x"
    )
    return "/x"


def restful_api(app: Flask, auth: Auth) -> str:
    api = flask_restful.Api(app, decorators=[auth.required()])
    api.add_resource(_resource(flask_restful.Resource, secret), "/x")
    return "/x"


def _restx(app: Flask, **how: Any) -> Any:
    api = flask_restx.Api(app, doc=False, **how)
    api.errorhandler(Exception)(lambda _: ({"theirs": True}, 500))
    return api


def restx_method(app: Flask, auth: Auth) -> str:
    api = _restx(app)
    guarded = api.marshal_with({"secret": flask_restx.fields.String(default="secret")})(
        auth.required()(secret)
    )
    api.add_resource(_resource(flask_restx.Resource, guarded), "/x")
    return "/x"


def restx_resource(app: Flask, auth: Auth) -> str:
    decorators = [auth.required()]
    resource = _resource(flask_restx.Resource, secret, method_decorators=decorators)
    _restx(app).add_resource(resource, "/x")
    return "/x"


def restx_namespace(app: Flask, auth: Auth) -> str:
    namespace = flask_restx.Namespace("n", path="/n", decorators=[auth.required()])
    namespace.route("/x")(_resource(flask_restx.Resource, secret))
    _restx(app).add_namespace(namespace)
    return "/n/x"


def restx_api(app: Flask, auth: Auth) -> str:
    api = _restx(app, decorators=[auth.required()])
    api.add_resource(_resource(flask_restx.Resource, secret), "/x")
    return "/x"


def admin_views(app: Flask, auth: Auth) -> str:
    def handle(view: Any, name: str, **arguments: Any) -> Any:
        return flask_admin.BaseView._handle_view(view, name, **arguments)

    index = type(
        "Index",
        (flask_admin.AdminIndexView,),
        {"_handle_view": auth.required()(handle), "index": flask_admin.expose()(secret)},
    )
    flask_admin.Admin(app, index_view=index())
    return "/admin/"


WAYS: Final[dict[str, Way]] = {name: _rule(make) for name, make in _views().items()} | {
    way.__name__: way
    for way in (
        by_name,
        in_both_forms_on_purpose,
        of_options_too,
        decorators_of_a_class,
        method_of_a_class,
        nested_blueprints,
        before_request_of_the_application,
        before_request_of_a_blueprint,
        restful_method,
        restful_resource,
        restful_api,
        restx_method,
        restx_resource,
        restx_namespace,
        restx_api,
        admin_views,
    )
}
