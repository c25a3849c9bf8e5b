"""A shelf with many datasets on it, written straight into the tables: through the API it would take an hour."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from sqlalchemy import insert, update
from sqlmodel import col

from catalog.identity import Identity
from catalog.names import fold
from catalog.search import search_text
from db import Database
from db.tables import Column, Dataset, DatasetTag, File, FileStatus, ShelfCount
from db.utc import utc_now

BATCH = 5_000
TAGS = ("weather", "sales", "raw", "curated", "2026", "sensors")
FORMATS = ("csv", "parquet", "jsonl", "xlsx")
COLUMNS = ("id", "at", "station", "temperature", "pressure", "humidity")
RARE_WORD = "needle"
"""Stands in one dataset's description."""


def fill(database: Database, *, datasets: int) -> None:
    """Put `datasets` datasets of the local user on an empty, migrated shelf: a ready file, tags and columns each."""
    owner = Identity(database).local_user()
    total = 0
    for begin in range(0, datasets, BATCH):
        numbers = range(begin, min(begin + BATCH, datasets))
        rows: dict[type[Any], list[dict[str, Any]]] = {Dataset: [], File: [], DatasetTag: [], Column: []}
        for number in numbers:
            total += _add(rows, number, owner.user_id, owner.name, rare=number == datasets // 2)
        with database.transaction() as session:
            for table, values in rows.items():
                session.execute(insert(table), values)
    with database.transaction() as session:
        count = update(ShelfCount).where(col(ShelfCount.owner_id) == owner.user_id)
        session.execute(count.values(datasets=datasets, size=total))


def _add(
    rows: dict[type[Any], list[dict[str, Any]]], number: int, owner_id: uuid.UUID, owner: str, *, rare: bool
) -> int:
    dataset_id, file_id = uuid.uuid4(), uuid.uuid4()
    at = utc_now() - timedelta(seconds=97 * number)
    name = f"Measurements {number * 7919 % 1_000_003:07d}"
    kind = FORMATS[number % len(FORMATS)]
    file_name = f"measurements-{number}.{kind}"
    size = 1_000 + number * 104_729 % 10**9
    tags = {TAGS[number % len(TAGS)], TAGS[number // 7 % len(TAGS)]}
    description = f"Readings of station {number % 2000}, as delivered" + (f", the {RARE_WORD}" if rare else "")
    facts = {"file_name": file_name, "format": kind, "size": size, "rows": number * 37, "columns": len(COLUMNS)}
    rows[Dataset].append(
        {
            **facts,
            "id": dataset_id,
            "owner_id": owner_id,
            "name": name,
            "name_key": fold(name),
            "description": description,
            "created_at": at,
            "updated_at": at,
            "last_version": 1,
            "current_file_id": file_id,
            "search_text": search_text(name, description, sorted(tags), COLUMNS, owner, file_name),
        }
    )
    rows[File].append(
        {
            **facts,
            "id": file_id,
            "dataset_id": dataset_id,
            "owner_id": owner_id,
            "version": 1,
            "status": FileStatus.READY,
            "media_type": "application/octet-stream",
            "sha256": f"{number:064x}",
            "sha256_verified": True,
            "backend": "local",
            "bucket": "datasets",
            "role": "datasets",
            "key": f"datasets/2026/11/{file_id}",
            "created_at": at,
            "described_at": at,
            "scanned_at": at,
        }
    )
    for place, tag in enumerate(sorted(tags)):
        rows[DatasetTag].append(
            {
                "dataset_id": dataset_id,
                "tag_key": fold(tag),
                "tag": tag,
                "position": place,
                "owner_id": owner_id,
                "listed": True,
            }
        )
    for place, column in enumerate(COLUMNS):
        rows[Column].append(
            {"file_id": file_id, "position": place, "name": column, "name_key": fold(column), "type": "string"}
        )
    return size
