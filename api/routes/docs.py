"""The API's own documentation page, its scripts served from here: it works with no way out to a CDN."""

from __future__ import annotations

from pathlib import Path

import fastapi_offline
from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.staticfiles import StaticFiles
from starlette.responses import HTMLResponse

from api.routes import API
from api.security_headers import documentation

ASSETS = f"{API}/docs/assets"
SCRIPTS = Path(fastapi_offline.__file__).parent / "static"


def install(app: FastAPI, *, openapi_url: str) -> None:
    """Serve Swagger UI at /api/ml/v1/docs, its files beside it."""

    def page() -> HTMLResponse:
        shown = get_swagger_ui_html(
            openapi_url=openapi_url,
            title="Datashelf API",
            swagger_js_url=f"{ASSETS}/swagger-ui-bundle.js",
            swagger_css_url=f"{ASSETS}/swagger-ui.css",
            swagger_favicon_url=f"{ASSETS}/favicon.png",
        )
        shown.headers["Content-Security-Policy"] = documentation(bytes(shown.body).decode())
        return shown

    app.mount(ASSETS, StaticFiles(directory=SCRIPTS), name="docs-assets")
    app.add_api_route(f"{API}/docs", page, include_in_schema=False, response_class=HTMLResponse)
