"""Exact quartiles and bars of a column whose values are too many to be counted one by one.

Two scans: the first counts the values in some thousand narrow bins, the second fetches those of the few bins that hold
a quartile or the edge of a bar. Both together cost a fraction of an estimate by t-digest.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from preview.engine.counted import QUARTERS, Counts, Numbers, spread_of
from preview.engine.measures import Asked

BINS: Final = 4_096
FETCHED: Final = 2_000_000
"""Numbers that are fetched at most."""


def spread(con: Any, asked: Asked, known: Mapping[str, Any], relation: str) -> dict[str, Any]:
    """`quartiles` and `bars` as `Asked.second` names them; empty where nearly all values stand in few of the bins, so
    that they have to be estimated. Raises what DuckDB raises.
    """
    low, high = known["low"], known["high"]
    if low is None or not 0 < high - low < math.inf or not math.isfinite(BINS / (high - low)):
        return {}
    numbers = f"(SELECT {asked.number} AS x FROM {relation})"
    # Any way of rounding will do, for a larger number never stands in a lower bin.
    place = f"CAST((x - ({low!r}::DOUBLE)) * {BINS / (high - low)!r}::DOUBLE AS INTEGER)"
    bins = con.sql(
        f"SELECT {place} AS b, min(x) AS low, max(x) AS high, count(*) AS n FROM {numbers} WHERE x IS NOT NULL "
        "GROUP BY b ORDER BY b"
    ).to_arrow_table()
    lows, highs, counts = (bins.column(name).to_numpy() for name in ("low", "high", "n"))
    wanted = _wanted(asked, known, lows, highs, counts)
    if counts[wanted].sum() > FETCHED:
        return {}
    found, times = np.empty(0), np.empty(0, np.int64)
    if wanted.any():
        listed = ", ".join(map(str, bins.column("b").to_numpy()[wanted]))
        fetched = con.sql(f"SELECT x FROM {numbers} WHERE {place} IN ({listed})").to_arrow_table()
        found, times = np.unique(fetched.column("x").to_numpy(), return_counts=True)
    # Any of a bin's numbers stands for the others, where all of them are in one bar and none is a quartile.
    return spread_of(
        asked, known, np.concatenate([lows[~wanted], found]), np.concatenate([counts[~wanted], times]).astype(np.int64)
    )


def _wanted(asked: Asked, known: Mapping[str, Any], lows: Numbers, highs: Numbers, counts: Counts) -> Any:
    """Which bins have to be looked into."""
    inner = asked.edges(known["low"], known["high"])[1:-1]
    wanted = np.searchsorted(inner, lows, side="right") != np.searchsorted(inner, highs, side="right")
    ends = np.cumsum(counts)
    for share in QUARTERS:
        place = (int(ends[-1]) - 1) * share
        for rank in (math.floor(place), math.ceil(place)):
            wanted[np.searchsorted(ends, rank, side="right")] = True
    return wanted & (lows < highs)
