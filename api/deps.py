"""What routes ask for: the services, who is calling, ids out of the path, and the address links begin with."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

from fastapi import Depends, Path, Request

from catalog.caller import Caller
from catalog.errors import DatasetNotFound, FileNotFound, UploadNotFound
from storage.link_base import link_base

if TYPE_CHECKING:
    from services import Services


def get_services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


ServicesDep = Annotated["Services", Depends(get_services)]


def get_caller(services: ServicesDep) -> Caller:
    return services.access.local_user()


CallerDep = Annotated[Caller, Depends(get_caller)]


async def set_link_base(request: Request) -> None:
    """Local links begin with PUBLIC_URL or, where it is unset, with the scheme and Host this request came by.

    A coroutine on purpose: a context variable set in a worker thread would be lost to the route.
    """
    public = request.app.state.services.settings.public_url
    link_base.set(public or f"{request.url.scheme}://{request.headers.get('host', request.url.netloc)}")


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
