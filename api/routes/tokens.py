"""The caller's API tokens: making, listing and revoking them."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from api.deps import CallerDep, IdText, ServicesDep, id_of
from api.routes import API, problems
from api.token_schemas import NewTokenOut, TokenIn, TokenOut, TokensOut
from catalog.errors import TokenNotFound
from catalog.tokens import Scope

router = APIRouter(prefix=f"{API}/tokens", tags=["tokens"])


def _token_id(token_id: IdText) -> UUID:
    return id_of(lambda value: TokenNotFound(f"There is no token {value[:100]}."), token_id)


TokenId = Annotated[UUID, Depends(_token_id)]


@router.post("", status_code=201, summary="Make a token", responses=problems(401, 409))
def create_token(services: ServicesDep, caller: CallerDep, body: TokenIn) -> NewTokenOut:
    """Its secret is in this answer and nowhere else. Made from a signed-in session: a token makes no tokens."""
    expires_in = None if body.expires_in_sec is None else timedelta(seconds=body.expires_in_sec)
    token, secret = services.tokens.create(caller, body.name, Scope(body.scope), expires_in=expires_in)
    return NewTokenOut.of_new(token, secret)


@router.get("", summary="Your tokens", responses=problems(401))
def list_tokens(services: ServicesDep, caller: CallerDep) -> TokensOut:
    """The newest first, without their secrets."""
    return TokensOut(items=[TokenOut.of(token) for token in services.tokens.list(caller)])


@router.delete("/{token_id}", status_code=204, summary="Revoke a token", responses=problems(401, 404))
def revoke_token(services: ServicesDep, caller: CallerDep, token_id: TokenId) -> Response:
    """Its next call is refused."""
    services.tokens.revoke(caller, token_id)
    return Response(status_code=204)
