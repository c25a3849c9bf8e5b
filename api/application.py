"""Puts the API together: routes, errors, guard and log onto the FastAPI app that `app.py` serves."""

from __future__ import annotations

from fastapi import Depends, FastAPI
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from api import openapi, problems, turns
from api.body_limit import LONGEST_BODY, AnnouncedBodyLimit
from api.deps import set_link_base
from api.guard import Guard
from api.requests_log import RequestsLog
from api.routes import (
    API,
    contents,
    datasets,
    docs,
    doctor,
    files,
    health,
    inspect,
    objects,
    parts,
    relay,
    trash,
    uploads,
)
from settings import Settings

OPENAPI_URL = f"{API}/openapi.json"
OURS = ("/api/", "/s/", "/metrics/")


def install(app: FastAPI, settings: Settings, *, screens: ASGIApp) -> None:
    """Add everything under /api, /metrics and /s to `app`; whatever else is asked for goes to `screens`."""
    linked = [Depends(set_link_base)]
    for resource in (datasets, uploads, inspect, files, parts, trash, contents, doctor):
        app.include_router(resource.router, dependencies=linked, max_body_size=LONGEST_BODY)
    app.include_router(objects.router)
    app.include_router(relay.router)
    app.include_router(health.router)
    docs.install(app, openapi_url=OPENAPI_URL)
    problems.install(app)
    openapi.install(app)
    turns.install(app)
    app.add_middleware(AnnouncedBodyLimit, exempt=(f"{API}/objects/", f"{API}/relay/"))
    app.add_middleware(Guard, hosts=settings.allowed_hosts, public_url=settings.public_url)
    app.add_middleware(RequestsLog)

    async def otherwise(scope: Scope, receive: Receive, send: Send) -> None:
        # The screens answer every address with 200 and a page; a mistyped or later address of the API must not.
        if scope["type"] == "http" and f"{scope['path']}/".startswith(OURS):
            raise HTTPException(404, f"There is nothing at {scope['path'][:200]}.")
        await screens(scope, receive, send)

    app.router.default = otherwise
