"""Columns of few rows, fetched whole: everything about them is counted here, exactly, for a statement of DuckDB's costs
more than so few values do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from preview.engine.counted import Counts, Numbers, json_values, spread_of, summary, top_values
from preview.engine.measures import Asked

BETWEEN: Final = ("whole", "decimal", "clock", "real", "moment")
"""Families whose least and greatest value is told."""


def held_columns(con: Any, asked: Sequence[Asked], relation: str) -> list[dict[str, Any]]:
    """For each column what `Asked.first` and `Asked.second` name, `top`, and `groups`, the number of different values.
    Raises what DuckDB raises."""
    wanted = ", ".join(
        f"{one.name} AS c{place}" + (f", {one.number} AS x{place}" if one.number else "")
        for place, one in enumerate(asked)
    )
    table = con.sql(f"SELECT {wanted} FROM {relation}").to_arrow_table()
    return [
        _held(one, table.column(f"c{place}"), table.column(f"x{place}") if one.number else None)
        for place, one in enumerate(asked)
    ]


def _held(asked: Asked, column: Any, reckoned: Any) -> dict[str, Any]:
    present = len(column) - column.null_count
    if not present:
        return {"present": 0, "distinct": 0}
    values = column.drop_null().combine_chunks()
    if asked.family == "real":
        # Arrow counts 0.0 and -0.0 apart; they are one number.
        values = pc.add(values, pa.scalar(0, values.type))
    coded = values.dictionary_encode()
    codes = coded.indices.to_numpy()
    counts: Counts = np.bincount(codes, minlength=len(coded.dictionary))
    different = pa.table([coded.dictionary, pa.array(counts)], names=["c", "n"])
    found: dict[str, Any] = {"present": present, "groups": len(counts), "top": top_values(asked, different, counts)}
    if reckoned is not None:
        numbers: Numbers = np.empty(len(counts))
        numbers[codes] = reckoned.to_numpy()[column.is_valid().to_numpy()]
        found |= _numbers(asked, coded.dictionary, numbers, counts)
    return found


def _numbers(asked: Asked, values: Any, numbers: Numbers, counts: Counts) -> dict[str, Any]:
    finite = np.isfinite(numbers)
    found: dict[str, Any] = {}
    if asked.family in ("real", "moment"):
        found["finite"] = int(counts[finite].sum())
    if not finite.any():
        return found
    if asked.family in BETWEEN:
        ends = pc.min_max(values if finite.all() else values.filter(pa.array(finite)))
        found["min"], found["max"] = (json_values(pa.repeat(ends[end], 1))[0] for end in ("min", "max"))
    found |= summary(numbers[finite], counts[finite])
    return found | spread_of(asked, found, numbers[finite], counts[finite])
