"""The numbers of a profile are those that pandas gives for the same values."""

from __future__ import annotations

import math
from collections import Counter
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from preview.engine import sampling, spread, statistics
from preview.engine.counted import quantiles
from preview.engine.measures import moment_edges
from preview.profile import ColumnProfile, Histogram, Profile
from tests.unit.preview.engine.at_hand import by_name, data_at, data_of, profiled, slugs


def profile_of(folder: Path, table: Any, *, group: int = 1000) -> Profile:
    path = folder / "table"
    pq.write_table(table, path, row_group_size=group)
    return profiled(folder, data_at(path, name="x.parquet"))


def one(folder: Path, values: list[Any], kind: Any = None) -> ColumnProfile:
    """The profile of one column."""
    return profile_of(folder, pa.table({"c": pa.array(values, kind)})).columns[0]


def assert_numbers(column: ColumnProfile, series: pd.Series[Any]) -> None:
    present = series.dropna()
    assert column.nulls == int(series.isna().sum())
    assert (column.distinct, column.distinct_exact) == (present.nunique(), True)
    if present.empty:
        assert (column.min, column.max, column.mean, column.median) == (None, None, None, None)
        return
    described = present.astype("float64").describe()
    for name, found in {
        "min": column.min,
        "max": column.max,
        "mean": column.mean,
        "25%": column.q1,
        "50%": column.median,
        "75%": column.q3,
    }.items():
        assert math.isclose(float(str(found)), described[name], rel_tol=1e-9, abs_tol=1e-9), name
    if len(present) > 1 and column.std is not None:
        assert math.isclose(column.std, described["std"], rel_tol=1e-6, abs_tol=1e-6)
    counts = Counter(present)
    listed = [top.count for top in column.top]
    most = sorted(counts.values(), reverse=True)[:10]
    assert listed == (most if len(counts) <= 10 else [count for count in most if count > 1])
    assert all(counts[type(present.iloc[0])(str(top.value))] == top.count for top in column.top)
    assert_bars(column.histogram, [float(value) for value in present])


def assert_bars(histogram: Histogram | None, numbers: list[float]) -> None:
    assert histogram is not None
    edges = [float(str(edge)) for edge in histogram.edges]
    assert 1 <= len(histogram.counts) <= 21
    assert edges == sorted(edges)
    expected, _ = np.histogram(numbers, bins=edges)
    assert list(histogram.counts) == expected.tolist()


whole = st.lists(st.one_of(st.none(), st.integers(-(2**40), 2**40), st.integers(-3, 3)), min_size=1, max_size=60)
real = st.lists(st.one_of(st.none(), st.floats(-1e9, 1e9, width=32), st.just(0.5)), min_size=1, max_size=60)


@given(values=whole)
@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
def test_whole_numbers(values: list[int | None]) -> None:
    with TemporaryDirectory() as folder:
        assert_numbers(one(Path(folder), values, pa.int64()), pd.Series(values, dtype="Int64"))


@given(values=real)
@example(values=[0.0, -0.0])
@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
def test_real_numbers(values: list[float | None]) -> None:
    with TemporaryDirectory() as folder:
        assert_numbers(one(Path(folder), values, pa.float64()), pd.Series(values, dtype="float64"))


@given(values=st.lists(st.one_of(st.none(), st.text(max_size=5), st.sampled_from(["a", "b"])), min_size=1, max_size=60))
@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
def test_texts(values: list[str | None]) -> None:
    with TemporaryDirectory() as folder:
        column = one(Path(folder), values, pa.string())
    present = [value for value in values if value is not None]
    lengths = pd.Series([len(value) for value in present], dtype="float64")
    assert (column.nulls, column.distinct) == (len(values) - len(present), len(set(present)))
    if present:
        assert (column.length_min, column.length_max) == (lengths.min(), lengths.max())
        assert math.isclose(column.length_mean or 0, lengths.mean(), rel_tol=1e-9)
        assert math.isclose(column.length_median or 0, lengths.median(), rel_tol=1e-9)
        assert_bars(column.histogram, lengths.tolist())
        counts = Counter(present)
        assert all(counts[str(top.value)] == top.count for top in column.top)


def test_many_rows_are_estimated_closely_and_counted_exactly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "EXACT_ROWS", 1000)
    noise = np.random.default_rng(3)
    frame = pd.DataFrame(
        {
            "id": np.arange(50_000),
            "few": noise.integers(0, 50, 50_000),
            "real": noise.normal(10, 3, 50_000),
            "word": noise.choice(["x", "yy", "zzz"], 50_000),
            "code": [f"c{n}" for n in range(50_000)],
        }
    )
    columns = by_name(profile_of(tmp_path, pa.Table.from_pandas(frame), group=10_000))
    assert_numbers(columns["few"], frame["few"])
    assert {top.value: top.count for top in columns["word"].top} == frame["word"].value_counts().to_dict()
    for name in ("id", "real"):
        described = frame[name].describe()
        assert float(str(columns[name].min)) == described["min"]
        assert math.isclose(float(str(columns[name].mean)), described["mean"], rel_tol=1e-9)
        for found, quantile in ((columns[name].q1, "25%"), (columns[name].median, "50%"), (columns[name].q3, "75%")):
            assert abs(float(str(found)) - described[quantile]) < described["std"] * 0.02
        assert_bars(columns[name].histogram, frame[name].tolist())
        assert not columns[name].top
        assert columns[name].distinct == pytest.approx(50_000, rel=0.05)
    assert columns["code"].length_max == 6
    assert "id-like" in slugs(columns["id"])


@pytest.mark.parametrize("shape", ["even", "lognormal", "steps", "far out"])
def test_quartiles_of_many_values_are_exact(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shape: str) -> None:
    monkeypatch.setattr(statistics, "EXACT_ROWS", 1000)
    noise = np.random.default_rng(8)
    values = {
        "even": noise.random(30_001) - 0.5,
        "lognormal": np.exp(noise.normal(0, 2, 30_001)),
        "steps": noise.integers(0, 20_000, 30_001) * 0.25,
        "far out": np.append(noise.normal(0, 1, 30_000), 1e12),
    }[shape]
    profile = profile_of(tmp_path, pa.table({"c": values}), group=5_000)
    (column,) = profile.columns
    found = [float(str(value)) for value in (column.q1, column.median, column.q3)]
    assert found == pytest.approx(np.quantile(values, (0.25, 0.5, 0.75)), rel=1e-12)
    assert_bars(column.histogram, values.tolist())
    assert not profile.notes


def test_quartiles_that_would_need_nearly_all_values_are_estimates_and_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statistics, "EXACT_ROWS", 1000)
    monkeypatch.setattr(spread, "FETCHED", 1000)
    values = np.append(np.random.default_rng(8).normal(0, 1, 30_000), 1e12)
    profile = profile_of(tmp_path, pa.table({"c": values}), group=5_000)
    assert float(str(profile.columns[0].median)) == pytest.approx(np.median(values), abs=0.05)
    assert profile.notes == ("Quartiles and medians of one column are close estimates; so is every count marked ≈.",)


def test_columns_too_large_to_be_fetched_are_counted_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> None:
        raise MemoryError

    table = pa.table({"n": [3, 1, 1, None], "t": ["a", "b", "b", ""], "f": [True, True, None, False]})
    expected = profile_of(tmp_path, table).columns
    monkeypatch.setattr(statistics, "held_columns", failing)
    assert profile_of(tmp_path, table).columns == expected


def test_numbers_beyond_doubles_are_exact(tmp_path: Path) -> None:
    column = one(tmp_path, [2**63, 2**64 - 1, None], pa.uint64())
    assert (column.kind, column.min, column.max) == ("int", str(2**63), str(2**64 - 1))
    text = f"n\n{-(2**63)}\n{2**64 - 1}\n"
    column = profiled(tmp_path, data_of(tmp_path / "files", "x," + text.replace("\n", "\n1,")[:-2], "x.csv")).columns[1]
    assert (column.type, column.min, column.max) == ("integer", str(-(2**63)), str(2**64 - 1))


def test_decimals_stay_decimals(tmp_path: Path) -> None:
    column = one(tmp_path, [Decimal("0.10"), Decimal("12345678901234567890.12"), None])
    assert (column.type, column.min, column.max) == ("decimal", "0.10", "12345678901234567890.12")


def test_what_is_no_number_is_left_out_and_told(tmp_path: Path) -> None:
    column = one(tmp_path, [1.0, 2.0, 3.0, float("nan"), float("inf"), -math.inf, None])
    assert (column.nulls, column.min, column.max, column.mean, column.median) == (1, 1.0, 3.0, 2.0, 2.0)
    assert any("3 values are NaN or infinite" in hint.text for hint in column.hints)
    assert sum(column.histogram.counts if column.histogram else ()) == 3


def test_days_and_moments(tmp_path: Path) -> None:
    days = [date(2024, 1, 1), date(2024, 1, 3), date(2024, 3, 1), None]
    column = one(tmp_path, days)
    assert (column.kind, column.min, column.max, column.median) == (
        "datetime",
        "2024-01-01",
        "2024-03-01",
        "2024-01-03",
    )
    assert column.histogram is not None
    assert sum(column.histogram.counts) == 3
    assert all(len(str(edge)) == 10 for edge in column.histogram.edges)
    moments = [datetime(2024, 1, 1, hour, tzinfo=UTC) for hour in (0, 6, 12)]
    column = one(tmp_path, moments, pa.timestamp("us", "UTC"))
    assert (column.min, column.mean, column.q1) == (
        "2024-01-01T00:00:00Z",
        "2024-01-01T06:00:00Z",
        "2024-01-01T03:00:00Z",
    )
    column = one(tmp_path, [time(1), time(2), time(4)])
    assert (column.kind, column.min, column.median) == ("datetime", "01:00:00", "02:00:00")


@given(low=st.integers(-(10**17), 10**17), span=st.integers(0, 10**17))
@settings(max_examples=100)
def test_bars_of_time_hold_all_moments(low: int, span: int) -> None:
    begin, end = float(low), float(low + span)
    edges = moment_edges(begin, end, days=False)
    assert edges[0] <= begin <= end <= edges[-1]
    assert len(set(edges)) == len(edges)
    assert len(edges) <= 23


def test_truths_and_lists_and_others(tmp_path: Path) -> None:
    table = pa.table(
        {
            "flag": [True, True, False, None],
            "words": [["a"], [], None, ["b", "c"]],
            "map": pa.array([[("k", 1)], [], None, [("k", 1)]], pa.map_(pa.string(), pa.int64())),
            "record": [{"k": 1}, None, {"k": 2}, {"k": 3}],
            "bytes": [b"ab", b"", None, b"abc"],
            "nothing": pa.nulls(4),
        }
    )
    columns = by_name(profile_of(tmp_path, table))
    assert [(top.value, top.count) for top in columns["flag"].top] == [(True, 2), (False, 1)]
    assert (columns["words"].kind, columns["words"].length_min, columns["words"].length_max) == ("list", 0, 2)
    assert (columns["map"].kind, columns["map"].length_max) == ("list", 1)
    assert (columns["record"].kind, columns["record"].nulls) == ("other", 1)
    assert (columns["bytes"].kind, columns["bytes"].length_max) == ("other", 3)
    assert slugs(columns["nothing"]) == ["all-null"]
    assert all(column.nulls == 1 for name, column in columns.items() if name != "nothing")


@pytest.mark.parametrize("name", ['a "quoted" name', "two\nlines", "1.2", "ü", " ", "select", "c0", "a.b", "%s {c}"])
def test_any_name_of_a_column(tmp_path: Path, name: str) -> None:
    profile = profile_of(tmp_path, pa.table({name: [1, 2, 2], "x": ["a", "b", "b"]}))
    assert float(str(profile.columns[0].mean)) == pytest.approx(5 / 3)
    assert profile.columns[1].distinct == 2
    assert profile.duplicates == 1


def test_a_table_without_rows(tmp_path: Path) -> None:
    profile = profile_of(tmp_path, pa.table({"n": pa.array([], pa.int64()), "t": pa.array([], pa.string())}))
    assert (profile.rows, profile.partial, profile.duplicates) == (0, False, 0)
    assert [(column.nulls, column.distinct, column.top) for column in profile.columns] == [(0, 0, ())] * 2


def test_very_many_columns(tmp_path: Path) -> None:
    profile = profile_of(tmp_path, pa.table({f"c{n}": [n, n + 1] for n in range(120)}))
    assert [column.min for column in profile.columns] == list(range(120))


def test_quantiles_of_counted_values_are_numpys() -> None:
    noise = np.random.default_rng(1)
    for _ in range(20):
        numbers = np.unique(noise.normal(size=7))
        counts = noise.integers(1, 5, len(numbers))
        found = quantiles(numbers, counts, (0.0, 0.25, 0.5, 0.75, 1.0))
        assert found == pytest.approx(np.quantile(np.repeat(numbers, counts), (0.0, 0.25, 0.5, 0.75, 1.0)))


def test_a_first_answer_about_very_many_columns_is_as_of_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = "".join(
        f"{n},{n}.5,w{n % 7},2024-01-0{n % 9 + 1},{'' if n < 150 else '007'},{2**63 + n}\n" for n in range(200)
    )
    data = data_of(tmp_path / "files", "a,b,c,d,e,f\n" + rows, "x.csv")
    few = profiled(tmp_path, data, quick=True)
    monkeypatch.setattr(sampling, "WIDE", 1)
    assert profiled(tmp_path, data, quick=True) == few
    assert [column.type for column in few.columns] == ["integer", "float", "string", "date", "string", "integer"]


@pytest.mark.parametrize("together", [1, 500])
def test_rows_that_stand_there_before_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, together: int
) -> None:
    monkeypatch.setattr(statistics, "HELD_TOGETHER", together)
    frame = pd.DataFrame({"a": [1, 1, 2, None, None, 1], "b": ["x", "x", "y", "z", "z", "y"]})
    profile = profile_of(tmp_path, pa.Table.from_pandas(frame, preserve_index=False))
    assert profile.duplicates == int(frame.duplicated().sum()) == 2
    assert [hint.slug for hint in profile.hints] == ["duplicate-rows"]


HINTS: dict[str, tuple[list[Any], list[str]]] = {
    "constant": ([7] * 30, ["constant"]),
    "all-null": ([None] * 30, ["all-null"]),
    "mostly-null": ([None] * 29 + [1], ["mostly-null"]),
    "id-like": ([f"id-{n}" for n in range(30)], ["id-like"]),
    "date-as-text": ([f"2024/01/0{1 + n % 9}" for n in range(30)], ["date-as-text"]),
    "number-as-text": (["1,5", "2,5", "3"] * 10, ["number-as-text"]),
    "mixed-types": (["1", "2", "x"] * 10, ["mixed-types"]),
    "sentinel": ([*range(40), -999, -999], ["outliers"]),
    "far": ([*range(20), *range(20), 10**6], ["outliers"]),
    "plain": ([1, 2, 3] * 10, []),
}


@pytest.mark.parametrize("what", sorted(HINTS))
def test_hints(tmp_path: Path, what: str) -> None:
    values, expected = HINTS[what]
    assert slugs(one(tmp_path, values)) == expected
