"""Share links: their owners' side of them. What whoever has one does with it is in `shared`."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from api.deps import CallerDep, FileId, IdText, ServicesDep, id_of, known_dataset_id
from api.routes import API, problems
from api.share_schemas import ShareIn, ShareOut, ShareRenewIn, SharesOut
from api.turns import in_turn
from catalog.errors import ShareNotFound
from catalog.share_links import NewShare, ShareState
from catalog.shares import KEEP, MOST_LISTED

router = APIRouter(prefix=API, tags=["share links"])


def _share_id(share_id: IdText) -> UUID:
    return id_of(lambda value: ShareNotFound(f"There is no share link {value[:100]}."), share_id)


ShareId = Annotated[UUID, Depends(_share_id)]


@router.post(
    "/files/{file_id}/shares",
    dependencies=[in_turn("preview")],
    status_code=201,
    summary="Make a share link",
    responses=problems(401, 403, 404, 409, 429, 503),
)
def create_share(services: ServicesDep, caller: CallerDep, file_id: FileId, asked: ShareIn) -> ShareOut:
    """A link for people without an account. With `columns` or `where` it leads to a copy that is made before the
    answer, which takes as long as a query."""
    new = NewShare(
        expires_in=None if asked.expires_in_sec is None else timedelta(seconds=asked.expires_in_sec),
        max_downloads=asked.max_downloads,
        password=asked.password,
        note=asked.note,
        latest=asked.latest,
        columns=asked.columns,
        where=asked.where,
    )
    return ShareOut.of(services.shares.create(caller, file_id, new))


@router.get("/shares", summary="Share links", responses=problems(401, 404))
def list_shares(
    services: ServicesDep,
    caller: CallerDep,
    dataset_id: Annotated[str | None, Query(description="Only those to this dataset.", max_length=100)] = None,
    state: Annotated[ShareState | None, Query(description="Only those that are so.")] = None,
    q: Annotated[str | None, Query(description="Words in notes and names.", max_length=500)] = None,
    limit: Annotated[int, Query(ge=1, le=MOST_LISTED)] = 200,
    cursor: Annotated[str | None, Query(max_length=2000)] = None,
) -> SharesOut:
    """One page of yours, and of everybody's to datasets of yours; the newest first, those that have ended too."""
    known = None if dataset_id is None else known_dataset_id(dataset_id)
    page = services.shares.page(caller, dataset_id=known, state=state, q=q, limit=limit, cursor=cursor)
    return SharesOut(items=[ShareOut.of(view) for view in page.items], next_cursor=page.next_cursor)


@router.post(
    "/shares/{share_id}/renew",
    dependencies=[in_turn("preview")],
    summary="Make a share link good again",
    responses=problems(401, 403, 404, 409, 410, 503),
)
def renew_share(services: ServicesDep, caller: CallerDep, share_id: ShareId, asked: ShareRenewIn) -> ShareOut:
    """The same address goes on, counted from no download. A revoked one stays so."""
    most = asked.max_downloads if "max_downloads" in asked.model_fields_set else KEEP
    life = None if asked.expires_in_sec is None else timedelta(seconds=asked.expires_in_sec)
    return ShareOut.of(services.shares.renew(caller, share_id, expires_in=life, max_downloads=most))


@router.delete(
    "/shares/{share_id}",
    dependencies=[in_turn("store")],
    status_code=204,
    summary="Take a share link back",
    responses=problems(401, 403, 404),
)
def revoke_share(services: ServicesDep, caller: CallerDep, share_id: ShareId) -> Response:
    """From this moment on it is refused; an address it redirected to before works for at most a minute more."""
    services.shares.revoke(caller, share_id)
    return Response(status_code=204)
