"""Files, the versions of a dataset: their facts, their links, their rows, their removal."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from api.deps import SESSION, TOKEN, CallerDep, FileId, IdText, ServicesDep, get_caller, known_file_id
from api.problems import problem_for
from api.routes import API, Permanent, problems
from api.schemas import DownloadUrlOut, FileOut, PreviewOut
from api.turns import in_turn
from catalog.errors import CatalogError, DatabaseUnavailable, FileNotFound, FileNotReady, NotSignedIn
from catalog.previews import MOST_CHOSEN
from services import Services
from storage import StorageError

router = APIRouter(prefix=f"{API}/files", tags=["files"])


@router.get("/{file_id}", summary="One version of a dataset", responses=problems(404, 409))
def get_file(services: ServicesDep, caller: CallerDep, file_id: FileId) -> FileOut:
    return FileOut.of(services.files.get(caller, file_id))


@router.delete(
    "/{file_id}",
    dependencies=[in_turn("store")],
    status_code=204,
    summary="Remove one version",
    responses=problems(403, 404, 409),
)
def delete_file(services: ServicesDep, caller: CallerDep, file_id: FileId, *, permanent: Permanent = False) -> Response:
    """It rests in the trash for TRASH_DAYS and can be put back from there. The last version takes its dataset along."""
    services.files.delete(caller, file_id, permanent=permanent)
    return Response(status_code=204)


@router.get("/{file_id}/download-url", summary="A fresh presigned link", responses=problems(404, 409))
def download_url(
    services: ServicesDep,
    caller: CallerDep,
    file_id: FileId,
    expiry_sec: Annotated[
        int | None, Query(ge=1, le=86_400, description="Seconds the link works; MINIO__PRESIGN_EXPIRY where left out.")
    ] = None,
) -> DownloadUrlOut:
    """For scripts: fetch `url` without an Authorization header. Asking for it counts no download."""
    expires_in = None if expiry_sec is None else timedelta(seconds=expiry_sec)
    link = services.downloads.link(caller, file_id, expires_in=expires_in)
    return DownloadUrlOut(
        file_id=link.file_id, url=link.url, expiry_sec=int(link.expires_in.total_seconds()), backend=link.backend
    )


@router.get(
    "/{file_id}/download",
    status_code=307,
    response_class=RedirectResponse,
    summary="Download, counted",
    dependencies=[TOKEN, SESSION],
    responses={
        **problems(404, 409),
        303: {"description": "A failure asked for as HTML: to the dataset's page, which shows it."},
    },
)
def download(services: ServicesDep, file_id: IdText, request: Request) -> Response:
    """307 to a fresh presigned link; the store sends the bytes."""
    by_a_person = "text/html" in request.headers.get("accept", "").lower()
    try:
        # Not as dependencies: what they refuse needs a page, too.
        caller, wanted = get_caller(request, services), known_file_id(file_id)
        # A person would otherwise land on the store's XML: the store is asked first, so that a failure has a page.
        url = services.downloads.redirect(caller, wanted, look_first=by_a_person)
    except (CatalogError, DatabaseUnavailable, StorageError) as error:
        if not by_a_person:
            raise
        return RedirectResponse(_page_with_error(request, services, file_id, error), status_code=303)
    return RedirectResponse(url, status_code=307)


@router.head(
    "/{file_id}/download",
    dependencies=[in_turn("store")],
    response_class=Response,
    summary="Size of a download",
    responses=problems(404, 409),
)
def download_head(services: ServicesDep, caller: CallerDep, file_id: FileId) -> Response:
    """From the app itself: a signature for GET refuses HEAD."""
    head = services.downloads.head(caller, file_id)
    headers = {
        # Here and not as `media_type`, to which Starlette would add a charset that nobody knows.
        "Content-Type": head.media_type,
        "Content-Length": str(head.size),
        "Accept-Ranges": "bytes",
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(head.file_name, safe='')}",
    }
    return Response(status_code=200, headers=headers)


@router.get(
    "/{file_id}/preview",
    dependencies=[in_turn("preview")],
    summary="Rows",
    responses=problems(404, 409, 503),
)
def preview(
    services: ServicesDep,
    caller: CallerDep,
    file_id: FileId,
    rows: Annotated[int, Query(ge=1, le=1000)] = 100,
    offset: Annotated[int, Query(ge=0, le=2**53 - 1)] = 0,
    columns: Annotated[
        list[str] | None,
        Query(max_length=MOST_CHOSEN, description="Repeat it to choose columns by name; without it, the first ones."),
    ] = None,
) -> PreviewOut:
    """Rows from `offset` on; past the end: none. Values as the file has them (DESIGN, "Preview")."""
    return PreviewOut.of(services.previews.preview(caller, file_id, rows=rows, offset=offset, columns=columns))


def _page_with_error(request: Request, services: Services, file_id: str, error: Exception) -> str:
    slug = problem_for(error).slug
    try:
        caller, known = get_caller(request, services), known_file_id(file_id)
        try:
            file = services.files.get(caller, known)
        except FileNotReady:
            return f"/dataset?{urlencode({'id': str(services.files.dataset_of(caller, known)), 'error': slug})}"
    except NotSignedIn:
        return f"/sign-in?{urlencode({'next': request.url.path})}"
    except (FileNotFound, DatabaseUnavailable):
        return f"/?{urlencode({'error': slug})}"
    return f"/dataset?{urlencode({'id': str(file.dataset_id), 'v': file.version, 'error': slug})}"
