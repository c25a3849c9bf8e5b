"""A scan's count is the number of rows the preview shows, and its checksum that of the stored bytes."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import pandas as pd
import pytest

from preview.counting import scan
from preview.errors import SourceGone, SourceUnavailable
from preview.limits import Limits
from tests.unit.preview.range_server import serving
from tests.unit.preview.reading import count, look


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("a,b\n1,2\n3,4\n", 2),
        ("a,b\n1,2\n3,4", 2),
        ("a,b\r\n1,2\r\n\r\n3,4\r\n\r\n", 2),
        ("1,2\n3,4\n", 2),
        ('a,b\n"x\ny",1\n"p""q\n\n",2\n', 2),
        ("a,b\n", 0),
        ('a,b\n1,"open\n2,x\n3,y\n4,z\n', 4),
        ("title\n\nid,a,b\n" + "1,2,3\n" * 5, 5),
        ("a\tb\n1\t2\n", 1),
    ],
)
def test_delimited_rows(text: str, rows: int) -> None:
    assert count(text, "x.csv").rows == rows
    assert look(text, "x.csv").total_rows == rows


@pytest.mark.parametrize("size", [100, 100_000])
def test_the_count_is_that_of_pandas(size: int) -> None:
    frame = pd.DataFrame({"n": range(size), "s": [f'"{n}",\n\r\n{n}' if n % 3 else "" for n in range(size)]})
    for options in ({}, {"sep": ";"}, {"quoting": 1}, {"lineterminator": "\r\n"}):
        text = frame.to_csv(index=False, **options)  # type: ignore[call-overload]
        assert count(text, "x.csv").rows == len(pd.read_csv(io.StringIO(text), sep=options.get("sep", ","))) == size


@pytest.mark.parametrize(
    ("content", "name", "rows"),
    [
        ('{"a":1}\n\n{"a":2}', "x.jsonl", 2),
        (json.dumps([{"a": n} for n in range(50_000)]), "x.json", 50_000),
        (json.dumps({"meta": 1, "rows": [{"a": n} for n in range(50_000)]}), "x.json", 50_000),
        (json.dumps({"a": [1, 2, 3], "b": [4, 5, 6]}), "x.json", 3),
        ('{"a": 1}', "x.json", 1),
        ("[1, 2", "x.json", None),
        ("just words\nand more", "x.txt", None),
        (b"PAR1" + bytes(100), "x.parquet", None),
        (bytes(range(256)) * 9, "x.csv", None),
        (b"", "x.csv", None),
    ],
)
def test_other_content(content: bytes | str, name: str, rows: int | None) -> None:
    data = content.encode() if isinstance(content, str) else content
    found = count(data, name)
    assert (found.rows, found.sha256, found.size) == (rows, hashlib.sha256(data).hexdigest(), len(data))


def test_a_dropped_connection_is_taken_up_where_it_broke(tmp_path: Path) -> None:
    data = ("n,s\n" + "".join(f"{n},text {n}\n" for n in range(200_000))).encode()
    (tmp_path / "x.csv").write_bytes(data)
    with serving(tmp_path) as server:
        server.drops, server.drop_after = 3, 700_000
        found = scan(server.source("x.csv"), limits=Limits())
        assert (found.rows, found.sha256) == (200_000, hashlib.sha256(data).hexdigest())
        assert server.drops == 0


def test_a_store_that_keeps_failing_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(b"a,b\n1,2\n")
    with serving(tmp_path) as server:
        source = server.source("x.csv")
        server.status = 503
        with pytest.raises(SourceUnavailable):
            scan(source, limits=Limits())
        server.status = 404
        with pytest.raises(SourceGone):
            scan(source, limits=Limits())
