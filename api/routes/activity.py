"""Who did what: for the admin over the whole shelf, as a list and as a file; and of one dataset."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import StreamingResponse

from api.activity_schemas import ActivityOut, filters
from api.deps import AdminDep, CallerDep, DatasetId, ServicesDep
from api.routes import API, problems
from catalog.activity import DEFAULT_LIMIT, MOST, ActivityQuery
from catalog.activity_export import MEDIA_TYPES, Format, written

router = APIRouter(prefix=API, tags=["activity"])

Filters = Annotated[ActivityQuery, Depends(filters)]
Limit = Annotated[int, Query(ge=1, le=MOST)]
CursorText = Annotated[str | None, Query(description="`next_cursor` of the page before, with the same filters.")]


@router.get("/activity", summary="Who did what", responses=problems(401, 403))
def list_activity(
    services: ServicesDep,
    caller: AdminDep,
    asked: Filters,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> ActivityOut:
    """The newest first. For admins."""
    return ActivityOut.of(services.activity.list(caller, replace(asked, limit=limit, cursor=cursor)))


@router.get(
    "/activity/export",
    summary="All of it as a file",
    response_class=StreamingResponse,
    responses={
        **problems(401, 403),
        200: {"content": {media: {"schema": {"type": "string"}} for media in MEDIA_TYPES.values()}},
    },
)
def export_activity(
    services: ServicesDep,
    caller: AdminDep,
    asked: Filters,
    form: Annotated[Format, Query(alias="format")] = "csv",
) -> Response:
    """Everything that matches, the newest first, streamed. A cell that a spreadsheet would take for a formula has an
    apostrophe before it in CSV. For admins."""
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    headers = {"Content-Disposition": f'attachment; filename="activity-{day}.{form}"'}
    body = written(services.activity.all(caller, asked), form)
    return StreamingResponse(body, media_type=f"{MEDIA_TYPES[form]}; charset=utf-8", headers=headers)


@router.get("/datasets/{dataset_id}/activity", summary="What was done to a dataset", responses=problems(401, 404))
def dataset_activity(
    services: ServicesDep,
    caller: CallerDep,
    dataset_id: DatasetId,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> ActivityOut:
    """All of it for whoever may change the dataset; for others its changes and versions, without addresses and without
    who downloaded it."""
    return ActivityOut.of(services.activity.of(caller, dataset_id, ActivityQuery(limit=limit, cursor=cursor)))
