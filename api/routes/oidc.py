"""Signing in by a provider: the way there and the way back, both by plain navigation of the browser."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from api.deps import ServicesDep
from api.form_pages import PRIVATE, form_page, message_page
from api.next_address import safe_next
from api.problems import detail_of, problem_for
from api.rates import address, rates_of, tried
from api.session_cookie import behind_tls, keep_session, session_of
from catalog.errors import CatalogError, DatabaseUnavailable
from catalog.identity import prefixed
from catalog.oidc import LIFE, Answer
from services import Services
from storage.link_base import current_link_base

router = APIRouter(include_in_schema=False)

CALLBACK = "/sign-in/callback"
"""Behind PUBLIC_URL this is the redirect URI to register with the provider."""
COOKIE = "datashelf_oidc"
SEE_OTHER = 303
FAILURES = (CatalogError, DatabaseUnavailable)


@router.get("/sign-in/oidc")
def set_out(request: Request, services: ServicesDep, after: Annotated[str, Query(alias="next")] = "") -> Response:
    """To the provider. Each sign-in has a cookie of its own, so that two tabs do not take one another's."""
    to = safe_next(after)
    try:
        # Counted until they are back and in: each is a row.
        rates_of(request).sign_in.take(address())
        began = services.oidc.set_out(to=to, redirect_uri=f"{current_link_base()}{CALLBACK}")
    except FAILURES as error:
        return _failed(services, error, to)
    response = RedirectResponse(began.address, SEE_OTHER, headers=PRIVATE)
    response.set_cookie(
        _cookie(services, began.key),
        began.secret,
        max_age=int(LIFE.total_seconds()),
        path="/",
        secure=behind_tls(request, services.settings),
        httponly=True,
        samesite="lax",  # the way back is a navigation from the provider's origin, which strict ones do not go with
    )
    return response


@router.get(CALLBACK)
def come_back(
    request: Request,
    services: ServicesDep,
    state: str = "",
    code: str | None = None,
    error: str | None = None,
    iss: str | None = None,
) -> Response:
    """From the provider: in, or to the sign-in page with a sentence why not."""
    answer = Answer(state, code, error, iss)
    cookie, limit = _cookie(services, answer.key), rates_of(request).sign_in
    try:
        with tried(limit):
            came = services.oidc.come_back(
                answer, secret=request.cookies.get(cookie), instead_of=session_of(request, services.settings)
            )
        limit.give_back(address())
    except FAILURES as failure:
        response: Response = _failed(services, failure, "")
    else:
        response = RedirectResponse(safe_next(came.to), SEE_OTHER, headers=PRIVATE)
        keep_session(response, request, services.settings, came.session)
    if cookie in request.cookies:
        response.delete_cookie(
            cookie, path="/", secure=behind_tls(request, services.settings), httponly=True, samesite="lax"
        )
    return response


def _cookie(services: Services, key: str) -> str:
    return prefixed(f"{COOKIE}_{key}", services.settings.public_url)


def _failed(services: Services, error: Exception, to: str) -> HTMLResponse:
    problem = problem_for(error)
    if services.settings.auth.mode != "oidc":
        return message_page(problem.title, detail_of(error), status=problem.status)
    return form_page(
        "sign_in_elsewhere.html",
        status=problem.status,
        error=detail_of(error),
        told="",
        href=f"/sign-in/oidc?{urlencode({'next': safe_next(to)})}",
        label=services.settings.auth.oidc_label,
    )
