"""The caller themselves: who they are here, their password, and the browsers they are signed in with."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from api.deps import CallerDep, IdText, ServicesDep, id_of
from api.people_schemas import MeIn, MeOut, PasswordIn, SessionOut, SessionsOut
from api.routes import API, problems
from catalog.errors import SessionNotFound

router = APIRouter(prefix=f"{API}/me", tags=["me"])


def _session_id(session_id: IdText) -> UUID:
    return id_of(lambda value: SessionNotFound(f"There is no session {value[:100]}."), session_id)


SessionId = Annotated[UUID, Depends(_session_id)]


@router.get("", summary="Who you are here", responses=problems(401))
def show_me(services: ServicesDep, caller: CallerDep) -> MeOut:
    return MeOut.of(services.people.me(caller))


@router.patch("", summary="Change your name", responses=problems(401, 403, 409))
def rename_me(services: ServicesDep, caller: CallerDep, body: MeIn) -> MeOut:
    """The name others see; one can sign in with it, too."""
    view = services.people.rename_me(caller, body.name)
    return MeOut.of(view)


@router.post("/password", status_code=204, summary="Change your password", responses=problems(401, 403, 429))
def change_password(services: ServicesDep, caller: CallerDep, body: PasswordIn) -> Response:
    """Every other session of yours ends. Wrong old passwords count as wrong sign-ins do."""
    services.sign_in.change_password(caller, body.old, body.new)
    return Response(status_code=204)


@router.get("/sessions", summary="Where you are signed in", responses=problems(401))
def list_sessions(services: ServicesDep, caller: CallerDep) -> SessionsOut:
    return SessionsOut(items=[SessionOut.of(one) for one in services.sessions.list(caller)])


@router.delete(
    "/sessions/{session_id}", status_code=204, summary="Sign a browser out", responses=problems(401, 403, 404)
)
def revoke_session(services: ServicesDep, caller: CallerDep, session_id: SessionId) -> Response:
    """It is out at its next move."""
    services.sessions.revoke(caller, session_id)
    return Response(status_code=204)
