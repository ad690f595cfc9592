"""The same application on gatepass, for clients that know the old routes only."""

from flask import Flask, request
from flask.typing import ResponseReturnValue

from gatepass.errors import SessionError, TokenError
from gatepass.flask import Auth
from gatepass.settings import TokenSettings

app = Flask(__name__)
manager = TokenSettings.from_env().manager()
auth = Auth(manager, authenticate=lambda _name, _password: None)
auth.init_app(app)


@app.post("/refresh")
def refresh() -> ResponseReturnValue:
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    try:
        pair = manager.refresh(token)
    except (TokenError, SessionError):
        return {"msg": "log in again"}, 401
    return {"access": pair.access_token, "refresh": pair.refresh_token}


@app.get("/me")
@auth.required()
def me() -> ResponseReturnValue:
    return {"name": auth.claims.subject}
