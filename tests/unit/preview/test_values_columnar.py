"""Every Arrow type, alone and inside every container, shown as pyarrow's own Python values say."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.unit.preview.reading import look

DAY = date(2024, 2, 29)
MOMENT = datetime(2024, 2, 29, 13, 14, 15, 160000)  # noqa: DTZ001  # a moment without a zone is what is tested
BASES: Final[dict[str, pa.Array]] = {
    "int8": pa.array([-128, None, 127], pa.int8()),
    "uint64": pa.array([2**64 - 1, None, 0], pa.uint64()),
    "int64": pa.array([-(2**63), None, 2**53 + 1], pa.int64()),
    "float32": pa.array([0.1, None, math.inf], pa.float32()),
    "float64": pa.array([math.nan, None, -0.0], pa.float64()),
    "boolean": pa.array([True, None, False]),
    "text": pa.array(["", None, "007 ž 😀"]),
    "large text": pa.array(["a\0b", None, " "], pa.large_string()),
    "bytes": pa.array([b"", None, b"\xff\x00"]),
    "fixed bytes": pa.array([b"ab", None, b"\x00\x01"], pa.binary(2)),
    "decimal": pa.array([Decimal("-1.50"), None, Decimal("12345678901234567890.12")], pa.decimal128(38, 2)),
    "wide decimal": pa.array([Decimal(10) ** 60, None, Decimal(-1)], pa.decimal256(70, 0)),
    "date": pa.array([DAY, None, date(1, 1, 1)], pa.date32()),
    "time": pa.array([time(1, 2, 3, 4), None, time(23, 59, 59)], pa.time64("us")),
    "moment": pa.array([MOMENT, None, datetime(1969, 12, 31, 23, 59, 59)], pa.timestamp("us")),  # noqa: DTZ001
    "moment in UTC": pa.array([MOMENT, None, MOMENT], pa.timestamp("ms", "UTC")),
    "moment in a zone": pa.array([MOMENT, None, MOMENT], pa.timestamp("us", "Europe/Berlin")),
    "moment at an offset": pa.array([MOMENT, None, MOMENT], pa.timestamp("us", "-03:30")),
    "duration": pa.array([timedelta(days=1, seconds=1), None, timedelta(seconds=-1)], pa.duration("us")),
    "nulls": pa.array([None, None, None], pa.null()),
}


def _listed(array: pa.Array, kind: Callable[[pa.DataType], pa.DataType]) -> pa.Array:
    values = array.to_pylist()
    return pa.array([values, None, []], kind(array.type))


CONTAINERS: Final[dict[str, Callable[[pa.Array], pa.Array]]] = {
    "alone": lambda array: array,
    "list": lambda array: _listed(array, pa.list_),
    "large list": lambda array: _listed(array, pa.large_list),
    "list of lists": lambda array: pa.array([[array.to_pylist(), None, []], None, []], pa.list_(pa.list_(array.type))),
    "struct": lambda array: pa.StructArray.from_arrays([array, array], ["x", "y z"]),
    "map": lambda array: pa.array(
        [list(zip("abc", array.to_pylist(), strict=True)), None, []], pa.map_(pa.string(), array.type)
    ),
    "list of structs": lambda array: pa.array(
        [[{"v": value} for value in array.to_pylist()], None, [None]], pa.list_(pa.struct([("v", array.type)]))
    ),
}


def shown(value: Any, kind: pa.DataType) -> Any:
    """The JSON value of a Python value of an Arrow type, as DESIGN 5 has it: written apart from the readers."""
    if value is None:
        return None
    if pa.types.is_map(kind):
        return {key: shown(item, kind.item_type) for key, item in value}
    if pa.types.is_struct(kind):
        return {field.name: shown(value[field.name], field.type) for field in kind}
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return [shown(item, kind.value_type) for item in value]
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**53 else str(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, timedelta):
        whole = abs(value)
        hours, seconds = divmod(whole.seconds, 3600)
        sign = "-" if value < timedelta() else ""
        return f"{sign}P{whole.days}DT{hours}H{seconds // 60}M{seconds % 60}S"
    if isinstance(value, datetime) and value.utcoffset() == timedelta() and kind.tz == "UTC":
        return value.isoformat().removesuffix("+00:00") + "Z"
    return value.isoformat() if isinstance(value, date | time) else value


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("form", ["parquet", "arrow", "stream"])
def test_values_are_those_pyarrow_gives(form: str, base: str, container: str) -> None:
    array = CONTAINERS[container](BASES[base])
    table = pa.table({"v": array, "n": [1, 2, 3]})
    sink = io.BytesIO()
    if form == "parquet":
        pq.write_table(table, sink, version="2.6")
    else:
        new = pa.ipc.new_file if form == "arrow" else pa.ipc.new_stream
        with new(sink, table.schema) as writer:
            writer.write_table(table)
    preview = look(sink.getvalue(), "v.parquet" if form == "parquet" else "v.arrow")
    read = pq.read_table(io.BytesIO(sink.getvalue())) if form == "parquet" else table
    values = [shown(value, read.schema.field("v").type) for value in read["v"].to_pylist()]
    # Compared as text: NaN is no problem there, and 1 is not 1.0.
    assert repr([row[0] for row in preview.json_rows()]) == repr(values)
    assert preview.total_rows == 3


@pytest.mark.parametrize("compression", ["none", "snappy", "gzip", "brotli", "zstd", "lz4"])
@pytest.mark.parametrize("version", ["1.0", "2.4", "2.6"])
@pytest.mark.parametrize("pages", ["1.0", "2.0"])
def test_every_way_of_writing_parquet(compression: str, version: Any, pages: Any) -> None:
    rows = 2_000
    table = pa.table(
        {
            "n": pa.array([None if place % 7 == 0 else place for place in range(rows)]),
            "s": pa.array([f"{place % 13}" for place in range(rows)]).dictionary_encode(),
            "t": pa.array([datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=place) for place in range(rows)]),
            "l": pa.array([list(range(place % 5)) for place in range(rows)]),
        }
    )
    sink = io.BytesIO()
    pq.write_table(
        table,
        sink,
        compression=compression,
        version=version,
        data_page_version=pages,
        row_group_size=700,
        data_page_size=512,
        use_dictionary=["s"],
        write_page_index=pages == "2.0",
    )
    for offset in (0, 695, 1399, 1990):
        preview = look(sink.getvalue(), "v.parquet", rows=20, offset=offset)
        expected = table.slice(offset, 20)
        got = preview.json_rows()
        assert [row[0] for row in got] == expected["n"].to_pylist()
        assert [row[1] for row in got] == expected["s"].cast(pa.string()).to_pylist()
        assert [datetime.fromisoformat(str(row[2])).astimezone(UTC) for row in got] == [
            moment.astimezone(UTC) for moment in expected["t"].to_pylist()
        ]
        assert [row[3] for row in got] == expected["l"].to_pylist()


def test_chosen_columns_come_in_the_order_asked_for() -> None:
    sink = io.BytesIO()
    pq.write_table(pa.table({"a": [1, 2], "b": ["x", None], "c.d": [{"e": 1}, {"e": 2}]}), sink)
    for name, content in (("v.parquet", sink.getvalue()), ("v.csv", b"a,b,c.d\n1,x,3\n2,,4\n")):
        preview = look(content, name, columns=["c.d", "a", "gone"])
        assert [column.name for column in preview.columns] == ["c.d", "a"]
        assert [row[1] for row in preview.json_rows()] == [1, 2]
        assert preview.all_columns == ("a", "b", "c.d")
        assert preview.column_count == 3
        assert "This file has no column named “gone”." in preview.notes
