"""Every snippet runs as pasted, in a fresh process, against the real app on both backends."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.ipc
import pytest
import zstandard

from catalog.samples import FOLDER
from catalog.snippets import snippets
from tests.app_server import RunningApp
from tests.shelf_client import store, unique
from tests.unit.catalog.test_snippets import version

pytestmark = pytest.mark.long

FRAME = pd.DataFrame({"city": ["Zürich", "Genève", "Bern"], "people": [447082, 206635, 137995]})


def arrow_file(*, stream: bool) -> bytes:
    sink, table = io.BytesIO(), pa.Table.from_pandas(FRAME)
    if stream:
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
    else:
        pa.feather.write_feather(table, sink)
    return sink.getvalue()


def written(write: Callable[[io.BytesIO], object]) -> bytes:
    sink = io.BytesIO()
    write(sink)
    return sink.getvalue()


def zipped(name: str, data: bytes) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr(name, data)
    return sink.getvalue()


CSV = FRAME.to_csv(index=False).encode()
JSONL = FRAME.to_json(orient="records", lines=True, force_ascii=False).encode()
FILES = {
    'it\'s "here" 北京.csv': CSV,
    "a.tsv": FRAME.to_csv(index=False, sep="\t").encode(),
    "a.psv": FRAME.to_csv(index=False, sep="|").encode(),
    "a.csv.gz": gzip.compress(CSV),
    "a.csv.bz2": bz2.compress(CSV),
    "a.csv.xz": lzma.compress(CSV),
    "a.csv.zst": zstandard.compress(CSV),
    "a.csv.zip": zipped("inside.csv", CSV),
    "a.json": FRAME.to_json(orient="records", force_ascii=False).encode(),
    "a.jsonl": JSONL,
    "a.jsonl.gz": gzip.compress(JSONL),
    "a.jsonl.zst": zstandard.compress(JSONL),
    "a.parquet": written(lambda sink: FRAME.to_parquet(sink)),
    "a.arrow": arrow_file(stream=False),
    "a.arrows": arrow_file(stream=True),
    "a.xlsx": written(lambda sink: FRAME.to_excel(sink, index=False)),
}


@pytest.fixture(params=["local", pytest.param("minio", marks=pytest.mark.s3)])
def app(request: pytest.FixtureRequest) -> RunningApp:
    found: RunningApp = request.getfixturevalue("local_app" if request.param == "local" else "s3_app")
    return found


def run(text: str, name: str, folder: Path, *, typed: str = "") -> str:
    """What it prints. The process has no credentials and no setting of ours, as on someone else's machine; `typed` is
    what is answered where it asks."""
    command = ["sh", "-c", text] if name == "curl" else [sys.executable, "-c", text]
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": str(folder), "PYTHONUTF8": "1"}
    # Away from the terminal of whoever runs the tests: curl would ask for a password there.
    done = subprocess.run(
        command,
        cwd=folder,
        env=env,
        input=typed,
        start_new_session=True,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{text}\n{done.stderr}"
    return done.stdout


def paste_all(app: RunningApp, file_name: str, data: bytes, expected: str, folder: Path) -> None:
    dataset = store(app, data, file_name, name=unique())
    file = version(file_name)
    for name, text in snippets(app.url, file).items():
        here = text.replace(str(file.id), dataset["files"][0]["id"])
        shown = run(here, name, folder)
        if name == "curl":
            assert (folder / file_name).read_bytes() == data
        else:
            assert expected in shown, f"{here}\n{shown}"


@pytest.mark.parametrize("file_name", FILES)
def test_snippets_run_for_every_format(local_app: RunningApp, file_name: str, tmp_path: Path) -> None:
    paste_all(local_app, file_name, FILES[file_name], "447082", tmp_path)


@pytest.mark.parametrize(
    ("sample", "expected"),
    [
        ("airports.csv", "Thigpen"),
        ("penguins.json", "Torgersen"),
        ("movies.json", "146083"),
        ("seattle-weather.csv", "drizzle"),
    ],
)
def test_snippets_run_for_the_samples(app: RunningApp, sample: str, expected: str, tmp_path: Path) -> None:
    paste_all(app, sample, (FOLDER / sample).read_bytes(), expected, tmp_path)


def test_snippets_read_three_million_rows(app: RunningApp, tmp_path: Path) -> None:
    paste_all(app, "flights-3m.parquet", (FOLDER / "flights-3m.parquet").read_bytes(), "LAS", tmp_path)
