"""What each error is over HTTP: one table from exception to status, `type` and title, as RFC 9457 problem+json.

The `detail` is the error's own sentence. Anything that is not in the table is a fault of ours: 500, logged with its
traceback, and told to the caller without one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import Match, Mount

from api import security_headers
from catalog import errors as catalog_errors
from preview import errors as preview_errors
from storage import (
    BucketMissing,
    FileNotInStorage,
    InvalidKey,
    LengthRequired,
    PartRejected,
    PartSuperseded,
    PartTooLarge,
    StorageDenied,
    StorageError,
    StorageFull,
    StorageUnavailable,
    UploadNotFound,
    WrongLength,
)
from storage.protocol import sentence
from storage.signed_links import LinkExpired, LinkInvalid

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
KNOWN_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
TYPE_PREFIX = "urn:datashelf:problem:"


@dataclass(frozen=True, slots=True)
class Problem:
    """How one kind of error is answered. `slug` ends the `type` URN and is what a screen shows an error by; `then` says
    what is safe and what to do, where the error itself states a bare fact."""

    status: int
    slug: str
    title: str
    then: str = ""


WAIT = "What is on the shelf is untouched; try again in a moment."
LOOK = "What is stored there is untouched; whoever runs the shelf finds the cause under Storage. Then try again."
ROOM = "What is stored there is untouched; make room, then try again."
RESTORE = "Nothing was changed; whoever runs the shelf can put the bucket back, see Storage. Then try again."
OTHERS = "Another version may still be there."

# Looked up along the exception's own classes, nearest first, so a family's entry stands for every member without one.
PROBLEMS: dict[type[Exception], Problem] = {
    catalog_errors.DatasetNotFound: Problem(404, "dataset-not-found", "No such dataset"),
    catalog_errors.FileNotFound: Problem(404, "file-not-found", "No such file"),
    catalog_errors.VersionNotFound: Problem(404, "version-not-found", "No such version"),
    catalog_errors.UploadNotFound: Problem(404, "upload-not-found", "No such upload"),
    catalog_errors.NotInTrash: Problem(404, "not-in-trash", "Not in the trash"),
    catalog_errors.DatasetInTrash: Problem(409, "dataset-in-trash", "The dataset is in the trash"),
    catalog_errors.FileNotReady: Problem(409, "file-not-ready", "The file is not ready"),
    catalog_errors.DatasetNameTaken: Problem(409, "dataset-name-taken", "The dataset name is taken"),
    catalog_errors.PartsMissing: Problem(409, "parts-missing", "Parts are missing"),
    catalog_errors.PartMismatch: Problem(422, "part-mismatch", "A part does not match"),
    catalog_errors.SizeMismatch: Problem(422, "size-mismatch", "The size does not match"),
    catalog_errors.ChecksumMismatch: Problem(422, "checksum-mismatch", "The checksum does not match"),
    catalog_errors.InvalidFileName: Problem(422, "invalid-file-name", "The file name is not allowed"),
    catalog_errors.InvalidSize: Problem(422, "invalid-size", "The size is not allowed"),
    catalog_errors.InvalidCursor: Problem(422, "invalid-cursor", "The cursor is not valid"),
    catalog_errors.InvalidName: Problem(422, "invalid-name", "The name is not allowed"),
    catalog_errors.InvalidDescription: Problem(422, "invalid-description", "The description is not allowed"),
    catalog_errors.InvalidTags: Problem(422, "invalid-tags", "The tags are not allowed"),
    catalog_errors.InvalidExpiry: Problem(422, "invalid-expiry", "The expiry is not allowed"),
    catalog_errors.InvalidChecksum: Problem(422, "invalid-checksum", "The checksum is not allowed"),
    catalog_errors.InvalidFolder: Problem(422, "invalid-folder", "The folder's name is not allowed"),
    catalog_errors.NotThroughApp: Problem(422, "not-through-app", "Not through the app"),
    catalog_errors.InvalidRole: Problem(422, "invalid-bucket", "There is no such bucket"),
    catalog_errors.InvalidQuery: Problem(422, "invalid-query", "The query is not valid"),
    catalog_errors.InvalidRange: Problem(422, "invalid-range", "The rows asked for are not allowed"),
    catalog_errors.InvalidReadAs: Problem(422, "invalid-read-as", "No file can be read so"),
    catalog_errors.InvalidInspection: Problem(422, "invalid-inspection", "These are not a file's two ends"),
    catalog_errors.InvalidSharing: Problem(422, "invalid-sharing", "It cannot be shared so"),
    catalog_errors.ShareNotFound: Problem(404, "share-not-found", "No such link"),
    catalog_errors.RequestNotFound: Problem(404, "request-not-found", "No such upload request"),
    catalog_errors.TokenNotFound: Problem(404, "token-not-found", "No such token"),
    catalog_errors.SessionNotFound: Problem(404, "session-not-found", "No such session"),
    catalog_errors.UserNotFound: Problem(404, "user-not-found", "No such person"),
    catalog_errors.GroupNotFound: Problem(404, "group-not-found", "No such group"),
    catalog_errors.NotSignedIn: Problem(401, "not-signed-in", "Not signed in"),
    catalog_errors.ProviderUnavailable: Problem(503, "provider-unavailable", "The sign-in provider does not answer"),
    catalog_errors.AdminsOnly: Problem(403, "admins-only", "Only for admins"),
    catalog_errors.ReadOnly: Problem(403, "read-only", "Nothing may be changed"),
    catalog_errors.NotAllowed: Problem(403, "not-allowed", "Not allowed"),
    catalog_errors.LinkEnded: Problem(410, "link-ended", "The link has ended"),
    catalog_errors.RequestFull: Problem(409, "request-full", "No more files are taken"),
    catalog_errors.PasswordNeeded: Problem(401, "password-needed", "The link has a password"),
    catalog_errors.TooManyTokens: Problem(409, "too-many-tokens", "Too many tokens"),
    catalog_errors.TooManyAttempts: Problem(429, "too-many-attempts", "Too many attempts"),
    catalog_errors.NameTaken: Problem(409, "name-taken", "The name is taken"),
    catalog_errors.LastAdmin: Problem(409, "last-admin", "The last admin"),
    catalog_errors.InvalidShare: Problem(422, "invalid-share", "There can be no such link"),
    catalog_errors.InvalidPassword: Problem(422, "invalid-password", "The password is not allowed"),
    catalog_errors.CorsRuleRefused: Problem(409, "cors-rule-refused", "The rule was not set"),
    catalog_errors.Busy: Problem(503, "too-many-queries", "Too many queries at once"),
    catalog_errors.Invalid: Problem(422, "invalid-input", "The request is not valid"),
    preview_errors.QueryRefused: Problem(422, "query-refused", "Not allowed in a query"),
    preview_errors.QueryFailed: Problem(422, "query-failed", "The query does not run"),
    preview_errors.ResultTooBig: Problem(422, "result-too-big", "The result is too big"),
    preview_errors.Cancelled: Problem(409, "query-stopped", "It was stopped"),
    preview_errors.WrongReadAs: Problem(422, "wrong-read-as", "The file cannot be read that way"),
    preview_errors.NoTable: Problem(422, "no-table", "The file holds no table"),
    preview_errors.CorruptFile: Problem(422, "corrupt-file", "The file is damaged"),
    preview_errors.EncryptedFile: Problem(422, "encrypted-file", "The file is encrypted"),
    preview_errors.TooBig: Problem(422, "too-big-to-preview", "Too big to preview"),
    preview_errors.TimedOut: Problem(422, "preview-timed-out", "The preview took too long"),
    preview_errors.WorkerCrashed: Problem(422, "preview-failed", "The file could not be read"),
    preview_errors.SourceUnavailable: Problem(503, "storage-unavailable", "The store does not answer"),
    preview_errors.SourceGone: Problem(404, "object-missing", "The file is gone from the store"),
    LinkExpired: Problem(403, "link-expired", "The link has expired"),
    LinkInvalid: Problem(403, "link-invalid", "The link is not valid"),
    LengthRequired: Problem(411, "length-required", "Length required"),
    WrongLength: Problem(400, "wrong-length", "The body is not as long as announced"),
    PartSuperseded: Problem(409, "part-superseded", "The part was sent again meanwhile"),
    InvalidKey: Problem(403, "link-invalid", "The link is not valid"),
    PartTooLarge: Problem(413, "part-too-large", "The part is too large"),
    PartRejected: Problem(422, "part-mismatch", "A part does not match"),
    BucketMissing: Problem(503, "bucket-missing", "The bucket is not there", RESTORE),
    UploadNotFound: Problem(404, "upload-not-found", "No such upload"),
    FileNotInStorage: Problem(404, "object-missing", "The file is gone from the store", OTHERS),
    StorageDenied: Problem(503, "storage-denied", "The store refused", LOOK),
    StorageFull: Problem(507, "storage-full", "The store is full", ROOM),
    StorageUnavailable: Problem(503, "storage-unavailable", "The store does not answer", WAIT),
    StorageError: Problem(503, "storage-error", "The store failed", LOOK),
    catalog_errors.DatabaseUnavailable: Problem(503, "database-unavailable", "The database does not answer", WAIT),
}

HEADERS = {
    "not-signed-in": {"WWW-Authenticate": 'Bearer realm="Datashelf"'},
    "password-needed": {"WWW-Authenticate": 'Basic realm="The password of this link", charset="UTF-8"'},
}
"""RFC 9110, 11.6.1: every 401 says what would help."""
ASKED_BY_A_PAGE = {"WWW-Authenticate": 'Form realm="The password of this link"'}
"""To a script of a page, over which a browser would open its own login box for Basic."""
NO_STATISTICS = Problem(422, "no-statistics", "There are no statistics")
INVALID = Problem(422, "invalid-input", "The request is not valid")
FAULT = Problem(500, "internal", "Something failed on the server")
TOO_LARGE = Problem(413, "body-too-large", "The request is too large")
TOO_LARGE_SENTENCE = "A request to the API may hold 4 MiB; the bytes of a file go to its signed part URLs."

# FastAPI's and Starlette's own refusals. Their words differ between versions, and so do Python's phrases for a status
# (3.13 renamed 413, 416 and 422); a `type` must not. None: the detail that came with the error.
HTTP_PROBLEMS: dict[int, tuple[Problem, str | None]] = {
    # FastAPI's answer to a body that its JSON reader gives up on; a validation error like any other to the caller.
    400: (INVALID, "The body is not JSON that can be read."),
    404: (Problem(404, "not-found", "Not found"), None),
    405: (Problem(405, "method-not-allowed", "Method not allowed"), "This address does not take that method."),
    413: (TOO_LARGE, TOO_LARGE_SENTENCE),
    416: (Problem(416, "range-not-satisfiable", "The range is not in the file"), None),
}


class ProblemResponse(JSONResponse):
    """problem+json. What a detail quotes of the request may hold half a surrogate pair, which UTF-8 cannot: `?`."""

    media_type = MEDIA_TYPE

    def render(self, content: Any) -> bytes:
        return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def problem_for(error: BaseException) -> Problem:
    """The table's entry for an error, or `FAULT`."""
    for cls in type(error).__mro__:
        found = PROBLEMS.get(cls)
        if found is not None:
            return found
    return FAULT


def answer(problem: Problem, detail: str, extra: Mapping[str, Any] | None = None) -> JSONResponse:
    """A problem+json response (RFC 9457); `extra` holds the members a client acts on, such as `missing`."""
    body = {
        "type": TYPE_PREFIX + problem.slug,
        "title": problem.title,
        "status": problem.status,
        "detail": detail,
        **(extra or {}),
    }
    headers = HEADERS.get(problem.slug) or ({"Retry-After": "5"} if problem.status == 503 else None)
    return ProblemResponse(body, status_code=problem.status, headers=headers)


def _members(error: Exception) -> dict[str, Any]:
    if isinstance(error, (catalog_errors.DatasetNameTaken, catalog_errors.DatasetInTrash)):
        return {"dataset_id": str(error.dataset_id)}
    if isinstance(error, catalog_errors.PartsMissing):
        return {"missing": list(error.missing)}
    if isinstance(error, preview_errors.AboutQuery):
        place = error.place
        return {
            "line": place.line if place else None,
            "column": place.column if place else None,
            "suggestion": error.suggestion,
        }
    return {}


def detail_of(error: Exception) -> str:
    """What went wrong as sentences, with the next step."""
    text, then = str(error), problem_for(error).then
    # The store's errors state a bare fact; everybody else's are sentences.
    if isinstance(error, StorageError) and not text.endswith((".", "?", "!")):
        return f"{sentence(text)} {then}".rstrip()
    return f"{text} {then}" if isinstance(error, catalog_errors.DatabaseUnavailable) else text


def refusal(error: Exception) -> JSONResponse:
    """What an error that the table knows is answered with."""
    response = answer(problem_for(error), detail_of(error), _members(error))
    if isinstance(error, catalog_errors.TooManyAttempts):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


async def _known(request: Request, error: Exception) -> JSONResponse:
    problem = problem_for(error)
    if problem.status >= 500:
        log.warning("request_failed", problem=problem.slug, detail=str(error))
    response = refusal(error)
    if problem.slug == "password-needed" and "sec-fetch-mode" in request.headers:
        response.headers.update(ASKED_BY_A_PAGE)
    return response


async def _fault(request: Request, error: Exception) -> JSONResponse:
    log.error("request_fault", path=_shown_path(request), exc_info=error)
    response = answer(
        FAULT, "The request failed on the server; nothing was changed half-way. Try again, and look at the app's log."
    )
    # Starlette answers a fault outside of every middleware.
    response.headers.update({**security_headers.ALWAYS, "Content-Security-Policy": security_headers.DATA})
    return response


def _shown_path(request: Request) -> str:
    # The route, where there is one: an address of a link holds the token that opens it.
    route = getattr(request.scope.get("route"), "path", None)
    return route or quote(request.url.path)


async def _validation(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    fields = [
        {
            "field": ".".join(str(part) for part in item["loc"] if part not in ("body", "query", "path")),
            "message": str(item["msg"]),
        }
        for item in error.errors()
    ]
    detail = "; ".join(f"{item['field']}: {item['message']}" if item["field"] else item["message"] for item in fields)
    return answer(INVALID, f"{detail}.", {"errors": fields})


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    phrase = HTTPStatus(error.status_code).phrase
    unknown = Problem(error.status_code, phrase.lower().replace(" ", "-").replace("'", ""), phrase)
    problem, detail = HTTP_PROBLEMS.get(error.status_code, (unknown, None))
    response = answer(problem, detail or str(error.detail))
    response.headers.update(error.headers or {})
    if error.status_code == 405 and (methods := _methods(request)):
        # Starlette names those of the first route only, where several share an address (RFC 9110, 10.2.1).
        response.headers["Allow"] = ", ".join(sorted(methods))
    return response


def _methods(request: Request) -> set[str]:
    # Asked method by method: an included router tells what it takes in no other public way.
    routes = [route for route in request.app.routes if not isinstance(route, Mount)]
    return {
        method
        for method in KNOWN_METHODS
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in routes)
    }


def install(app: FastAPI) -> None:
    """Answer every error of the app, FastAPI's own too, as problem+json."""
    for family in set(PROBLEMS) | {catalog_errors.CatalogError, preview_errors.PreviewError}:
        app.add_exception_handler(family, _known)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _fault)
