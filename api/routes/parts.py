"""The digests of a file's parts, for a client that fetches it in pieces."""

from __future__ import annotations

from fastapi import APIRouter

from api.deps import CallerDep, FileId, ServicesDep
from api.routes import API, problems
from api.upload_schemas import FilePartsOut

router = APIRouter(prefix=f"{API}/files", tags=["files"])


@router.get("/{file_id}/parts", summary="How it was cut, and each part's SHA-256", responses=problems(404, 409))
def get_parts(services: ServicesDep, caller: CallerDep, file_id: FileId) -> FilePartsOut:
    """`sha256` is null where it is not known: the client told none and the file has not been read yet."""
    return FilePartsOut.of(services.parts.get(caller, file_id))
