"""Datasets: find them, read one, rename it, take it off the shelf."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from api.content_schemas import DriftOut, ReadAsIn, ReadAsOut, SimilarListOut, SimilarOut
from api.deps import CallerDep, DatasetId, ServicesDep
from api.routes import API, Permanent, problems
from api.schemas import DatasetDetailOut, DatasetOut, DatasetPageOut, DatasetPatchIn
from catalog.listing import DatasetQuery
from catalog.names import MOST_TAGS
from catalog.views import DatasetDetail
from services import Services

router = APIRouter(prefix=f"{API}/datasets", tags=["datasets"])

Sort = Literal["-updated_at", "updated_at", "name", "-name", "size", "-size"]


@router.get("", summary="Find datasets", responses=problems(503), response_model_exclude_unset=True)
def list_datasets(
    services: ServicesDep,
    caller: CallerDep,
    q: Annotated[
        str, Query(max_length=500, description="Words in names, descriptions, tags, column names; all must match.")
    ] = "",
    tag: Annotated[
        list[str] | None, Query(max_length=MOST_TAGS, description="Repeat it to ask for datasets that have every one.")
    ] = None,
    format: Annotated[str | None, Query(max_length=20, examples=["csv"])] = None,  # noqa: A002  the contract's own name
    owner: Annotated[str | None, Query(max_length=200)] = None,
    sort: Sort = "-updated_at",
    limit: Annotated[int, Query(ge=1, le=200)] = 24,
    cursor: Annotated[str | None, Query(max_length=2000)] = None,
) -> DatasetPageOut:
    """One page, newest first unless `sort` says otherwise. `total` counts every match."""
    formats = () if format is None else (format,)
    query = DatasetQuery(
        q=q, tags=tuple(tag or ()), formats=formats, owner=owner, sort=sort, limit=limit, cursor=cursor
    )
    page = services.datasets.list(caller, query)
    links = services.downloads.sign_many(page.items)
    return DatasetPageOut(
        items=[DatasetOut.of(item, links) for item in page.items],
        next_cursor=page.next_cursor,
        total=page.total,
    )


@router.get(
    "/{dataset_id}", summary="One dataset with its versions", responses=problems(404), response_model_exclude_unset=True
)
def get_dataset(services: ServicesDep, caller: CallerDep, dataset_id: DatasetId) -> DatasetDetailOut:
    return detail_out(services, services.datasets.get(caller, dataset_id))


@router.patch(
    "/{dataset_id}",
    summary="Change name, description or tags",
    responses=problems(404, 409),
    response_model_exclude_unset=True,
)
def patch_dataset(
    services: ServicesDep, caller: CallerDep, dataset_id: DatasetId, change: DatasetPatchIn
) -> DatasetDetailOut:
    """What is left out, or null, stays as it is. Another name is given by the owner alone."""
    detail = services.datasets.update(
        caller, dataset_id, name=change.name, description=change.description, tags=change.tags
    )
    return detail_out(services, detail)


@router.delete(
    "/{dataset_id}",
    status_code=204,
    summary="Take a dataset and all its versions off the shelf",
    responses=problems(404),
)
def delete_dataset(
    services: ServicesDep, caller: CallerDep, dataset_id: DatasetId, *, permanent: Permanent = False
) -> Response:
    """It rests in the trash for TRASH_DAYS and can be put back from there; its name is free at once."""
    services.datasets.delete(caller, dataset_id, permanent=permanent)
    return Response(status_code=204)


@router.get("/{dataset_id}/read-as", summary="How its files are read", responses=problems(404))
def get_read_as(services: ServicesDep, caller: CallerDep, dataset_id: DatasetId) -> ReadAsOut:
    """What a user said instead of what is detected."""
    return ReadAsOut.of(services.previews.read_as(caller, dataset_id))


@router.put("/{dataset_id}/read-as", summary="Say how its files are read", responses=problems(404, 422))
def put_read_as(services: ServicesDep, caller: CallerDep, dataset_id: DatasetId, said: ReadAsIn) -> ReadAsOut:
    """Holds for every version, until it is said otherwise; an empty object goes back to what is detected."""
    services.previews.try_read_as(caller, dataset_id, said.value())
    services.previews.set_read_as(caller, dataset_id, said.value())
    return ReadAsOut.of(services.previews.read_as(caller, dataset_id))


@router.get(
    "/{dataset_id}/similar",
    summary="Datasets that share its columns",
    responses=problems(404),
    response_model_exclude_unset=True,
)
def similar(
    services: ServicesDep,
    caller: CallerDep,
    dataset_id: DatasetId,
    limit: Annotated[int, Query(ge=1, le=20)] = 5,
) -> SimilarListOut:
    """By name, without regard to case, and type; the most alike first."""
    found = services.datasets.similar(caller, dataset_id, most=limit)
    links = services.downloads.sign_many([one.summary for one in found])
    return SimilarListOut(items=[SimilarOut.of_similar(one, links) for one in found])


@router.get("/{dataset_id}/compare", summary="What moved between two versions", responses=problems(404, 503))
def compare(
    services: ServicesDep,
    caller: CallerDep,
    dataset_id: DatasetId,
    old: Annotated[int, Query(ge=1, le=2**31 - 1, description="A version's number.")],
    new: Annotated[int, Query(ge=1, le=2**31 - 1)],
) -> DriftOut:
    """From their statistics; while `computing`, ask again for the rest."""
    return DriftOut.of(services.comparisons.compare(caller, dataset_id, old=old, new=new))


def detail_out(services: Services, detail: DatasetDetail) -> DatasetDetailOut:
    """A dataset's answer with its download link, where one can be signed."""
    links = services.downloads.sign_many([detail.summary])
    return DatasetDetailOut.of_detail(detail, links)
