"""The application under test in Flask."""

from datetime import timedelta

from flask import Flask, Response

from gatepass.flask import Auth
from tests.web.apps.observed import METRICS, hook, observed_wsgi
from tests.web.apps.parts import (
    FRESH_S,
    READER,
    WRITER,
    authenticate,
    change_password,
    limits,
    policy,
    proxy_gate,
    settings,
    shown,
)

auth = Auth(
    settings().manager(on_event=hook),
    authenticate=authenticate,
    change_password=change_password,
    limits=limits(),
    http=policy(),
    proxy_gate=proxy_gate(),
)
app = Flask(__name__)
auth.init_app(app)
METRICS.follow(auth)
app.wsgi_app = observed_wsgi(app.wsgi_app)  # type: ignore[assignment, method-assign]


def answer() -> Response:
    """The caller's subject."""
    claims = auth.find_claims()
    return Response(shown(claims), content_type="application/json")


@app.route("/open", methods=["GET", "POST"])
@auth.optional()
def anybody() -> Response:
    return answer()


@app.route("/private", methods=["GET", "POST"])
@auth.required()
def private() -> Response:
    return answer()


@app.get("/admin")
@auth.required(roles=["admin"])
def admin() -> Response:
    return answer()


@app.get("/reports")
@auth.required(scopes=READER)
@auth.required(scopes=WRITER)
def reports() -> Response:
    return answer()


@app.get("/transfer")
@auth.required(fresh=timedelta(seconds=FRESH_S))
def transfer() -> Response:
    return answer()
