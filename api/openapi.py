"""The API's description of itself: what FastAPI writes down, and what it cannot know of the errors.

FastAPI documents every model as application/json, and knows nothing of what the guard, the body limit and the error
table answer on any call.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI

from api.problems import MEDIA_TYPE
from api.routes import API

ANYWHERE = (401, 403, 429, 500, 503)
"""Nobody is signed in; a foreign host, or what the caller may not do; too many calls; a fault of ours, a database or a
store that does not answer."""
WITH_A_BODY = (413, 507)
"""A body over the limit; a store without room for what it announces."""

PROBLEM = {"$ref": "#/components/schemas/ProblemOut"}


def install(app: FastAPI) -> None:
    """Complete what `app.openapi()` gives."""
    written = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            _complete(written())
        return written()

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way, "Extending OpenAPI"


def _complete(schema: dict[str, Any]) -> None:
    for path, item in schema["paths"].items():
        for operation in item.values():
            answers: dict[str, Any] = operation["responses"]
            if path.startswith((API, "/s/")):
                for status in (*ANYWHERE, *(WITH_A_BODY if "requestBody" in operation else ())):
                    answers.setdefault(str(status), {"content": {"application/json": {"schema": PROBLEM}}})
            for status, described in answers.items():
                content = described.get("content", {})
                if content.get("application/json", {}).get("schema") == PROBLEM:
                    described["description"] = HTTPStatus(int(status)).phrase
                    content[MEDIA_TYPE] = content.pop("application/json")
