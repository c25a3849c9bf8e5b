"""What routes ask for: the services, who is calling, ids out of the path, and the address links begin with."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

from fastapi import Depends, Path, Request, Security
from fastapi.security import APIKeyCookie, HTTPBearer

from api.credentials import presented_by
from api.rates import address, key_of, key_of_visitor, rates_of
from catalog.access import check_admin
from catalog.caller import Caller
from catalog.errors import DatasetNotFound, FileNotFound, NotSignedIn, UploadNotFound
from catalog.identity import COOKIE
from catalog.origin import Origin, origin, shown_agent
from storage.link_base import link_base

if TYPE_CHECKING:
    from services import Services


def get_services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


ServicesDep = Annotated["Services", Depends(get_services)]


# For the documentation, which shall say what a call takes; `presented_by` reads them.
TOKEN = Security(HTTPBearer(auto_error=False, description="A personal API token."))
SESSION = Security(APIKeyCookie(name=COOKIE, auto_error=False, description="The session of a signed-in browser."))


def get_caller(
    request: Request,
    services: ServicesDep,
    _token: Annotated[object, TOKEN] = None,
    _session: Annotated[object, SESSION] = None,
) -> Caller:
    """Raises NotSignedIn, TooManyAttempts."""
    try:
        caller = services.identity.caller(presented_by(request, services.settings))
        # For the access log, which has nothing else to know it by.
        request.state.caller = caller
    except NotSignedIn:
        rates_of(request).refused.take(address())
        raise
    _count(request, key_of(caller))
    return caller


def _count(request: Request, key: str) -> None:
    # An upload that goes on is not counted: a long one asks for many signed URLs, and holding it up gains nothing.
    if "upload_id" not in request.path_params:
        rates_of(request).api.take(key)


def visitor(request: Request) -> None:
    """Somebody without an account, who came by a link. Raises TooManyAttempts."""
    _count(request, key_of_visitor())


BY_LINK = Depends(visitor)


def get_admin(caller: CallerDep) -> Caller:
    """Raises NotSignedIn, AdminsOnly."""
    check_admin(caller)
    return caller


CallerDep = Annotated[Caller, Depends(get_caller)]
AdminDep = Annotated[Caller, Depends(get_admin)]


async def begin_call(request: Request) -> None:
    """Local links begin with PUBLIC_URL or, where it is unset, with the scheme and Host this request came by; and what
    is recorded of the call says where it came from.

    A coroutine on purpose: a context variable set in a worker thread would be lost to the route.
    """
    public = request.app.state.services.settings.public_url
    link_base.set(public or f"{request.url.scheme}://{request.headers.get('host', request.url.netloc)}")
    address = request.client.host if request.client else None
    agent, byte_range = shown_agent(request.headers.get("user-agent")), request.headers.get("range")
    origin.set(Origin(address=address, agent=agent, byte_range=byte_range))


def id_of(missing: Callable[[str], Exception], value: str) -> UUID:
    # An id that is not a lower-case UUID names nothing: 404, as for one that is unknown.
    try:
        parsed = UUID(value)
    except ValueError:
        raise missing(value) from None
    if str(parsed) != value:
        raise missing(value)
    return parsed


IdText = Annotated[str, Path(json_schema_extra={"format": "uuid"})]


def known_dataset_id(dataset_id: str) -> UUID:
    """Of a body, too. Raises DatasetNotFound."""
    return id_of(lambda value: DatasetNotFound(f"There is no dataset {value[:100]}."), dataset_id)


def dataset_id(dataset_id: IdText) -> UUID:
    return known_dataset_id(dataset_id)


def known_file_id(file_id: str) -> UUID:
    """Raises FileNotFound."""
    return id_of(lambda value: FileNotFound(f"There is no file {value[:100]}."), file_id)


def file_id(file_id: IdText) -> UUID:
    return known_file_id(file_id)


def upload_id(upload_id: IdText) -> UUID:
    return id_of(lambda value: UploadNotFound(f"There is no upload {value[:100]}."), upload_id)


DatasetId = Annotated[UUID, Depends(dataset_id)]
FileId = Annotated[UUID, Depends(file_id)]
UploadId = Annotated[UUID, Depends(upload_id)]
