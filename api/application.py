"""Puts the API together: routes, errors, guard and log onto the FastAPI app that `app.py` serves."""

from __future__ import annotations

from urllib.parse import unquote

from fastapi import Depends, FastAPI
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from api import openapi, problems, turns
from api.body_limit import LONGEST_BODY, AnnouncedBodyLimit
from api.deps import begin_call
from api.entrance import Entrance
from api.forwarded import Forwarded
from api.guard import Guard
from api.large_bodies import LargeBodies
from api.rates import Rates
from api.requests_log import RequestsLog
from api.routes import (
    API,
    access,
    activity,
    contents,
    datasets,
    docs,
    doctor,
    files,
    health,
    inspect,
    me,
    objects,
    oidc,
    parts,
    people,
    relay,
    requests,
    shared,
    shares,
    sign_in,
    tokens,
    trash,
    uploads,
)
from api.security_headers import SecurityHeaders
from settings import Settings

OPENAPI_URL = f"{API}/openapi.json"
OURS = ("/api/", "/s/", "/metrics/")
BYTES_AT = (f"{API}/objects/", f"{API}/relay/")
"""Where bytes of files pass: as many as their signed address says, of whoever has it."""
UNUSED = "/_stcore/upload_file/"
"""Where Streamlit keeps in memory what its own uploader sends, which no screen has; it asks nobody who they are."""


def install(app: FastAPI, settings: Settings, *, screens: ASGIApp, page: str) -> None:
    """Add everything under /api, /metrics and /s to `app`; whatever else is asked for goes to `screens`, whose `page`
    is the HTML that all of them begin with."""
    app.state.rates = Rates.of(settings)
    linked = [Depends(begin_call)]
    for resource in (datasets, access, uploads, inspect, files, parts, trash, contents, doctor, tokens, activity):
        app.include_router(resource.router, dependencies=linked, max_body_size=LONGEST_BODY)
    for resource in (sign_in, oidc, me, people):
        app.include_router(resource.router, dependencies=linked, max_body_size=LONGEST_BODY)
    app.include_router(shares.router, dependencies=linked, max_body_size=LONGEST_BODY)
    app.include_router(shared.router, dependencies=linked, max_body_size=LONGEST_BODY)
    app.include_router(requests.router, dependencies=linked, max_body_size=LONGEST_BODY)
    app.include_router(requests.public, dependencies=linked, max_body_size=LONGEST_BODY)
    app.include_router(objects.router)
    app.include_router(relay.router)
    app.include_router(health.router)
    docs.install(app, openapi_url=OPENAPI_URL)
    problems.install(app)
    openapi.install(app)
    turns.install(app)
    app.add_middleware(LargeBodies, settings=settings, exempt=BYTES_AT)
    app.add_middleware(AnnouncedBodyLimit, exempt=BYTES_AT)
    app.add_middleware(Guard, hosts=settings.allowed_hosts, public_url=settings.public_url)
    app.add_middleware(SecurityHeaders, settings=settings, page=page)
    app.add_middleware(Forwarded, settings=settings)
    app.add_middleware(RequestsLog)

    entrance = Entrance(screens, settings=settings)

    async def otherwise(scope: Scope, receive: Receive, send: Send) -> None:
        # The screens answer every address with 200 and a page; a mistyped or later address of the API must not.
        if scope["type"] == "http" and (f"{scope['path']}/".startswith(OURS) or _is_unused(scope["path"])):
            raise HTTPException(404, f"There is nothing at {scope['path'][:200]}.")
        await entrance(scope, receive, send)

    app.router.default = otherwise


def _is_unused(path: str) -> bool:
    """Below whatever prefix, and however often it is encoded or its slashes are doubled. `Guard` bounds its length."""
    while (plain := unquote(path)) != path:
        path = plain
    return UNUSED in "/".join(["", *(part for part in path.replace("\\", "/").lower().split("/") if part), ""])
