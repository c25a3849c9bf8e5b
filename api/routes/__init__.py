"""One file a resource; `api.application` puts them together."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query

from api.schemas import ProblemOut

API = "/api/ml/v1"
"""Where the contract lives; health, figures and share links stand at the root."""

Permanent = Annotated[bool, Query(description="Delete at once and for good, past the trash.")]


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For the documentation: the statuses a call answers as problem+json beside 422, which every call has."""
    return {status: {"model": ProblemOut} for status in (*statuses, 422)}
