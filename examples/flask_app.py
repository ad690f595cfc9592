"""Flask: run it with `gunicorn flask_app:app`."""

from datetime import timedelta

from flask import Flask

from gatepass.flask import Auth, Identity
from gatepass.settings import HttpSettings, TokenSettings

ACCOUNTS = {"ada": ("correct horse battery", {"role": "admin"})}
manager = TokenSettings.from_env().manager()


def authenticate(username: str, password: str) -> Identity | None:
    """Look the account up; the epoch is read first, so that a changed password wins."""
    epoch = manager.subject_epoch(username)
    known, claims = ACCOUNTS.get(username, (None, {}))
    return Identity(username, claims, epoch) if password == known else None


app = Flask(__name__)
auth = Auth(manager, authenticate=authenticate, http=HttpSettings.from_env().policy)
auth.init_app(app)


@app.get("/profile")
@auth.required()
def profile() -> dict[str, str]:
    """Everybody who is logged in."""
    return {"subject": auth.claims.subject}


@app.get("/admin")
@auth.required(roles=["admin"])
def admin() -> dict[str, str]:
    """Administrators only."""
    return {"subject": auth.claims.subject}


@app.post("/transfer")
@auth.required(fresh=timedelta(minutes=5))
def transfer() -> dict[str, str]:
    """Whoever gave the password within five minutes."""
    return {"subject": auth.claims.subject}
