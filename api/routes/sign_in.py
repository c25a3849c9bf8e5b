"""Signing in and out, the first admin's set-up and choosing a password: pages with a form, for people.

A form is refused where another origin sends it (`api.guard`). Tries are counted by address here, by person in the
catalogue.
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from api.credentials import presented_by
from api.deps import ServicesDep
from api.form_pages import STYLE, form_page, message_page
from api.next_address import safe_next
from api.problems import HEADERS, detail_of, problem_for
from api.rates import rates_of, tried
from api.session_cookie import drop_session, keep_session, session_of
from catalog.errors import CatalogError, DatabaseUnavailable, LinkEnded, NotSignedIn, TooManyAttempts
from catalog.sign_in import NO_PASSWORDS, Offer
from services import Services
from settings import SHORTEST_PASSWORD

router = APIRouter(include_in_schema=False)

Field = Annotated[str, Form()]
Token = Annotated[str, Query()]
Next = Annotated[str, Query(alias="next")]

FAILURES = (CatalogError, DatabaseUnavailable)
PROXIED = (
    "The proxy before this shelf says that you are {name}. If a screen sent you here, the proxy does not say so on its "
    "WebSocket (/_stcore/stream): an admin should let it send the same headers there."
)
SEE_OTHER = 303
"""RFC 9110, 15.4.4: after a form, look elsewhere, with GET."""


@router.get("/sign-in/form_page.css")
def style() -> FileResponse:
    return FileResponse(STYLE, media_type="text/css", headers={"Cache-Control": "public, max-age=3600"})


@router.get("/sign-in")
def show_sign_in(
    request: Request, services: ServicesDep, after: Next = "", out: Annotated[str, Query()] = ""
) -> Response:
    """The way in of this shelf; whoever is in already goes on."""
    try:
        caller = services.identity.caller(presented_by(request, services.settings))
    except NotSignedIn as error:
        return _sign_in_page(services, after, said=str(error), told="You are signed out." if out else "")
    except FAILURES as error:
        return _failed(error)
    if services.settings.auth.mode == "header":
        # Where a proxy names people on pages and not on the WebSocket, going on would lead back here for ever.
        return message_page("You are signed in", PROXIED.format(name=caller.name), href=safe_next(after), link="Go on")
    return RedirectResponse(safe_next(after), SEE_OTHER)


@router.post("/sign-in")
def sign_in(
    request: Request,
    services: ServicesDep,
    login: Field = "",
    password: Field = "",
    after: Annotated[str, Form(alias="next")] = "",
) -> Response:
    """The same answer whatever of the two is wrong, and whoever it is."""
    old = session_of(request, services.settings)
    try:
        with tried(rates_of(request).sign_in):
            secret = services.sign_in.by_password(login, password, instead_of=old)
    except FAILURES as error:
        status, headers = _status(error)
        return _sign_in_page(services, after, error=detail_of(error), login=login, status=status, headers=headers)
    return _come_in(request, services, secret, safe_next(after))


@router.post("/sign-out")
def sign_out(request: Request, services: ServicesDep) -> Response:
    """Ends the session, so that every tab of the browser is out at its next move."""
    secret = session_of(request, services.settings)
    if secret is not None:
        services.sessions.end(secret)
    response = RedirectResponse("/sign-in?out=1", SEE_OTHER, headers={"Cache-Control": "no-store"})
    drop_session(response, request, services.settings)
    return response


@router.get("/set-up")
def show_set_up(services: ServicesDep, token: Token = "") -> Response:
    try:
        return _set_up_page(services.sign_in.set_up_offer(token), token)
    except FAILURES as error:
        return _failed(error)


@router.post("/set-up")
def set_up(
    request: Request,
    services: ServicesDep,
    token: Token = "",
    name: Field = "",
    email: Field = "",
    password: Field = "",
) -> Response:
    """Makes the first admin, who is then signed in."""
    old = session_of(request, services.settings)
    try:
        offer = services.sign_in.set_up_offer(token)
    except FAILURES as error:
        return _failed(error)
    try:
        with tried(rates_of(request).sign_in):
            secret = services.sign_in.set_up(token, name=name, email=email, password=password, instead_of=old)
    except LinkEnded as error:
        return _failed(error)
    except FAILURES as error:
        status, headers = _status(error)
        return _set_up_page(
            offer, token, error=detail_of(error), name=name, email=email, status=status, headers=headers
        )
    return _come_in(request, services, secret, "/")


@router.get("/set-password")
def show_set_password(services: ServicesDep, token: Token = "") -> Response:
    try:
        return _password_page(services.sign_in.password_offer(token), token)
    except FAILURES as error:
        return _failed(error)


@router.post("/set-password")
def set_password(request: Request, services: ServicesDep, token: Token = "", password: Field = "") -> Response:
    """The person the link is for is signed in with it."""
    old = session_of(request, services.settings)
    try:
        offer = services.sign_in.password_offer(token)
    except FAILURES as error:
        return _failed(error)
    try:
        with tried(rates_of(request).sign_in):
            secret = services.sign_in.set_password(token, password, instead_of=old)
    except LinkEnded as error:
        return _failed(error)
    except FAILURES as error:
        status, headers = _status(error)
        return _password_page(offer, token, error=detail_of(error), status=status, headers=headers)
    return _come_in(request, services, secret, "/")


def _sign_in_page(
    services: Services,
    after: str,
    *,
    error: str = "",
    told: str = "",
    said: str = "",
    login: str = "",
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> HTMLResponse:
    mode, goes_to = services.settings.auth.mode, safe_next(after)
    if mode == "password":
        return form_page(
            "sign_in.html", status=status, headers=headers, error=error, told=told, login=login, next=goes_to
        )
    if mode == "oidc":
        return form_page(
            "sign_in_elsewhere.html",
            status=status,
            headers=headers,
            error=error,
            told=told,
            href=f"/sign-in/oidc?{urlencode({'next': goes_to})}",
            label=services.settings.auth.oidc_label,
        )
    sentence = error or said or NO_PASSWORDS
    return message_page("Not signed in", sentence, status=status, href=goes_to, link="Try again")


def _set_up_page(
    offer: Offer,
    token: str,
    *,
    error: str = "",
    name: str = "",
    email: str = "",
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> HTMLResponse:
    return form_page(
        "set_up.html",
        status=status,
        headers=headers,
        action=f"/set-up?{urlencode({'token': token})}",
        error=error,
        name=name,
        email=offer.email or email,
        fixed_email=offer.email is not None,
        shortest=SHORTEST_PASSWORD,
    )


def _password_page(
    offer: Offer, token: str, *, error: str = "", status: int = 200, headers: dict[str, str] | None = None
) -> HTMLResponse:
    return form_page(
        "set_password.html",
        status=status,
        headers=headers,
        action=f"/set-password?{urlencode({'token': token})}",
        error=error,
        name=offer.name,
        login=offer.email or offer.name,
        shortest=SHORTEST_PASSWORD,
    )


def _come_in(request: Request, services: Services, secret: str, to: str) -> Response:
    response = RedirectResponse(to, SEE_OTHER, headers={"Cache-Control": "no-store"})
    keep_session(response, request, services.settings, secret)
    return response


def _status(error: Exception) -> tuple[int, dict[str, str]]:
    problem = problem_for(error)
    headers = dict(HEADERS.get(problem.slug) or {})
    if isinstance(error, TooManyAttempts):
        headers["Retry-After"] = str(error.retry_after)
    return problem.status, headers


def _failed(error: Exception) -> HTMLResponse:
    return message_page(problem_for(error).title, detail_of(error), status=problem_for(error).status)
