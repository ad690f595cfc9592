"""The application under test in FastAPI."""

from datetime import timedelta
from typing import Annotated

from fastapi import Depends, FastAPI, Response, WebSocket

from gatepass import AccessClaims
from gatepass.fastapi import Auth
from tests.web.apps.observed import METRICS, hook, observed
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
    settings().async_manager(on_event=hook),
    authenticate=authenticate,
    change_password=change_password,
    limits=limits(),
    http=policy(),
    proxy_gate=proxy_gate(),
)
api = FastAPI(redirect_slashes=False)
auth.install(api)
METRICS.follow(auth)

Caller = Annotated[AccessClaims, Depends(auth.required())]
Admin = Annotated[AccessClaims, Depends(auth.required(roles=["admin"]))]
Writer = Annotated[AccessClaims, Depends(auth.required(scopes=WRITER))]
Fresh = Annotated[AccessClaims, Depends(auth.required(fresh=timedelta(seconds=FRESH_S)))]


def answer(claims: AccessClaims | None) -> Response:
    """The caller's subject."""
    return Response(shown(claims), media_type="application/json")


@api.api_route("/open", methods=["GET", "POST"])
async def anybody(claims: Annotated[AccessClaims | None, Depends(auth.optional())]) -> Response:
    return answer(claims)


@api.api_route("/private", methods=["GET", "POST"])
async def private(claims: Caller) -> Response:
    return answer(claims)


@api.get("/admin")
async def admin(claims: Admin) -> Response:
    return answer(claims)


@api.get("/reports", dependencies=[Depends(auth.required(scopes=READER))])
async def reports(claims: Writer) -> Response:
    return answer(claims)


@api.get("/transfer")
async def transfer(claims: Fresh) -> Response:
    return answer(claims)


@api.websocket("/live")
async def live(websocket: WebSocket, claims: Caller) -> None:
    await websocket.accept()
    await websocket.send_text(shown(claims).decode())
    await websocket.close()


app = observed(api)
