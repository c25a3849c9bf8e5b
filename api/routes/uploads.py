"""Uploads: begin one, sign its parts, see what arrived, finish it or undo it. The bytes themselves go to the store."""

from __future__ import annotations

from fastapi import APIRouter, Response

from api.deps import CallerDep, ServicesDep, UploadId, known_dataset_id
from api.routes import API, problems
from api.routes.datasets import detail_out
from api.schemas import DatasetDetailOut
from api.turns import in_turn
from api.upload_schemas import (
    CompleteIn,
    PartNumbersIn,
    PartUrlOut,
    PartUrlsOut,
    ReceivedPartOut,
    SameFileOut,
    SameIn,
    SameListOut,
    UploadDetailOut,
    UploadIn,
    UploadListOut,
    UploadOut,
    UploadStartedOut,
)
from catalog.intake import NewUpload
from catalog.parts import ClientPart
from catalog.uploads import UploadSummary

router = APIRouter(prefix=f"{API}/uploads", tags=["uploads"], dependencies=[in_turn("store")])


@router.post("", status_code=201, summary="Begin an upload", responses=problems(404, 409, 503))
def start_upload(services: ServicesDep, caller: CallerDep, upload: UploadIn) -> UploadStartedOut:
    """Every upload is multipart, a small or empty one too, so that no URL handed out can change the finished file."""
    started = services.uploads.start(
        caller,
        NewUpload(
            file_name=upload.filename,
            size=upload.size,
            content_type=upload.content_type,
            dataset_id=None if upload.dataset_id is None else known_dataset_id(upload.dataset_id),
            name=upload.name,
            role="datasets" if upload.bucket is None else upload.bucket,
            sha256=upload.sha256,
            modified_at=upload.modified_at,
            folder=upload.folder or "",
            head_sha256=upload.head_sha256,
            tail_sha256=upload.tail_sha256,
        ),
    )
    return UploadStartedOut(
        upload_id=started.upload_id,
        file_id=started.file_id,
        dataset_id=started.dataset_id,
        part_size=started.part_size,
        parts=[PartUrlOut(number=number, url=url) for number, url in started.parts],
        expires_at=started.expires_at,
    )


@router.post("/same", summary="Files of mine with the same content", responses=problems(503))
def same_content(services: ServicesDep, caller: CallerDep, known: SameIn) -> SameListOut:
    """Asked before anything is sent, so that what is on the shelf already need not travel again."""
    found = services.same_content.find(
        caller,
        size=known.size,
        head_sha256=known.head_sha256,
        tail_sha256=known.tail_sha256,
        sha256=known.sha256,
        part_size=known.part_size,
        part_sha256=known.part_sha256,
    )
    return SameListOut(items=[SameFileOut.of(one) for one in found])


@router.get("", summary="My unfinished uploads", responses=problems(503))
def list_uploads(services: ServicesDep, caller: CallerDep) -> UploadListOut:
    return UploadListOut(items=[UploadOut.model_validate(_fields(view)) for view in services.uploads.list(caller)])


@router.get("/{upload_id}", summary="One unfinished upload, with the parts the store holds", responses=problems(404))
def get_upload(services: ServicesDep, caller: CallerDep, upload_id: UploadId) -> UploadDetailOut:
    detail = services.uploads.get(caller, upload_id)
    received = [ReceivedPartOut(number=part.number, size=part.size or 0, etag=part.etag) for part in detail.received]
    return UploadDetailOut.model_validate({**_fields(detail.summary), "received": received})


@router.post("/{upload_id}/parts", summary="Sign part URLs, afresh", responses=problems(404))
def sign_parts(services: ServicesDep, caller: CallerDep, upload_id: UploadId, wanted: PartNumbersIn) -> PartUrlsOut:
    signed, _ = services.uploads.sign_parts(caller, upload_id, wanted.numbers, via=wanted.via)
    return PartUrlsOut(parts=[PartUrlOut(number=number, url=url) for number, url in signed])


@router.post(
    "/{upload_id}/complete",
    summary="Finish an upload",
    response_model_exclude_unset=True,
    responses=problems(404, 409, 503),
)
def complete_upload(
    services: ServicesDep, caller: CallerDep, upload_id: UploadId, done: CompleteIn
) -> DatasetDetailOut:
    """Checked against what the store holds; repeated, it gives the same answer."""
    parts = [ClientPart(number=part.number, etag=part.etag, sha256=part.sha256) for part in done.parts]
    return detail_out(services, services.uploads.complete(caller, upload_id, parts, sha256=done.sha256))


@router.delete(
    "/{upload_id}", status_code=204, summary="Undo an upload, its parts and its row", responses=problems(404)
)
def abort_upload(services: ServicesDep, caller: CallerDep, upload_id: UploadId) -> Response:
    services.uploads.abort(caller, upload_id)
    return Response(status_code=204)


def _fields(view: UploadSummary) -> dict[str, object]:
    return {
        "upload_id": view.upload_id,
        "file_id": view.file_id,
        "dataset_id": view.dataset_id,
        "filename": view.file_name,
        "size": view.size,
        "part_size": view.part_size,
        "part_count": view.part_count,
        "created_at": view.created_at,
        "dataset_name": view.dataset_name,
        "modified_at": view.modified_at,
        "folder": view.folder or None,
        "head_sha256": view.head_sha256,
        "tail_sha256": view.tail_sha256,
        "via_app": view.via_app,
    }
