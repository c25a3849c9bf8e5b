"""The least server that signed links to local files need; the app's own route is tested with the API."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from storage import (
    FileNotInStorage,
    LengthRequired,
    LinkExpired,
    LinkInvalid,
    LocalFileStorage,
    PartTooLarge,
    StorageError,
    content_disposition,
)
from tests.real_parts import free_port

_STATUS: dict[type[StorageError], int] = {
    LinkExpired: 403,
    LinkInvalid: 403,
    FileNotInStorage: 404,
    LengthRequired: 411,
    PartTooLarge: 413,
}


@contextmanager
def serving(storage: LocalFileStorage) -> Iterator[str]:
    """Serve the links of a local store on loopback; gives the base they must begin with."""

    async def answer(request: Request) -> Response:
        try:
            return await _answer(storage, request)
        except StorageError as error:
            status = next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 500)
            return PlainTextResponse(str(error), status_code=status)

    route = Route("/api/ml/v1/objects/{bucket}/{key:path}", answer, methods=["GET", "HEAD", "PUT", "DELETE"])
    port = free_port()
    server = uvicorn.Server(
        uvicorn.Config(Starlette(routes=[route]), host="127.0.0.1", port=port, log_level="warning", ws="none")
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)


async def _answer(storage: LocalFileStorage, request: Request) -> Response:
    grant = storage.verify_link(request.method, query=request.url.query, **request.path_params)
    if grant.method == "GET":
        path, found = storage.open_for_grant(grant)
        headers = {
            "ETag": f'"{found.etag}"',
            "Content-Disposition": content_disposition(grant.filename or "download", inline=grant.inline),
        }
        return FileResponse(path, media_type=found.content_type, headers=headers)
    length = request.headers.get("content-length")
    with storage.part_writer(grant, length=None if length is None else int(length)) as writer:
        async for chunk in request.stream():
            writer.write(chunk)
        return Response(headers={"ETag": f'"{writer.commit()}"'})
