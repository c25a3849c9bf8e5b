"""The shapes of requests and answers about what is inside a file: statistics, queries, charts, comparisons, looks.

The length is that of the contract: a class for each shape, with an example for each field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from api.schemas import FILE, LINK, ColumnOut, DatasetOut, In, Out, PreviewOut
from catalog.comparisons import Drift
from catalog.inspections import Inspected
from catalog.queries import LONGEST_SQL, MOST_RESULT_ROWS, ExportedResult
from catalog.similar import Similar
from preview.asking import ChartData, ChartSpec, Condition, QueryResult
from preview.profile import ColumnProfile, Profile
from preview.read_as import ReadAs

SQL = "SELECT state, count(*) AS airports FROM data GROUP BY state ORDER BY airports DESC"
Sql = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_SQL)]
Name = Annotated[str, StringConstraints(max_length=10_000)]


class HintOut(Out):
    slug: str = Field(examples=["id-like"])
    text: str = Field(examples=["Every value is different: it names the row."])


class ColumnStatisticsOut(Out):
    """A column as the Hugging Face dataset viewer has it; `type`, `top`, `hints` and what is more come beside."""

    column_name: str = Field(examples=["latitude"])
    column_type: str = Field(
        description="int float bool datetime string_label string_text list other", examples=["float"]
    )
    column_statistics: dict[str, Any] = Field(
        description="By `column_type`; see https://huggingface.co/docs/dataset-viewer/statistics.",
        examples=[{"nan_count": 0, "nan_proportion": 0.0, "min": 7.37, "max": 71.29, "mean": 40.04, "median": 39.43}],
    )
    type: str = Field(description="As a preview names it.", examples=["float"])
    distinct: int | None = Field(examples=[3375])
    distinct_exact: bool = Field(description="Counted, not estimated.", examples=[False])
    top: list[dict[str, Any]] = Field(
        description="The most frequent values.", examples=[[{"value": "AK", "count": 263}]]
    )
    hints: list[HintOut]


class ProfileOut(Out):
    """Statistics of a file's columns. `partial`: over a part of the rows only, `how` says which."""

    num_examples: int | None = Field(description="Rows of the file; null where not known.", examples=[3376])
    statistics: list[ColumnStatisticsOut]
    partial: bool = Field(examples=[False])
    rows: int = Field(description="Rows covered.", examples=[3376])
    how: str = Field(examples=["all 3,376 rows"])
    column_count: int = Field(examples=[7])
    duplicates: int | None = Field(description="Rows that stand in the file before; null: not counted.", examples=[0])
    hints: list[HintOut]
    notes: list[str]

    @classmethod
    def of(cls, profile: Profile) -> ProfileOut:
        return cls(
            num_examples=profile.total_rows,
            statistics=[_column_out(column, profile.rows) for column in profile.columns],
            partial=profile.partial,
            rows=profile.rows,
            how=profile.how,
            column_count=profile.column_count,
            duplicates=profile.duplicates,
            hints=[HintOut(slug=hint.slug, text=hint.text) for hint in profile.hints],
            notes=list(profile.notes),
        )


def _column_out(column: ColumnProfile, rows: int) -> ColumnStatisticsOut:
    return ColumnStatisticsOut(
        column_name=column.name,
        column_type=column.kind,
        column_statistics=statistics_of(column, rows),
        type=column.type,
        distinct=column.distinct,
        distinct_exact=column.distinct_exact,
        top=[{"value": top.value, "count": top.count} for top in column.top],
        hints=[HintOut(slug=hint.slug, text=hint.text) for hint in column.hints],
    )


def statistics_of(column: ColumnProfile, rows: int) -> dict[str, Any]:
    """A column's statistics with the members of its type (huggingface.co/docs/dataset-viewer/statistics)."""
    nulls = {"nan_count": column.nulls, "nan_proportion": round(column.nulls / rows, 5) if rows else 0.0}
    if column.kind == "bool":
        names = {"true": "True", "false": "False"}
        return nulls | {
            "frequencies": {names.get(str(top.value).lower(), str(top.value)): top.count for top in column.top}
        }
    if column.kind == "string_label":
        label = {"no_label_count": 0, "no_label_proportion": 0.0, "n_unique": column.distinct}
        return nulls | label | {"frequencies": {str(top.value): top.count for top in column.top}}
    if column.kind in ("string_text", "list"):
        return nulls | {
            "min": column.length_min,
            "max": column.length_max,
            "mean": column.length_mean,
            "median": column.length_median,
            "std": column.length_std,
            "histogram": _histogram(column),
        }
    if column.kind in ("int", "float", "datetime"):
        values = ("min", "max", "mean", "median", "std", "q1", "q3")
        return nulls | {name: getattr(column, name) for name in values} | {"histogram": _histogram(column)}
    return nulls


def _histogram(column: ColumnProfile) -> dict[str, Any] | None:
    shape = column.histogram
    return None if shape is None else {"hist": list(shape.counts), "bin_edges": list(shape.edges)}


class ComputingOut(Out):
    """Not there yet: ask again after `Retry-After` seconds."""

    status: Literal["computing"] = "computing"
    progress: float | None = Field(description="A share of 1; null where not known.", examples=[0.4])


class QueryIn(In):
    """One SELECT in DuckDB's SQL over `data`, this version, and `v1`, `v2` …, the versions of its dataset."""

    sql: Sql = Field(examples=[SQL])
    limit: int = Field(default=100, ge=1, le=MOST_RESULT_ROWS, description="Rows of the answer.", examples=[100])


class QueryOut(PreviewOut):
    """The answer in a preview's shape; `total_rows` is null where `limit` cut it (`more`)."""

    more: bool = Field(examples=[False])
    seconds: float = Field(examples=[0.021])

    @classmethod
    def of_result(cls, result: QueryResult) -> QueryOut:
        shown = PreviewOut.of(result.preview)
        fields = {name: getattr(shown, name) for name in PreviewOut.model_fields}
        return cls(**fields, more=result.more, seconds=round(result.seconds, 4))


class QueryExportIn(In):
    sql: Sql = Field(examples=[SQL])
    format: Literal["parquet", "csv"] = Field(examples=["parquet"])


class QueryExportOut(Out):
    """The whole answer, to download from `url` for an hour."""

    url: str = Field(examples=[LINK])
    expiry_sec: int = Field(examples=[3600])
    rows: int = Field(examples=[57])
    size: int = Field(description="Bytes.", examples=[1480])

    @classmethod
    def of(cls, result: ExportedResult) -> QueryExportOut:
        seconds = int(result.expires_in.total_seconds())
        return cls(url=result.url, expiry_sec=seconds, rows=result.rows, size=result.size)


class ConditionIn(In):
    """Rows whose column is, is not, is null, is not null, is from (≥), below (<), up to (≤) or contains a value."""

    column: Name = Field(examples=["state"])
    op: Literal["is", "is_not", "null", "not_null", "from", "below", "upto", "contains"] = Field(examples=["is"])
    value: bool | int | float | Annotated[str, StringConstraints(max_length=100_000)] | None = Field(
        default=None, examples=["AK"]
    )


class ChartIn(In):
    """What to draw: `x` is grouped by or binned, `measure` is of `y`, `color` splits into series."""

    kind: Literal["histogram", "bar", "line", "scatter", "box"] = Field(examples=["bar"])
    x: Name | None = Field(default=None, examples=["state"])
    y: Name | None = Field(default=None, examples=[None])
    measure: Literal["count", "sum", "mean", "median", "min", "max", "distinct"] = Field(
        default="count", examples=["count"]
    )
    color: Name | None = Field(default=None, examples=[None])
    conditions: Annotated[list[ConditionIn], Field(max_length=50)] = Field(default=[], examples=[[]])

    def spec(self) -> ChartSpec:
        conditions = tuple(Condition(one.column, one.op, one.value) for one in self.conditions)
        return ChartSpec(self.kind, self.x, self.y, self.measure, self.color, conditions)


class ChartOut(Out):
    """At most 5,000 records, aggregated over what `how` says."""

    kind: str = Field(examples=["bar"])
    records: list[dict[str, Any]] = Field(examples=[[{"x": "AK", "y": 263}]])
    x_type: str = Field(examples=["string"])
    y_type: str = Field(examples=["integer"])
    how: str = Field(examples=["Top 24 of 56 groups · over all 3,376 rows"])
    partial: bool = Field(examples=[False])
    bin: str | None = Field(description="Of a line over time: year … minute.", examples=[None])

    @classmethod
    def of(cls, chart: ChartData) -> ChartOut:
        return cls(
            kind=chart.spec.kind,
            records=list(chart.records),
            x_type=chart.x_type,
            y_type=chart.y_type,
            how=chart.how,
            partial=chart.partial,
            bin=chart.bin,
        )


class CellOut(Out):
    """One whole cell, which a preview may have cut."""

    value: Any = Field(examples=["A text as long as it is"])


class InspectionOut(Out):
    """What a file's two ends tell. `reason` says why there is no table, `certain` that there surely is none."""

    format: str = Field(examples=["csv"])
    columns: list[ColumnOut]
    column_count: int = Field(examples=[7])
    rows: int | None = Field(examples=[3376])
    rows_exact: bool = Field(description="Counted, not estimated.", examples=[False])
    read_as: list[str] = Field(examples=[["comma", "UTF-8", "header"]])
    notes: list[str]
    reason: str | None = Field(examples=[None])
    certain: bool = Field(examples=[True])
    comparison: str | None = Field(examples=["Same columns as version 3"])

    @classmethod
    def of(cls, inspected: Inspected) -> InspectionOut:
        found = inspected.inspection
        return cls(
            format=found.format,
            columns=[ColumnOut(name=column.name, type=column.type) for column in found.columns],
            column_count=found.column_count,
            rows=found.rows,
            rows_exact=found.rows_exact,
            read_as=list(found.read_as),
            notes=list(found.notes),
            reason=found.reason,
            certain=found.certain,
            comparison=inspected.comparison,
        )


class ReadAsIn(In):
    """What is to hold instead of what is detected; what is left out, or null, is detected."""

    delimiter: Annotated[str, StringConstraints(max_length=1)] | None = Field(default=None, examples=[";"])
    quote: Annotated[str, StringConstraints(max_length=1)] | None = Field(default=None, examples=[None])
    encoding: Name | None = Field(default=None, examples=["cp1252"])
    header: bool | None = Field(default=None, examples=[True])
    skip: int | None = Field(default=None, ge=0, description="Rows before the table.", examples=[None])
    sheet: Name | None = Field(default=None, examples=[None])
    member: Name | None = Field(default=None, description="The file inside a zip.", examples=[None])
    types: dict[Name, str] = Field(
        default={},
        description="string integer float boolean date timestamp, by column name.",
        examples=[{"zip": "string"}],
    )

    def value(self) -> ReadAs:
        return ReadAs.from_plain({name: value for name, value in self.model_dump().items() if value is not None})


class ReadAsOut(Out):
    """What a user said; null where it is as detected."""

    delimiter: str | None = Field(examples=[";"])
    quote: str | None = Field(examples=[None])
    encoding: str | None = Field(examples=["cp1252"])
    header: bool | None = Field(examples=[True])
    skip: int | None = Field(examples=[None])
    sheet: str | None = Field(examples=[None])
    member: str | None = Field(examples=[None])
    types: dict[str, str] = Field(examples=[{"zip": "string"}])

    @classmethod
    def of(cls, read_as: ReadAs) -> ReadAsOut:
        return cls(**(asdict(read_as) | {"types": dict(read_as.types)}))


class SimilarOut(Out):
    """A dataset that has `shared` of the `of` columns asked about, by name and type."""

    dataset: DatasetOut
    shared: list[str] = Field(examples=[["iata", "latitude", "longitude"]])
    of: int = Field(examples=[7])

    @classmethod
    def of_similar(cls, similar: Similar, links: Mapping[UUID, str]) -> SimilarOut:
        dataset = DatasetOut.of(similar.summary, links)
        return cls(dataset=dataset, shared=list(similar.shared), of=similar.of)


class SimilarListOut(Out):
    items: list[SimilarOut]


class SideOut(Out):
    """One of the two versions, and how far its statistics are."""

    version: int = Field(examples=[3])
    file_id: UUID = Field(examples=[FILE])
    file_name: str = Field(examples=["airports.csv"])
    size: int = Field(examples=[210365])
    rows: int | None = Field(examples=[3376])
    columns: int | None = Field(examples=[7])
    status: str = Field(description="ready computing failed none", examples=["ready"])
    progress: float | None = Field(examples=[None])
    how: str | None = Field(examples=["all 3,376 rows"])
    partial: bool = Field(examples=[False])
    error: str | None = Field(examples=[None])


class NamedColumnOut(Out):
    name: str = Field(examples=["elevation"])
    type: str = Field(examples=["integer"])


class RetypedOut(Out):
    name: str = Field(examples=["zip"])
    old: str = Field(examples=["integer"])
    new: str = Field(examples=["string"])


class MovedOut(Out):
    """`old` and `new` are shares of 1 (nulls, top), values (mean) or [earliest, latest] (range)."""

    column: str = Field(examples=["latitude"])
    what: str = Field(description="nulls mean range top", examples=["nulls"])
    old: Any = Field(examples=[0.0])
    new: Any = Field(examples=[0.12])
    size: float = Field(description="From 0 to 1; the list is in its order.", examples=[0.12])
    text: str = Field(examples=["latitude: more values are missing: 12.0 %, was 0.0 %"])


class DriftOut(Out):
    """What is different in `new`. `compared` is null until both have statistics; `notes` say what covers less."""

    old: SideOut
    new: SideOut
    computing: bool = Field(examples=[False])
    compared: int | None = Field(description="Columns that both have.", examples=[6])
    added: list[NamedColumnOut]
    lost: list[NamedColumnOut]
    retyped: list[RetypedOut]
    moved: list[MovedOut]
    notes: list[str]

    @classmethod
    def of(cls, drift: Drift) -> DriftOut:
        return cls.model_validate(asdict(drift) | {"computing": drift.computing})
