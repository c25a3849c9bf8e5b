"""The shapes of share links: what their owners make and see."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, StringConstraints

from api.schemas import DATASET, FILE, In, Out
from catalog.passwords import LONGEST_PASSWORD
from catalog.share_links import (
    LONGEST_LIFE,
    LONGEST_NOTE,
    LONGEST_WHERE,
    MOST_COLUMNS,
    MOST_DOWNLOADS,
    SHORTEST_LIFE,
    USUAL_LIFE,
    ShareLinkView,
    ShareState,
)

SHARE = "0f8b7d7e-5b0e-4c4e-9a53-6f0c3f1a2b44"
TOKEN = "pX2vT9kQm4Zb1sRcY7dLwA0e"  # noqa: S105  # an example

Life = Annotated[int, Field(ge=int(SHORTEST_LIFE.total_seconds()), le=int(LONGEST_LIFE.total_seconds()))]
Downloads = Annotated[int, Field(ge=1, le=MOST_DOWNLOADS)]


class ShareIn(In):
    expires_in_sec: Life | None = Field(
        default=int(USUAL_LIFE.total_seconds()),
        description="One second to ten years. Left out: 7 days; null: it works until it is revoked.",
        examples=[604800],
    )
    max_downloads: Downloads | None = Field(
        default=None, description="How many redirects to the bytes it gives; null: any number.", examples=[5]
    )
    password: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_PASSWORD)] | None = Field(
        default=None, description="At least 4 characters; asked for before anything is shown.", examples=[None]
    )
    note: str = Field(
        default="",
        max_length=LONGEST_NOTE,
        description="Who it is for; only you see it, and the activity names the link so.",
        examples=["Hafen GmbH"],
    )
    latest: bool = Field(
        default=False, description="Serve the newest ready version at any time, not this one.", examples=[False]
    )
    columns: list[str] | None = Field(
        default=None,
        min_length=1,
        max_length=MOST_COLUMNS,
        description="Share only these columns: the link serves a copy made now.",
        examples=[["name", "country"]],
    )
    where: str | None = Field(
        default=None,
        max_length=LONGEST_WHERE,
        description="Share only the rows that meet this SQL condition; the file is the table `data`.",
        examples=["country = 'DE'"],
    )


class ShareRenewIn(In):
    expires_in_sec: Life | None = Field(
        default=int(USUAL_LIFE.total_seconds()), description="From now on; as for a new link.", examples=[604800]
    )
    max_downloads: Downloads | None = Field(
        default=None, description="Counted from now on. Left out: as many as before; null: any number.", examples=[5]
    )


class ShareOut(Out):
    """A share link as its owner sees it. Whoever has `url` has what it leads to."""

    id: UUID = Field(examples=[SHARE])
    url: str | None = Field(
        description="To send to people; null where a change of SECRET_KEY ended it, and for a token that only reads.",
        examples=[f"http://localhost:8501/s/{TOKEN}"],
    )
    raw_url: str | None = Field(
        description="For pandas, DuckDB and curl: leads to the bytes; null as `url` is.",
        examples=[f"http://localhost:8501/s/{TOKEN}/raw/airports.csv"],
    )
    token: str | None = Field(description="The last part of `url`; null as that is.", examples=[TOKEN])
    file_id: UUID | None = Field(
        description="The version it leads to now; null where there is none that you may see.", examples=[FILE]
    )
    file_name: str = Field(description="What is downloaded.", examples=["airports.csv"])
    dataset_id: UUID = Field(examples=[DATASET])
    dataset_name: str = Field(examples=["airports"])
    note: str = Field(examples=["Hafen GmbH"])
    state: ShareState = Field(description="active, used_up, expired, revoked or gone", examples=["active"])
    expires_at: datetime | None = Field(examples=["2026-12-06T14:02:00Z"])
    max_downloads: int | None = Field(examples=[5])
    downloads: int = Field(description="Redirects given so far.", examples=[2])
    has_password: bool = Field(examples=[False])
    latest: bool = Field(examples=[False])
    columns: list[str] | None = Field(description="Of a link to a part of the file.", examples=[["name", "country"]])
    where: str | None = Field(examples=["country = 'DE'"])
    rows: int | None = Field(description="Rows of the copy that such a link serves.", examples=[126])
    notes: list[str] = Field(description="What is worth knowing of it.", examples=[[]])
    created_at: datetime = Field(examples=["2026-11-29T14:02:00Z"])
    last_used_at: datetime | None = Field(examples=[None])
    owner: str = Field(description="Who made it.", examples=["ada"])

    @classmethod
    def of(cls, view: ShareLinkView) -> ShareOut:
        plain: dict[str, Any] = {name: getattr(view, name) for name in cls.model_fields if name != "rows"}
        return cls(**plain | {"rows": view.slice_rows})


class SharesOut(Out):
    items: list[ShareOut]
    next_cursor: str | None = Field(description="Hand it back as `cursor` for the next page; null on the last.")
