"""A shelf with many datasets on it, written straight into the tables: through the API it would take an hour."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import insert

from catalog.accounts import make_user
from catalog.caller import Caller
from catalog.identity import Identity
from catalog.names import fold
from catalog.search import search_text
from catalog.tokens import Scope, Tokens
from db import Database
from db.tables import Column, Dataset, DatasetGrant, DatasetTag, File, FileStatus, Level, Role, ShelfCount, Visibility
from db.utc import utc_now

BATCH = 5_000
PEOPLE = 30
GRANTS = 50
TAGS = ("weather", "sales", "raw", "curated", "2026", "sensors")
FORMATS = ("csv", "parquet", "jsonl", "xlsx")
COLUMNS = ("id", "at", "station", "temperature", "pressure", "humidity")
RARE_WORD = "needle"
"""Stands in one dataset's description."""


def fill(database: Database, *, datasets: int) -> None:
    """Put `datasets` datasets of the local user on an empty, migrated shelf: a ready file, tags and columns each."""
    owner = Identity(database).local_user()
    _put(database, [(owner.user_id, owner.name)], datasets, [Visibility.PRIVATE])


def fill_for_team(database: Database, *, datasets: int) -> str:
    """As `fill`, for `PEOPLE` who own them in turns and have half of them seen by the team.

    The secret of an API token of the first of them, with whom `GRANTS` of the others' private ones are shared by name.
    """
    with database.transaction() as session:
        people = [make_user(session, f"person {number:02d}", role=Role.EDITOR) for number in range(PEOPLE)]
        owners = [(person.id, person.name) for person in people]
    made = _put(database, owners, datasets, [Visibility.PRIVATE, Visibility.TEAM])
    shared = [number for number in range(1, datasets) if number % PEOPLE and not number // PEOPLE % 2][:GRANTS]
    me, name = owners[0]
    with database.transaction() as session:
        session.add_all(
            DatasetGrant(dataset_id=made[number], user_id=me, group_id=None, level=Level.READER) for number in shared
        )
    return Tokens(database).create(Caller(me, name), "bench", Scope.READ)[1]


def _put(
    database: Database, owners: Sequence[tuple[uuid.UUID, str]], datasets: int, visibilities: Sequence[Visibility]
) -> list[uuid.UUID]:
    """The ids of the datasets. Each owner in turn has one of each visibility."""
    made: list[uuid.UUID] = []
    counts = {owner_id: ShelfCount(owner_id=owner_id) for owner_id, _ in owners}
    for begin in range(0, datasets, BATCH):
        numbers = range(begin, min(begin + BATCH, datasets))
        rows: dict[type[Any], list[dict[str, Any]]] = {Dataset: [], File: [], DatasetTag: [], Column: []}
        for number in numbers:
            owner_id, owner = owners[number % len(owners)]
            size = _add(rows, number, owner_id, owner, rare=number == datasets // 2)
            dataset, count = rows[Dataset][-1], counts[owner_id]
            dataset["visibility"] = visibilities[number // len(owners) % len(visibilities)]
            count.datasets, count.size = count.datasets + 1, count.size + size
            if dataset["visibility"] is Visibility.TEAM:
                count.team_datasets, count.team_size = count.team_datasets + 1, count.team_size + size
            made.append(dataset["id"])
        with database.transaction() as session:
            for table, values in rows.items():
                session.execute(insert(table), values)
    with database.transaction() as session:
        for count in counts.values():
            session.merge(count)
    return made


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
