"""The shapes of requests and answers about API tokens."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from api.schemas import In, Out
from catalog.tokens import LONGEST, LONGEST_NAME, SHORTEST, TokenView

EXAMPLE = "b1c2d3e4-5f60-4a7b-8c9d-0e1f2a3b4c5d"


class TokenIn(In):
    """What the token is for, and what it may do."""

    name: str = Field(min_length=1, max_length=LONGEST_NAME, examples=["notebook"])
    scope: Literal["read", "write"] = Field(default="read", description="`write` reads as well.", examples=["read"])
    expires_in_sec: int | None = Field(
        default=None,
        ge=int(SHORTEST.total_seconds()),
        le=int(LONGEST.total_seconds()),
        description="Seconds it works; left out: until it is revoked.",
        examples=[7_776_000],
    )


class TokenOut(Out):
    """A token as it is known after it was shown."""

    id: UUID = Field(examples=[EXAMPLE])
    name: str = Field(examples=["notebook"])
    scope: Literal["read", "write"] = Field(examples=["read"])
    hint: str = Field(description="Its last four characters.", examples=["x7Qa"])
    created_at: datetime = Field(examples=["2026-11-29T10:00:00Z"])
    expires_at: datetime | None = Field(description="Null: it works until it is revoked.", examples=[None])
    last_used_at: datetime | None = Field(description="To the minute; null: never.", examples=[None])

    @classmethod
    def of(cls, token: TokenView) -> TokenOut:
        return cls(**{name: getattr(token, name) for name in TokenOut.model_fields})


class NewTokenOut(TokenOut):
    """A new token with its secret, which is shown this once."""

    token: str = Field(
        description="Send it as `Authorization: Bearer …`.",
        examples=["ds_3q2-7wPZ0oFv…x7Qa"],
    )

    @classmethod
    def of_new(cls, token: TokenView, secret: str) -> NewTokenOut:
        return cls(token=secret, **{name: getattr(token, name) for name in TokenOut.model_fields})


class TokensOut(Out):
    """The caller's tokens, newest first."""

    items: list[TokenOut]
