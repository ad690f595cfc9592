"""Pages for people: `/` says what this is, and `/docs` calls the routes.

All links are relative, so that the pages work below the prefix of a proxy.
"""

from pathlib import Path
from typing import Final

import fastapi_offline
from fastapi import FastAPI, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.staticfiles import StaticFiles

from gatepass.fastapi.responses import send
from gatepass.http import answer_json

_FILES: Final = "static-offline-docs"
_NO_FRAMES: Final = ("Content-Security-Policy", "frame-ancestors 'none'")


def add_pages(app: FastAPI, *, has_docs: bool) -> None:
    """Add both pages; without `has_docs` only the first."""
    shown = {"service": "gatepass", "keys": ".well-known/jwks.json"}

    @app.head("/", include_in_schema=False)
    @app.get("/", include_in_schema=False)
    async def start() -> Response:
        return send(answer_json(shown | ({"docs": "docs"} if has_docs else {})))

    if not has_docs:
        return
    static = Path(fastapi_offline.__file__).parent / "static"
    app.mount(f"/{_FILES}", StaticFiles(directory=static), name=_FILES)

    @app.head("/docs", include_in_schema=False)
    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        page = get_swagger_ui_html(
            openapi_url="openapi.json",
            title=f"{app.title} - Swagger UI",
            swagger_js_url=f"{_FILES}/swagger-ui-bundle.js",
            swagger_css_url=f"{_FILES}/swagger-ui.css",
            swagger_favicon_url=f"{_FILES}/favicon.png",
            swagger_ui_parameters=app.swagger_ui_parameters,
        )
        page.headers.append(*_NO_FRAMES)
        return page
