"""What whoever has a share link does with it, without an account: look, give its password, get the bytes.

A person is led to the page `/shared`, a failure of a download too; a program is answered in statuses. That no cache
keeps any of it is said for all of /s/ (`api.security_headers`).
"""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Form, Path, Request, Response
from fastapi.responses import RedirectResponse

from api.credentials import LONGEST_PASSWORD, basic_password
from api.deps import BY_LINK, ServicesDep
from api.problems import problem_for
from api.rates import rates_of, tried
from api.routes import problems
from api.session_cookie import behind_tls
from api.share_schemas import TOKEN
from api.turns import in_turn
from catalog.downloads import DownloadHead
from catalog.errors import CatalogError, DatabaseUnavailable, PasswordNeeded, ShareNotFound, TooManyAttempts
from catalog.link_passwords import PASS_LIFE, cookie_name
from services import Services
from storage import StorageError

router = APIRouter(prefix="/s/{token}", tags=["share links"], dependencies=[BY_LINK])


Token = Annotated[str, Path(description="The last part of the link.", max_length=200, examples=[TOKEN])]
TO_PAGE: dict[int | str, dict[str, Any]] = {
    303: {"description": "To the link's page, which shows what went wrong, where HTML was asked for."}
}


@router.get(
    "",
    status_code=303,
    response_class=RedirectResponse,
    summary="The page of a link",
    responses=problems(404, 410, 429, 503),
)
def open_link(services: ServicesDep, request: Request, token: Token) -> Response:
    """Whatever link it is, an upload request too: its page says what is behind it. A person is told there as well that
    nothing is; a program is told at once."""
    if not _by_a_person(request):
        _check_going_on(services, token)
    return _to_page(token)


@router.post(
    "/unlock",
    status_code=303,
    response_class=RedirectResponse,
    summary="Give the password of a link",
    responses={**problems(401, 404, 410, 429), 303: {"description": "To the link's page, with a cookie for an hour."}},
)
def unlock(
    services: ServicesDep, request: Request, token: Token, password: Annotated[str, Form(max_length=LONGEST_PASSWORD)]
) -> Response:
    """From the page's form. Whatever went wrong, a person sees it there."""
    try:
        with tried(rates_of(request).link):
            unlocked = _unlock(services, token, password)
    except (CatalogError, DatabaseUnavailable) as error:
        if not _by_a_person(request):
            raise
        slug = "wrong-password" if isinstance(error, PasswordNeeded) else problem_for(error).slug
        wait = {"wait": str(error.retry_after)} if isinstance(error, TooManyAttempts) else {}
        return _to_page(token, error=slug, **wait)
    response = _to_page(token)
    response.set_cookie(
        cookie_name(token),
        unlocked,
        max_age=int(PASS_LIFE.total_seconds()),
        path="/",
        secure=behind_tls(request, services.settings),
        httponly=True,
        samesite="lax",
    )
    return response


@router.get(
    "/download",
    status_code=307,
    response_class=RedirectResponse,
    summary="Download by a link, counted",
    responses={**problems(401, 404, 410, 429, 503), **TO_PAGE},
)
def download(services: ServicesDep, request: Request, token: Token) -> Response:
    """307 to an address that works for a minute; the store sends the bytes."""
    return _redirect(services, request, token)


@router.get(
    "/raw/{file_name}",
    status_code=307,
    response_class=RedirectResponse,
    summary="The bytes behind a link, for programs",
    responses={**problems(401, 404, 410, 429, 503), **TO_PAGE},
)
def raw(services: ServicesDep, request: Request, token: Token, file_name: str) -> Response:
    """The same under an address that stays and ends in the file's name, for pandas and DuckDB. Whoever reads ranges
    asks here for each, and each is counted. A password is sent as HTTP Basic, under any user name."""
    return _redirect(services, request, token)


@router.head(
    "/download",
    dependencies=[in_turn("store")],
    response_class=Response,
    summary="Size of a download by a link",
    responses=problems(401, 404, 410, 429),
)
def download_head(services: ServicesDep, request: Request, token: Token) -> Response:
    """From the app itself; counts nothing."""
    return _head(services, request, token)


@router.head(
    "/raw/{file_name}",
    dependencies=[in_turn("store")],
    response_class=Response,
    summary="Size of the bytes behind a link",
    responses=problems(401, 404, 410, 429),
)
def raw_head(services: ServicesDep, request: Request, token: Token, file_name: str) -> Response:
    return _head(services, request, token)


def _redirect(services: Services, request: Request, token: str) -> Response:
    by_a_person = _by_a_person(request)
    try:
        unlocked = _pass_of(services, request, token)
        url = services.shares.redirect(token, unlocked=unlocked, look_first=by_a_person)
    except (CatalogError, DatabaseUnavailable, StorageError) as error:
        if not by_a_person:
            raise
        return _to_page(token, error=problem_for(error).slug)
    return RedirectResponse(url, status_code=307)


def _head(services: Services, request: Request, token: str) -> Response:
    found: DownloadHead = services.shares.head(token, unlocked=_pass_of(services, request, token))
    headers = {
        # Here and not as `media_type`, to which Starlette would add a charset that nobody knows.
        "Content-Type": found.media_type,
        "Content-Length": str(found.size),
        "Accept-Ranges": "bytes",
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(found.file_name, safe='')}",
    }
    return Response(status_code=200, headers=headers)


def _pass_of(services: Services, request: Request, token: str) -> str | None:
    """The browser's pass, or one for the password that came with the call. Raises PasswordNeeded, TooManyAttempts."""
    password = basic_password(request)
    if password is None or not services.shares.has_password(token):
        return request.cookies.get(cookie_name(token))
    with tried(rates_of(request).link):
        return services.shares.unlock(token, password)


def _unlock(services: Services, token: str, password: str) -> str:
    try:
        return services.shares.unlock(token, password)
    except ShareNotFound:
        if not services.requests.is_known(token):
            raise
        return services.requests.unlock(token, password)


def _check_going_on(services: Services, token: str) -> None:
    """Raises ShareNotFound, LinkEnded."""
    try:
        services.shares.has_password(token)
    except ShareNotFound:
        if not services.requests.is_known(token):
            raise
        services.requests.check_going_on(token)


def _by_a_person(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "").lower()


def _to_page(token: str, **told: str) -> RedirectResponse:
    return RedirectResponse(f"/shared?{urlencode({'token': token, **told})}", status_code=303)
