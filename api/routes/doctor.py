"""The Doctor over HTTP: what the server finds, and the probe with which a browser tries the store itself."""

from __future__ import annotations

import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Response

from api.deps import AdminDep, IdText, ServicesDep, id_of
from api.doctor_schemas import DiagnosisOut, ProbeOut, ProbePartsIn, ProbeReadsOut, SeenIn
from api.routes import API, problems
from api.turns import in_turn
from catalog.access import check_admin
from catalog.caller import Caller
from catalog.doctor import now
from catalog.errors import UploadNotFound
from catalog.parts import ClientPart
from storage.link_base import current_link_base

router = APIRouter(prefix=f"{API}/doctor", tags=["doctor"], dependencies=[in_turn("store")])


def page_origin(origin: Annotated[str | None, Header()] = None) -> str:
    """The pages' scheme and host: a browser says it with every call that changes something, and nobody else can."""
    return origin or current_link_base()


def known_probe_id(probe_id: IdText) -> uuid.UUID:
    return id_of(lambda value: UploadNotFound(f"There is no probe {value[:100]}."), probe_id)


def mending_admin(caller: AdminDep) -> Caller:
    """Who changes something: a probe leaves objects in the store, if only for a while. Raises ReadOnly, too."""
    check_admin(caller, writes=True)
    return caller


MendingAdminDep = Annotated[Caller, Depends(mending_admin)]
OriginDep = Annotated[str, Depends(page_origin)]
ProbeId = Annotated[uuid.UUID, Depends(known_probe_id)]


@router.get("", summary="What the server finds", responses=problems(401, 403))
def examine(
    services: ServicesDep,
    caller: AdminDep,
    origin: OriginDep,
    anew: Annotated[bool, Query(description="Look again, whatever was found some seconds ago.")] = False,  # noqa: FBT002
) -> DiagnosisOut:
    """Tries the store, the database and this server; takes some seconds. One run at a time, remembered for a while."""
    found = services.doctor.examine(origin, anew=anew)
    return DiagnosisOut.of(found, services.doctor.verdict(found))


@router.post("/probe", status_code=201, summary="Begin a probe", responses=problems(401, 403, 503, 507))
def start_probe(services: ServicesDep, caller: MendingAdminDep) -> ProbeOut:
    """Signed links for a browser to try; what becomes of them is removed by DELETE, or after a quarter of an hour."""
    probe = services.doctor.start_probe()
    settings = services.settings
    # On local disk there is only one way, whatever is set.
    upload = settings.upload.via != "app" or not probe.direct
    download = settings.download.via != "app" or not probe.direct
    return ProbeOut.of(probe, now=now(), upload=upload, download=download)


@router.post("/probe/{probe_id}/complete", summary="Make the probe whole", responses=problems(401, 403, 404, 409, 503))
def complete_probe(
    services: ServicesDep, caller: MendingAdminDep, probe_id: ProbeId, body: ProbePartsIn
) -> ProbeReadsOut:
    parts = [ClientPart(part.number, part.etag) for part in body.parts]
    return ProbeReadsOut.of(services.doctor.complete_probe(probe_id, parts))


@router.post("/findings", summary="Judge what a browser saw", responses=problems(401, 403))
def judge(services: ServicesDep, caller: AdminDep, origin: OriginDep, body: SeenIn) -> DiagnosisOut:
    """The server's findings and the browser's as one list, the worst first."""
    found = services.doctor.judge(body.seen(origin))
    return DiagnosisOut.of(found, services.doctor.verdict(found))


@router.delete("/probe/{probe_id}", status_code=204, summary="Remove a probe", responses=problems(401, 403))
def drop_probe(services: ServicesDep, caller: MendingAdminDep, probe_id: ProbeId) -> Response:
    services.doctor.drop_probe(probe_id)
    return Response(status_code=204)


@router.post(
    "/cors", status_code=204, summary="Let this page's origin into the buckets", responses=problems(401, 403, 409)
)
def set_cors(services: ServicesDep, caller: MendingAdminDep, origin: OriginDep) -> Response:
    """Sets the buckets' CORS rule where the store has that API, beside the rules that are there, and tries it."""
    services.doctor.set_cors(origin, user_id=caller.user_id)
    return Response(status_code=204)
