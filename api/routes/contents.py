"""What is inside a file: its statistics, single cells, queries and charts.

Queries run beside the event loop, a bounded number at once, and end when their client closes the connection.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse

from api.content_schemas import (
    CellOut,
    ChartIn,
    ChartOut,
    ComputingOut,
    ProfileOut,
    QueryExportIn,
    QueryExportOut,
    QueryIn,
    QueryOut,
)
from api.deps import CallerDep, FileId, ServicesDep
from api.problems import NO_STATISTICS, answer
from api.routes import API, problems
from api.stopping import until_gone
from api.turns import in_turn

router = APIRouter(prefix=f"{API}/files", tags=["contents"])

ASK_AGAIN = 2
"""Seconds after which a client may ask again for statistics that are being computed."""
COMPUTING: dict[int | str, dict[str, Any]] = {202: {"model": ComputingOut, "description": "Being computed"}}


@router.get(
    "/{file_id}/profile",
    summary="Statistics of the columns",
    response_model=ProfileOut,
    responses={**problems(404, 409, 503), **COMPUTING},
)
def profile(
    services: ServicesDep,
    caller: CallerDep,
    file_id: FileId,
    *,
    partial: Annotated[
        bool, Query(description="Answer 200 with what a sample tells, while the whole is being computed.")
    ] = False,
) -> Any:
    """Computed once and kept; the first call begins it and answers 202."""
    state = services.profiles.state(caller, file_id)
    if state.profile is not None and (state.status == "ready" or (partial and state.status == "computing")):
        return ProfileOut.of(state.profile)
    if state.status == "failed":
        return answer(NO_STATISTICS, state.error or NO_STATISTICS.title)
    if state.status == "none":
        # Stopped on the screen, by whoever waited there; this caller wants them.
        services.profiles.recompute(caller, file_id)
    body = ComputingOut(progress=state.progress).model_dump()
    return JSONResponse(body, status_code=202, headers={"Retry-After": str(ASK_AGAIN)})


@router.get(
    "/{file_id}/cell", dependencies=[in_turn("preview")], summary="One whole cell", responses=problems(404, 409, 503)
)
def cell(
    services: ServicesDep,
    caller: CallerDep,
    file_id: FileId,
    row: Annotated[int, Query(ge=0, le=2**53 - 1, description="Counted from 0.")],
    column: Annotated[str, Query(max_length=10_000, description="The name, as a preview shows it.")],
) -> CellOut:
    """What a preview cuts at 100,000 characters, up to 64 MB."""
    return CellOut(value=services.previews.cell(caller, file_id, row=row, column=column))


@router.post("/{file_id}/query", summary="Ask in SQL", responses=problems(404, 409, 503))
async def query(
    services: ServicesDep, caller: CallerDep, file_id: FileId, asked: QueryIn, request: Request
) -> QueryOut:
    """Read-only and fenced: one SELECT, no other file, no network; limits on time, memory and the result."""
    result = await until_gone(
        request,
        lambda cancel: services.queries.run(caller, file_id, asked.sql, limit=asked.limit, cancel=cancel),
    )
    return QueryOut.of_result(result)


@router.post("/{file_id}/query/export", summary="Download an answer in SQL", responses=problems(404, 409, 503))
async def query_export(
    services: ServicesDep, caller: CallerDep, file_id: FileId, asked: QueryExportIn, request: Request
) -> QueryExportOut:
    """The whole answer as one Parquet or CSV file in the store, kept for a day."""
    result = await until_gone(
        request,
        lambda cancel: services.queries.export_result(caller, file_id, asked.sql, form=asked.format, cancel=cancel),
    )
    return QueryExportOut.of(result)


@router.post("/{file_id}/chart", summary="A chart's data", responses=problems(404, 409, 503))
async def chart(
    services: ServicesDep, caller: CallerDep, file_id: FileId, asked: ChartIn, request: Request
) -> ChartOut:
    """Aggregated where the file is read; at most 5,000 records."""
    drawn = await until_gone(request, lambda cancel: services.charts.draw(caller, file_id, asked.spec(), cancel=cancel))
    return ChartOut.of(drawn)
