"""An application on Flask-JWT-Extended."""

import os

from flask import Flask, request
from flask.typing import ResponseReturnValue
from flask_jwt_extended import (
    JWTManager,
    create_access_token,
    create_refresh_token,
    get_jwt_identity,
    jwt_required,
)

app = Flask(__name__)
app.config["JWT_SECRET_KEY"] = os.environ["JWT_LEGACY_SECRET"]
JWTManager(app)


@app.post("/login")
def log_in() -> ResponseReturnValue:
    name = request.json["username"]
    return {
        "access": create_access_token(name, fresh=True),
        "refresh": create_refresh_token(name),
    }


@app.post("/refresh")
@jwt_required(refresh=True)  # type: ignore[untyped-decorator]
def refresh() -> ResponseReturnValue:
    return {"access": create_access_token(get_jwt_identity(), fresh=False)}


@app.get("/me")
@jwt_required()  # type: ignore[untyped-decorator]
def me() -> ResponseReturnValue:
    return {"name": get_jwt_identity()}
