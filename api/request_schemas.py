"""The shapes of upload requests: what their owner makes and sees, and what who has the link sends and is told."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from api.schemas import UPLOAD, In, Out
from api.upload_schemas import DIGEST, Moment, PartUrlOut, ReceivedPartOut, Sha256
from catalog.request_state import RequestState, UploadRequestView
from catalog.requests import LIFE, LONGEST, LONGEST_NOTE, MOST_FILES, SHORTEST
from catalog.uploads import StartedUpload, UploadDetail
from storage.protocol import MAX_OBJECT_SIZE

REQUEST = "5d8c1f0e-7b2a-4c36-9e4d-1a6f0b3c2d77"
TOKEN = "r4Jb0mYc7aWq1ZkP9sVtX2Lh"  # noqa: S105  # an example


class UploadRequestIn(In):
    note: str = Field(
        default="",
        max_length=LONGEST_NOTE,
        description="What is asked for; whoever has the link reads it.",
        examples=["The sales of November"],
    )
    expires_in_sec: Annotated[int, Field(ge=int(SHORTEST.total_seconds()), le=int(LONGEST.total_seconds()))] | None = (
        Field(
            default=int(LIFE.total_seconds()),
            description="Left out: 7 days; null: it works until it is revoked.",
            examples=[604800],
        )
    )
    max_files: Annotated[int, Field(ge=1, le=MOST_FILES)] | None = Field(
        default=None, description="How many files it takes; null: any number.", examples=[3]
    )
    max_size: Annotated[int, Field(ge=1, le=MAX_OBJECT_SIZE)] | None = Field(
        default=None, description="The largest file it takes, in bytes; null: 5 TiB.", examples=[2_000_000_000]
    )
    password: Annotated[str, StringConstraints(min_length=1, max_length=1000)] | None = Field(
        default=None, description="Asked for before anything is told or taken.", examples=[None]
    )


class UploadRequestOut(Out):
    """An upload request of yours."""

    id: UUID = Field(examples=[REQUEST])
    url: str | None = Field(
        description="The link to send; null where a change of SECRET_KEY ended it, and for a token that only reads.",
        examples=[f"http://localhost:8501/s/{TOKEN}"],
    )
    token: str | None = Field(description="The link's last part; null as `url` is.", examples=[TOKEN])
    note: str = Field(examples=["The sales of November"])
    state: RequestState = Field(description="active, full, expired or revoked", examples=["active"])
    expires_at: datetime | None = Field(examples=["2026-11-30T14:02:00Z"])
    max_files: int | None = Field(examples=[3])
    max_size: int | None = Field(description="Bytes, of one file.", examples=[2_000_000_000])
    files: int = Field(description="Those that were sent or are on their way.", examples=[2])
    created_at: datetime = Field(examples=["2026-11-23T14:02:00Z"])
    last_used_at: datetime | None = Field(examples=["2026-11-24T08:15:00Z"])
    has_password: bool = Field(examples=[False])

    @classmethod
    def of(cls, view: UploadRequestView, base: str) -> UploadRequestOut:
        """`base` is where its address begins."""
        return cls(
            id=view.id,
            url=None if view.token is None else f"{base}/s/{view.token}",
            token=view.token,
            note=view.note,
            state=view.state,
            expires_at=view.expires_at,
            max_files=view.max_files,
            max_size=view.max_size,
            files=view.files,
            created_at=view.created_at,
            last_used_at=view.last_used_at,
            has_password=view.has_password,
        )


class UploadRequestsOut(Out):
    items: list[UploadRequestOut]


class OfferedIn(In):
    """A file that is to be sent by a link."""

    filename: str = Field(description="All up to the last / or \\ is dropped.", examples=["airports.csv"])
    size: int = Field(description="Bytes, up to what the link takes.", examples=[210365])
    content_type: str | None = Field(default=None, max_length=255, examples=["text/csv"])
    modified_at: Moment | None = Field(
        default=None, description="The file's own date on your disk.", examples=["2026-11-20T08:15:00Z"]
    )
    head_sha256: Sha256 | None = Field(
        default=None, description="SHA-256 of bytes [0, min(size, 1 MiB)).", examples=[DIGEST]
    )
    tail_sha256: Sha256 | None = Field(
        default=None, description="SHA-256 of bytes [max(0, size − 1 MiB), size).", examples=[DIGEST]
    )
    key: Annotated[str, StringConstraints(pattern=r"^[0-9a-zA-Z_-]{16,64}$")] | None = Field(
        default=None,
        description="A secret of yours, new for each file: announced again under it, after an answer that was lost, "
        "the file is the same upload.",
        examples=["6f1d2c3b4a5968778695a4b3c2d1e0f1"],
    )


class OfferedOut(Out):
    """PUT part n, bytes [(n−1)·part_size, n·part_size), to its URL; the answer's ETag goes into `complete`."""

    upload_id: UUID = Field(examples=[UPLOAD])
    part_size: int = Field(description="Bytes.", examples=[16777216])
    parts: list[PartUrlOut] = Field(description="The first 100 at most; more by POST …/uploads/{upload_id}/parts.")
    expires_at: datetime = Field(description="When these URLs expire.")

    @classmethod
    def of(cls, started: StartedUpload) -> OfferedOut:
        return cls(
            upload_id=started.upload_id,
            part_size=started.part_size,
            parts=[PartUrlOut(number=number, url=url) for number, url in started.parts],
            expires_at=started.expires_at,
        )


class SentOut(Out):
    """An upload under way by a link, with the parts the store holds."""

    upload_id: UUID = Field(examples=[UPLOAD])
    filename: str = Field(examples=["airports.csv"])
    size: int = Field(examples=[210365])
    part_size: int = Field(examples=[16777216])
    part_count: int = Field(examples=[3])
    created_at: datetime = Field(examples=["2026-11-24T10:00:00Z"])
    via_app: bool = Field(description="Whether its parts may be sent through the app (`via`).", examples=[True])
    received: list[ReceivedPartOut]

    @classmethod
    def of(cls, detail: UploadDetail) -> SentOut:
        summary = detail.summary
        received = [
            ReceivedPartOut(number=part.number, size=part.size or 0, etag=part.etag) for part in detail.received
        ]
        return cls(
            upload_id=summary.upload_id,
            filename=summary.file_name,
            size=summary.size,
            part_size=summary.part_size,
            part_count=summary.part_count,
            created_at=summary.created_at,
            via_app=summary.via_app,
            received=received,
        )


class ReceivedOut(Out):
    """A file that has arrived whole. What becomes of it is its receiver's affair."""

    filename: str = Field(examples=["airports.csv"])
    size: int = Field(examples=[210365])
