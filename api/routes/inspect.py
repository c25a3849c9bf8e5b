"""A look at a file before it is sent: its two ends are enough for what it holds."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, File, Form, UploadFile

from api.content_schemas import InspectionOut
from api.deps import CallerDep, ServicesDep, known_dataset_id
from api.routes import API, problems
from api.turns import in_turn
from catalog.inspections import END

router = APIRouter(prefix=f"{API}/inspect", tags=["uploads"], dependencies=[in_turn("preview")])


@router.post("", summary="What a file holds, before it is sent", responses=problems(404, 503))
def inspect(
    services: ServicesDep,
    caller: CallerDep,
    filename: Annotated[str, Form(max_length=10_000, examples=["airports.csv"])],
    size: Annotated[int, Form(description="Bytes of the whole file.", examples=[210365])],
    head: Annotated[UploadFile, File(description="Its first 256 KiB, or all of it.")],
    tail: Annotated[UploadFile, File(description="Its last 256 KiB, or all of it.")],
    dataset_id: Annotated[
        str | None, Form(description="The dataset it is to be a version of; its columns are compared.")
    ] = None,
) -> InspectionOut:
    """Without `dataset_id`, a dataset of yours whose newest version has the same file name is compared with."""
    inspected = services.inspections.inspect(
        caller,
        filename,
        size,
        # One byte more than may be tells that there is more, and holds no more of it.
        head.file.read(END + 1),
        tail.file.read(END + 1),
        dataset_id=None if not dataset_id else known_dataset_id(dataset_id),
    )
    return InspectionOut.of(inspected)
