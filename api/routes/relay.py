"""Parts and objects on their way through the app, where a browser cannot reach the store itself.

The same contract as the store's own links: a link is its own credential, PUT answers 200 with a quoted ETag, GET keeps
to Range and conditions, and a link signed for one method refuses every other. A stream holds a few hundred kB.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import StreamingResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from api.deps import ServicesDep
from api.routes import API
from api.routes.objects import DELETED, HARMLESS, receive, served_type
from catalog.errors import FileNotFound
from services import Services
from storage import Backend
from storage.disposition import content_disposition
from storage.relay import RelayedObject
from storage.signed_links import Grant, LinkInvalid

router = APIRouter(prefix=f"{API}/relay", include_in_schema=False)

CHUNK = 256 * 1024
"""Bytes of a stream that are held at a time."""
LANES = 24
"""Threads that may wait for the store at once, apart from those that answer the API: a slow store holds up nobody
else."""


@router.put("/{bucket}/{key:path}")
async def put_part(
    services: ServicesDep,
    request: Request,
    bucket: str,
    key: str,
    content_length: Annotated[int | None, Header(ge=0)] = None,
) -> Response:
    """A part; what is cut off in the middle is cut off at the store as well, and is no part there."""
    writer = services.storages.relay.part_writer(_grant(services, request, bucket, key), length=content_length)
    try:
        etag = await receive(request, writer, chunk_size=CHUNK, lanes=_lanes(request))
    except ClientDisconnect:
        return Response(status_code=400)
    return Response(status_code=200, headers={"ETag": f'"{etag}"'})


@router.get("/{bucket}/{key:path}")
async def get_object(services: ServicesDep, request: Request, bucket: str, key: str) -> Response:
    grant, lanes = _grant(services, request, bucket, key), _lanes(request)
    if await to_thread.run_sync(services.trash.stopped, Backend.MINIO, bucket, key, limiter=lanes):
        raise FileNotFound(DELETED)
    found = await to_thread.run_sync(services.storages.relay.open, grant, request.headers, limiter=lanes)
    if found.status == 416:
        found.close()
        described = {"Content-Range": found.headers["content-range"]} if "content-range" in found.headers else None
        raise HTTPException(416, "No byte of the file is in the range asked for.", headers=described)
    headers = {
        **{name.title(): value for name, value in found.headers.items()},
        "Content-Type": served_type(found.headers.get("content-type")),
        "Content-Disposition": content_disposition(grant.filename or "download", inline=grant.inline),
        **HARMLESS,
    }
    if found.status in (304, 412):
        found.close()
        return Response(status_code=found.status, headers={k: v for k, v in headers.items() if k != "Content-Length"})
    return StreamingResponse(_body(found, lanes), status_code=found.status, headers=headers)


@router.head("/{bucket}/{key:path}")
async def head_object(services: ServicesDep, request: Request, bucket: str, key: str) -> Response:
    """Always refused, as on S3: no link is signed for HEAD."""
    _grant(services, request, bucket, key)
    raise LinkInvalid("the link is not for HEAD")


async def _body(found: RelayedObject, lanes: CapacityLimiter) -> AsyncIterator[bytes]:
    # Where the store breaks off, so does the answer, whose Content-Length tells the client that it is not whole.
    try:
        while data := await to_thread.run_sync(found.read, CHUNK, limiter=lanes):
            yield data
    finally:
        found.close()


def _lanes(request: Request) -> CapacityLimiter:
    # Made inside the event loop, and once for all requests.
    state = request.app.state
    if not hasattr(state, "relay_lanes"):
        state.relay_lanes = CapacityLimiter(LANES)
    lanes: CapacityLimiter = state.relay_lanes
    return lanes


def _grant(services: Services, request: Request, bucket: str, key: str) -> Grant:
    return services.storages.relay.verify(request.method, bucket=bucket, key=key, query=request.url.query)
