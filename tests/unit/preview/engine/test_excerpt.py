"""Some columns and rows as a file of their own: names of every kind, and a condition that stays one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from preview import Limits
from preview.analyst import Analyst
from preview.asking import Data
from preview.errors import AboutQuery, QueryFailed, QueryRefused, ResultTooBig
from preview.limits import MB
from tests.unit.preview.engine.asked import data_at

NAMES = ['say "hi"', "two\nlines", "Case", "case", "plain"]
ROWS = [{name: f"{name} {row}" for name in NAMES} | {"plain": row} for row in range(100)]


@pytest.fixture(scope="module")
def analyst(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Analyst]:
    with closing(
        Analyst(
            Limits(),
            workers=1,
            memory=700 * MB,
            timeout=timedelta(seconds=60),
            query_timeout=timedelta(seconds=60),
            export_limit=5000,
            copies=tmp_path_factory.mktemp("copies"),
            copies_limit=100 * MB,
        )
    ) as made:
        yield made


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    path = tmp_path_factory.mktemp("data") / "data.parquet"
    pq.write_table(pa.Table.from_pylist(ROWS), path)
    return data_at(path)


def test_columns_come_by_the_names_of_the_preview_in_the_order_asked_for(
    analyst: Analyst, data: Data, tmp_path: Path
) -> None:
    to = tmp_path / "part.parquet"
    chosen = ["plain", "two\nlines", 'say "hi"', "case"]
    made = analyst.excerpt(data, columns=chosen, where='plain < 2 OR\n"plain" = 7 -- enough', format="parquet", to=to)
    table = pq.read_table(to)
    assert (made.rows, [name for name, _ in made.columns]) == (3, table.column_names)
    assert table.column_names[:3] == chosen[:3]
    assert table.column(3).to_pylist() == ["case 0", "case 1", "case 7"]
    assert table.column("plain").to_pylist() == [0, 1, 7]
    none = analyst.excerpt(data, columns=None, where="plain > 1000", format="csv", to=tmp_path / "none.csv")
    assert (none.rows, len(none.columns)) == (0, len(NAMES))


@pytest.mark.parametrize(
    ("where", "error", "place"),
    [
        ("plain >\n 2 AND plian < 3", QueryFailed, (2, 8)),
        ("plain > 2 AND\nread_text('/etc/passwd') = ''", AboutQuery, None),
        ("plain >", QueryFailed, None),
        ("(plain", QueryFailed, None),
        ("plain > 2)", QueryFailed, None),
        ("TRUE) UNION SELECT 1 WHERE (TRUE", QueryRefused, None),
        ("TRUE) OFFSET (1", QueryRefused, None),
        ("TRUE) USING SAMPLE (10", AboutQuery, None),
        ("EXISTS (PIVOT data ON plain USING count(*))", AboutQuery, None),
    ],
)
def test_what_is_more_or_less_than_a_condition_leaves_no_file(
    analyst: Analyst, data: Data, tmp_path: Path, where: str, error: type[AboutQuery], place: tuple[int, int] | None
) -> None:
    to = tmp_path / "part.parquet"
    with pytest.raises(error) as told:
        analyst.excerpt(data, columns=["two\nlines", "plain"], where=where, format="parquet", to=to)
    assert not to.exists()
    if place is not None:
        assert told.value.place is not None
        assert (told.value.place.line, told.value.place.column) == place


def test_a_part_has_the_bounds_of_an_export(analyst: Analyst, data: Data, tmp_path: Path) -> None:
    to = tmp_path / "part.csv"
    with pytest.raises(ResultTooBig):
        analyst.excerpt(data, columns=None, where=None, format="csv", to=to)
    assert not to.exists()
