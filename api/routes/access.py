"""Who sees a dataset, and whose it is."""

from __future__ import annotations

from fastapi import APIRouter, Response

from api.access_schemas import AccessIn, AccessOut, OwnerIn
from api.deps import CallerDep, DatasetId, ServicesDep
from api.routes import API, problems

router = APIRouter(prefix=f"{API}/datasets", tags=["access"])


@router.get("/{dataset_id}/access", summary="Who sees it", responses=problems(404))
def get_access(services: ServicesDep, caller: CallerDep, dataset_id: DatasetId) -> AccessOut:
    return AccessOut.of(services.sharing.get(caller, dataset_id))


@router.put("/{dataset_id}/access", summary="Share it, or take it back", responses=problems(403, 404))
def put_access(services: ServicesDep, caller: CallerDep, dataset_id: DatasetId, change: AccessIn) -> AccessOut:
    """Only the owner may. Whoever is named no more loses it with their next call; links already signed live on until
    they expire."""
    access = services.sharing.set(caller, dataset_id, visibility=change.shown_to(), people=change.shared_with())
    return AccessOut.of(access)


@router.put("/{dataset_id}/owner", status_code=204, summary="Give it to somebody", responses=problems(403, 404))
def put_owner(services: ServicesDep, caller: CallerDep, dataset_id: DatasetId, new: OwnerIn) -> Response:
    """The owner may, and an admin. It goes with every version, and the links to it; its former owner keeps no access
    but what everybody has."""
    services.sharing.hand_over(caller, dataset_id, new.to)
    return Response(status_code=204)
