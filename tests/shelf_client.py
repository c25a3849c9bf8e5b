"""A client of the HTTP contract as a notebook would write it: begin, PUT the parts, complete."""

from __future__ import annotations

import uuid
from typing import Any

import httpx

from tests.app_server import RunningApp


def unique(stem: str = "set") -> str:
    """A dataset name no other test uses."""
    return f"{stem}-{uuid.uuid4().hex[:10]}"


def start(app: RunningApp, data: bytes | int, file_name: str, **fields: Any) -> dict[str, Any]:
    """POST /uploads; `data` is the bytes to come or their number. The answer must be 201."""
    size = data if isinstance(data, int) else len(data)
    with app.client() as client:
        answer = client.post("/uploads", json={"filename": file_name, "size": size, **fields})
    assert answer.status_code == 201, answer.text
    started: dict[str, Any] = answer.json()
    return started


def put_part(url: str, data: bytes) -> str:
    """PUT to a signed URL with no header but Content-Length; the ETag as answered, quoted."""
    answer = httpx.put(url, content=data, timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.headers["etag"]


def put_parts(started: dict[str, Any], data: bytes) -> list[dict[str, Any]]:
    """Every part that the answer of `start` names."""
    size = started["part_size"]
    return [
        {
            "number": part["number"],
            "etag": put_part(part["url"], data[(part["number"] - 1) * size : part["number"] * size]),
        }
        for part in started["parts"]
    ]


def complete(app: RunningApp, started: dict[str, Any], parts: list[dict[str, Any]]) -> httpx.Response:
    with app.client() as client:
        return client.post(f"/uploads/{started['upload_id']}/complete", json={"parts": parts})


def store(app: RunningApp, data: bytes, file_name: str, **fields: Any) -> dict[str, Any]:
    """The whole way in; the dataset as `complete` answers it."""
    started = start(app, data, file_name, **fields)
    answer = complete(app, started, put_parts(started, data))
    assert answer.status_code == 200, answer.text
    dataset: dict[str, Any] = answer.json()
    return dataset


def problem(answer: httpx.Response, status: int, slug: str | None = None) -> dict[str, Any]:
    """The body of an RFC 9457 answer, checked for its shape, its status and, if named, its type."""
    assert answer.status_code == status, (answer.status_code, answer.text)
    assert answer.headers["content-type"].startswith("application/problem+json")
    body: dict[str, Any] = answer.json()
    assert body["status"] == status
    assert all(body[member] for member in ("type", "title", "detail"))
    if slug is not None:
        assert body["type"].endswith(f":{slug}"), body
    return body
