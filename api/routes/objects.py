"""Objects on local disk behind signed links: the same GET with Range and PUT with ETag that an S3 server gives.

A link is its own credential, as on S3: no session is asked for. A link signed for one method refuses every other.
"""

from __future__ import annotations

from typing import Annotated

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import FileResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import MalformedRangeHeader, RangeNotSatisfiable

from api.deps import ServicesDep
from api.routes import API
from catalog.errors import FileNotFound
from preview.formats import SERVED_TYPES
from services import Services
from storage import Backend
from storage.disposition import content_disposition
from storage.part_writer import PartWriter
from storage.signed_links import Grant, LinkInvalid

router = APIRouter(prefix=f"{API}/objects", include_in_schema=False)

CHUNK = 1024 * 1024
"""Bytes read, or gathered, at a time: large enough that Python's share of a copy is small, small enough for memory."""

HARMLESS = {
    "Cache-Control": "private, no-store",
    # What people stored is never to run as a page of this origin.
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
}

UNKNOWN = "application/octet-stream"

DELETED = "The file was deleted, or failed its check, after this link was made."


class ObjectResponse(FileResponse):
    """A file as S3 answers it: any bad Range is 416 (RFC 9110, 15.5.17), unreadable ones too."""

    chunk_size = CHUNK

    @classmethod
    def _parse_range_header(cls, http_range: str, file_size: int) -> list[tuple[int, int]]:
        try:
            return super()._parse_range_header(http_range, file_size)
        except (MalformedRangeHeader, RangeNotSatisfiable):
            # Starlette would answer plain text.
            detail = f"The file has {file_size:,} bytes; no byte of it is in the range asked for."
            raise HTTPException(416, detail, headers={"Content-Range": f"bytes */{file_size}"}) from None


@router.get("/{bucket}/{key:path}")
async def get_object(services: ServicesDep, request: Request, bucket: str, key: str) -> Response:
    grant = _grant(services, request, bucket, key)
    if await to_thread.run_sync(services.trash.stopped, Backend.LOCAL, bucket, key):
        raise FileNotFound(DELETED)
    path, stored = await to_thread.run_sync(services.storages.local.open_for_grant, grant)
    headers = {
        # Here and not as `media_type`, to which Starlette would add a charset that nobody knows.
        "Content-Type": served_type(stored.content_type),
        "ETag": f'"{stored.etag}"',
        "Content-Disposition": content_disposition(grant.filename or "download", inline=grant.inline),
        **HARMLESS,
    }
    return ObjectResponse(path, headers=headers)


@router.head("/{bucket}/{key:path}")
async def head_object(services: ServicesDep, request: Request, bucket: str, key: str) -> Response:
    """Always refused: no link is signed for HEAD, and one signed for GET does not allow it, as on S3."""
    _grant(services, request, bucket, key)
    raise LinkInvalid("the link is not for HEAD")


@router.put("/{bucket}/{key:path}")
async def put_object(
    services: ServicesDep,
    request: Request,
    bucket: str,
    key: str,
    content_length: Annotated[int | None, Header(ge=0)] = None,
) -> Response:
    """A part, or a whole object; answers 200 with its quoted ETag. What is cut off in the middle leaves nothing."""
    grant = _grant(services, request, bucket, key)
    writer = services.storages.local.part_writer(grant, length=content_length)
    try:
        etag = await receive(request, writer)
    except ClientDisconnect:
        return Response(status_code=400)
    return Response(status_code=200, headers={"ETag": f'"{etag}"'})


def served_type(stored: str | None) -> str:
    """What this origin calls stored bytes: a data format's media type, or bytes. Whoever uploads a file may call it
    text/javascript, and the policy of our own pages lets them load scripts of this origin (HTML, "fetch a classic
    script": with `nosniff` only a JavaScript type will do)."""
    kind = (stored or "").partition(";")[0].strip().lower()
    return kind if kind in SERVED_TYPES else UNKNOWN


async def receive(
    request: Request, writer: PartWriter, *, chunk_size: int = CHUNK, lanes: CapacityLimiter | None = None
) -> str:
    """Hand the body on in pieces of about `chunk_size` bytes, in the threads that `lanes` allows. The bare ETag."""
    gathered: list[bytes] = []
    held = 0
    with writer:
        async for chunk in request.stream():
            gathered.append(chunk)
            held += len(chunk)
            if held >= chunk_size:
                await to_thread.run_sync(writer.write, b"".join(gathered), limiter=lanes)
                gathered, held = [], 0
        await to_thread.run_sync(writer.write, b"".join(gathered), limiter=lanes)
        return await to_thread.run_sync(writer.commit, limiter=lanes)


def _grant(services: Services, request: Request, bucket: str, key: str) -> Grant:
    return services.storages.local.verify_link(request.method, bucket=bucket, key=key, query=request.url.query)
