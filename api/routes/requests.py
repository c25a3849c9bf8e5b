"""Upload requests: the owner's own, under the API; and what who has the link does by it, under /s."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request, Response

from api.credentials import basic_password
from api.deps import BY_LINK, CallerDep, IdText, ServicesDep, UploadId, id_of
from api.rates import rates_of, tried
from api.request_schemas import (
    TOKEN,
    OfferedIn,
    OfferedOut,
    ReceivedOut,
    SentOut,
    UploadRequestIn,
    UploadRequestOut,
    UploadRequestsOut,
)
from api.routes import API, problems
from api.turns import in_turn
from api.upload_schemas import CompleteIn, PartNumbersIn, PartUrlOut, PartUrlsOut
from catalog.errors import RequestNotFound
from catalog.link_passwords import cookie_name
from catalog.parts import ClientPart
from catalog.request_state import Offered
from storage.link_base import current_link_base

router = APIRouter(prefix=f"{API}/requests", tags=["upload requests"])
public = APIRouter(prefix="/s/{token}/uploads", tags=["upload requests"], dependencies=[BY_LINK, in_turn("store")])


def _request_id(request_id: IdText) -> UUID:
    return id_of(lambda value: RequestNotFound(f"There is no upload request {value[:100]}."), request_id)


RequestId = Annotated[UUID, Depends(_request_id)]
Token = Annotated[str, Path(description="The last part of the link.", examples=[TOKEN])]


@router.post("", status_code=201, summary="Ask for files", responses=problems(401, 403, 429))
def create_request(services: ServicesDep, caller: CallerDep, asked: UploadRequestIn) -> UploadRequestOut:
    """A link by which people without an account put files onto your shelf."""
    view = services.requests.create(
        caller,
        asked.note,
        expires_in=None if asked.expires_in_sec is None else timedelta(seconds=asked.expires_in_sec),
        max_files=asked.max_files,
        max_size=asked.max_size,
        password=asked.password,
    )
    return UploadRequestOut.of(view, current_link_base())


@router.get("", summary="Your upload requests", responses=problems(401))
def list_requests(services: ServicesDep, caller: CallerDep) -> UploadRequestsOut:
    """The newest first; those that have ended, too."""
    base = current_link_base()
    return UploadRequestsOut(items=[UploadRequestOut.of(view, base) for view in services.requests.list(caller)])


@router.delete("/{request_id}", status_code=204, summary="Revoke an upload request", responses=problems(401, 403, 404))
def revoke_request(services: ServicesDep, caller: CallerDep, request_id: RequestId) -> Response:
    """At once: what is on its way is given up, what has arrived stays."""
    services.requests.revoke(caller, request_id)
    return Response(status_code=204)


@public.post("", status_code=201, summary="Begin an upload by a link", responses=problems(401, 404, 409, 410, 429, 503))
def begin_upload(services: ServicesDep, request: Request, token: Token, offered: OfferedIn) -> OfferedOut:
    """As POST /uploads, without an account. Where the link has a password, a browser shows that it gave it, and a
    script sends it as HTTP Basic."""
    unlocked = request.cookies.get(cookie_name(token))
    if (password := basic_password(request)) is not None and services.requests.has_password(token):
        with tried(rates_of(request).link):
            unlocked = services.requests.unlock(token, password)
    started = services.requests.begin(
        token,
        unlocked,
        Offered(
            file_name=offered.filename,
            size=offered.size,
            content_type=offered.content_type,
            modified_at=offered.modified_at,
            head_sha256=offered.head_sha256,
            tail_sha256=offered.tail_sha256,
            key=offered.key,
        ),
    )
    return OfferedOut.of(started)


@public.get("/{upload_id}", summary="An upload by a link, with the parts the store holds", responses=problems(404, 410))
def get_upload(services: ServicesDep, token: Token, upload_id: UploadId) -> SentOut:
    return SentOut.of(services.requests.get(token, upload_id))


@public.post("/{upload_id}/parts", summary="Sign part URLs, afresh", responses=problems(404, 410))
def sign_parts(services: ServicesDep, token: Token, upload_id: UploadId, wanted: PartNumbersIn) -> PartUrlsOut:
    signed, _ = services.requests.sign_parts(token, upload_id, wanted.numbers, via=wanted.via)
    return PartUrlsOut(parts=[PartUrlOut(number=number, url=url) for number, url in signed])


@public.post("/{upload_id}/complete", summary="Finish an upload by a link", responses=problems(404, 409, 410, 503))
def complete_upload(services: ServicesDep, token: Token, upload_id: UploadId, done: CompleteIn) -> ReceivedOut:
    """Checked against what the store holds; repeated, it gives the same answer."""
    parts = [ClientPart(number=part.number, etag=part.etag, sha256=part.sha256) for part in done.parts]
    received = services.requests.complete(token, upload_id, parts, sha256=done.sha256)
    return ReceivedOut(filename=received.file_name, size=received.size)


@public.delete("/{upload_id}", status_code=204, summary="Undo an upload by a link", responses=problems(404, 410))
def cancel_upload(services: ServicesDep, token: Token, upload_id: UploadId) -> Response:
    services.requests.cancel(token, upload_id)
    return Response(status_code=204)
