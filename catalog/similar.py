"""Datasets that share columns with one, by name and type: found by the rare ones, ranked by how much is shared.

A name that hundreds of files have (`id`, `name`) says little and costs much: it counts, but nothing is looked up by it
where there is a rarer one. So the work is bounded however many datasets there are.
"""

from __future__ import annotations

import math
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import and_, func, literal, tuple_, union_all
from sqlalchemy import select as sql_select
from sqlalchemy.orm import defer
from sqlmodel import Session, col, select

from catalog.access import find_dataset, sees_dataset
from catalog.caller import Caller
from catalog.views import DatasetSummary, dataset_summaries
from db.tables import Column, Dataset, File

MOST_COLUMNS = 300
"""Columns of the dataset that are compared; the first ones."""
USUAL = 300
"""Files from which a column is usual: its uses are not all counted, and others are looked up first."""
LOOKED_UP = 20
"""Columns by which others are looked up; the rarest ones."""
MOST_CANDIDATES = 200
"""Datasets that are compared column by column."""
GENERIC = frozenset(
    {"id", "index", "name", "date", "time", "timestamp", "value", "type", "key", "unnamed: 0", "0", "1"}
)
"""Sharing one of these alone makes nothing alike."""

Alike = tuple[str, str]
"""A column's folded name and its type."""


@dataclass(frozen=True, slots=True)
class Similar:
    """Another dataset; `shared` are the names of the `of` columns asked about that it has too, with the same type."""

    summary: DatasetSummary
    shared: tuple[str, ...]
    of: int


def find_similar(session: Session, caller: Caller, dataset_id: uuid.UUID, most: int) -> tuple[Similar, ...]:
    """The datasets most like one, of those the caller sees. Raises DatasetNotFound."""
    dataset = find_dataset(session, caller, dataset_id)
    own = _columns(session, dataset)
    if not own:
        return ()
    uses = _uses(session, list(own))
    weights = {one: 1 / (1 + math.log(max(count, 1))) for one, count in uses.items()}
    candidates = _candidates(session, caller, dataset, uses, weights)
    shared = _shared(session, candidates, list(own))
    ranked = sorted(
        (file_id for file_id, columns in shared.items() if _counts(columns)),
        key=lambda file_id: (-sum(weights[one] for one in shared[file_id]), str(candidates[file_id])),
    )
    return _summaries(session, caller, [(candidates[one], shared[one]) for one in ranked[:most]], own)


def _columns(session: Session, dataset: Dataset) -> dict[Alike, str]:
    query = select(Column.name_key, Column.type, Column.name).where(Column.file_id == dataset.current_file_id)
    rows = session.exec(query.order_by(col(Column.position)).limit(MOST_COLUMNS))
    return {(key, kind): name for key, kind, name in rows}


def _uses(session: Session, columns: Sequence[Alike]) -> dict[Alike, int]:
    """In how many files each stands, counted up to USUAL + 1; each count is a walk along an index."""
    counts: dict[Alike, int] = {}
    for start in range(0, len(columns), 100):
        parts = []
        for place, (key, kind) in enumerate(columns[start : start + 100], start):
            some = select(literal(1).label("one")).where(Column.name_key == key, Column.type == kind)
            capped = some.limit(USUAL + 1).subquery(f"some_{place}")
            parts.append(sql_select(literal(place).label("place"), func.count()).select_from(capped))
        counts |= {columns[place]: count for place, count in session.execute(union_all(*parts))}
    return counts


def _candidates(
    session: Session, caller: Caller, dataset: Dataset, uses: dict[Alike, int], weights: dict[Alike, float]
) -> dict[uuid.UUID, uuid.UUID]:
    """Newest files of other datasets (→ their datasets) that share rare columns, those that share most first."""
    rare = [one for one, count in uses.items() if 1 < count <= USUAL]
    looked_up = rare or sorted(uses, key=lambda one: uses[one])[:1]
    scores: Counter[uuid.UUID] = Counter()
    datasets: dict[uuid.UUID, uuid.UUID] = {}
    for key, kind in sorted(looked_up, key=lambda one: uses[one])[:LOOKED_UP]:
        # By way of the file's own row, for which there are keys: a dataset is not found by its newest file.
        current = and_(col(Dataset.id) == File.dataset_id, col(Dataset.current_file_id) == File.id)
        query = select(Column.file_id, Dataset.id).join(File, col(File.id) == Column.file_id).join(Dataset, current)
        query = query.where(col(Dataset.id) != dataset.id)
        query = query.where(Column.name_key == key, Column.type == kind, sees_dataset(caller)).limit(USUAL)
        for file_id, dataset_id in session.exec(query):
            datasets[file_id] = dataset_id
            scores[file_id] += weights[key, kind]  # type: ignore[assignment]  # a weight is a float
    return {file_id: datasets[file_id] for file_id, _ in scores.most_common(MOST_CANDIDATES)}


def _shared(session: Session, file_ids: dict[uuid.UUID, uuid.UUID], own: list[Alike]) -> dict[uuid.UUID, list[Alike]]:
    if not file_ids:
        return {}
    alike = tuple_(col(Column.name_key), col(Column.type)).in_(own)
    query = select(Column.file_id, Column.name_key, Column.type).where(col(Column.file_id).in_(file_ids), alike)
    found: dict[uuid.UUID, set[Alike]] = {}
    for file_id, key, kind in session.exec(query):
        found.setdefault(file_id, set()).add((key, kind))
    return {file_id: [one for one in own if one in columns] for file_id, columns in found.items()}


def _counts(shared: list[Alike]) -> bool:
    return len(shared) > 1 or shared[0][0] not in GENERIC


def _summaries(
    session: Session, caller: Caller, found: list[tuple[uuid.UUID, list[Alike]]], own: dict[Alike, str]
) -> tuple[Similar, ...]:
    ids = [dataset_id for dataset_id, _ in found]
    rows = select(Dataset).where(col(Dataset.id).in_(ids)).options(defer(Dataset.search_text))  # type: ignore[arg-type]
    by_id = {row.id: row for row in session.exec(rows)} if ids else {}
    summaries = dataset_summaries(session, caller, [by_id[one] for one in ids])
    return tuple(
        Similar(summary, tuple(own[one] for one in shared), len(own))
        for summary, (_, shared) in zip(summaries, found, strict=True)
    )
