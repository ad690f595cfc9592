"""Routes that answer with claims, and claims that no guard gives."""

from typing import Annotated, Any

import pydantic
import pytest
from fastapi import Body, Depends, FastAPI

from gatepass import AccessClaims, AsyncTokenManager
from gatepass.errors import GuardMisused
from gatepass.fastapi import Auth
from tests.asgi.conftest import kind, manager
from tests.fastapi.attached import ask, auth, bearer

pytestmark = pytest.mark.anyio
__all__ = ["auth", "kind", "manager"]


class Profile(pydantic.BaseModel):
    claims: AccessClaims


async def test_a_route_returns_the_claims(auth: Auth, manager: AsyncTokenManager) -> None:
    app = FastAPI()
    auth.install(app)
    caller = Annotated[AccessClaims, Depends(auth.required())]

    @app.get("/typed")
    async def typed(claims: caller) -> AccessClaims:
        return claims

    @app.get("/untyped")
    async def untyped(claims: caller):  # type: ignore[no-untyped-def] # noqa: ANN202
        return claims

    @app.get("/inside")
    async def inside(claims: caller) -> Profile:
        return Profile(claims=claims)

    header = await bearer(manager)
    async with ask(app) as client:
        found = [(await client.get(at, headers=header)).json() for at in ("/typed", "/untyped")]
        nested = (await client.get("/inside", headers=header)).json()
        document = (await client.get("/openapi.json")).json()

    assert found == [nested["claims"]] * 2
    assert (nested["claims"]["sub"], nested["claims"]["scope"]) == ("ada", "read")
    answer = document["paths"]["/typed"]["get"]["responses"]["200"]["content"]["application/json"]
    assert answer["schema"]["type"] == "object"


@pytest.mark.parametrize(
    "annotation", [AccessClaims, AccessClaims | None, Annotated[AccessClaims, Body()]]
)
async def test_claims_that_no_guard_gives_are_a_mistake(auth: Auth, annotation: Any) -> None:
    app = FastAPI()
    auth.install(app)

    def view(claims: Any = None) -> str:
        return str(claims)

    view.__annotations__["claims"] = annotation
    app.post("/x")(view)

    async with ask(app) as client:
        with pytest.raises(GuardMisused, match=r"write claims: Annotated\[AccessClaims, Depends"):
            await client.post("/x", json={"sub": "mallory"})
