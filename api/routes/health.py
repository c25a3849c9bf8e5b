"""Whether the app lives, whether it can do its work, and its figures for Prometheus."""

from __future__ import annotations

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from api.deps import ServicesDep
from api.schemas import LiveOut, ReadyOut
from catalog.errors import DatabaseUnavailable

router = APIRouter(tags=["health"])


@router.get("/api/health/live", summary="The process answers")
async def live() -> LiveOut:
    return LiveOut(status="ok")


@router.get("/api/health/ready", summary="Database and store answer", responses={503: {"model": ReadyOut}})
def ready(services: ServicesDep, response: Response) -> ReadyOut:
    """200 where the shelf can do its work, if need be on its fallback (`degraded`); 503 where it cannot."""
    database = "ok"
    try:
        services.database.ping()
    except DatabaseUnavailable:
        database = "unavailable"
    state = services.storages.state
    if not state.degraded:
        storage = "ok"
    elif state.active is not state.configured:
        storage = "degraded"
    else:
        storage = "unavailable"
    worst = max((database, storage), key=("ok", "degraded", "unavailable").index)
    response.status_code = 503 if worst == "unavailable" else 200
    return ReadyOut(status=worst, database=database, storage=storage)


@router.get(
    "/metrics",
    summary="Figures for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def metrics() -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
