"""The trash: what was deleted, putting it back, and removing it for good."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from api.deps import CallerDep, IdText, ServicesDep, id_of
from api.routes import API, problems
from api.routes.datasets import detail_out
from api.schemas import DatasetDetailOut
from api.trash_schemas import TrashOut
from api.turns import in_turn
from catalog.errors import NotInTrash
from catalog.trash import MOST

router = APIRouter(prefix=f"{API}/trash", tags=["trash"], dependencies=[in_turn("store")])


def _item_id(item_id: IdText) -> UUID:
    return id_of(lambda value: NotInTrash(f"There is nothing called {value[:100]} in the Trash."), item_id)


ItemId = Annotated[UUID, Depends(_item_id)]


@router.get("", summary="What was deleted and can be put back", responses=problems())
def list_trash(
    services: ServicesDep,
    caller: CallerDep,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 200,
    offset: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
) -> TrashOut:
    """The latest deleted first."""
    return TrashOut.of(services.trash.list(caller, skip=offset, most=limit))


@router.post(
    "/{item_id}/restore",
    summary="Put it back",
    responses=problems(404, 409),
    response_model_exclude_unset=True,
)
def restore(services: ServicesDep, caller: CallerDep, item_id: ItemId) -> DatasetDetailOut:
    """A dataset whose name was taken meanwhile gets ` (2)`. A version whose dataset is in the trash is 409: that comes
    first."""
    return detail_out(services, services.trash.restore(caller, item_id).detail)


@router.delete("/{item_id}", status_code=204, summary="Remove it for good", responses=problems(404))
def purge(services: ServicesDep, caller: CallerDep, item_id: ItemId) -> Response:
    services.trash.purge(caller, item_id)
    return Response(status_code=204)


@router.delete("", status_code=204, summary="Empty the trash", responses=problems())
def empty(services: ServicesDep, caller: CallerDep) -> Response:
    """Everything of yours that was deleted until now is removed for good."""
    services.trash.empty(caller)
    return Response(status_code=204)
