"""Ranges from disk and over HTTP, and what a failing store makes of them."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from preview.errors import SourceGone, SourceUnavailable
from preview.source import Source
from preview.streams import ForwardFile, RangeFile
from preview.transport import open_transport
from tests.unit.preview.range_server import RangeServer, serving
from tests.unit.preview.reading import source_of

DATA = bytes(range(256)) * 8000


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RangeServer]:
    (tmp_path / "x.bin").write_bytes(DATA)
    with serving(tmp_path) as running:
        yield running


@pytest.mark.parametrize("kind", ["disk", "http"])
def test_ranges_and_streams_give_the_bytes(server: RangeServer, kind: str) -> None:
    source = server.source("x.bin") if kind == "http" else source_of(server.root / "x.bin")
    transport = open_transport(source)
    assert transport.fetch(1000, 70) == DATA[1000:1070]
    assert transport.fetch(len(DATA) - 1, 1) == DATA[-1:]
    assert b"".join(transport.stream(5)) == DATA[5:]


def test_a_seekable_file_reads_what_it_is_asked_for(server: RangeServer) -> None:
    file = RangeFile(open_transport(server.source("x.bin")), len(DATA))
    assert file.head(10) == DATA[:10]
    assert file.seek(-4, 2) == len(DATA) - 4
    assert file.read() == DATA[-4:]
    assert file.read_at(500, 20) == DATA[500:520]
    before = server.sent
    assert file.read_at(600, 100) == DATA[600:700]
    assert server.sent == before
    assert file.read_at(len(DATA) + 5, 10) == b""


def test_a_forward_file_begins_small(server: RangeServer) -> None:
    stream = ForwardFile(RangeFile(open_transport(server.source("x.bin")), len(DATA)), first=1000)
    assert stream.read(10) == DATA[:10]
    assert server.sent == 1000
    rest = b""
    while block := stream.read(1 << 20):
        rest += block
    assert rest == DATA[10:]


def test_dropped_answers_are_asked_for_again(server: RangeServer) -> None:
    server.drops, server.drop_after = 2, 100
    assert open_transport(server.source("x.bin")).fetch(0, 5000) == DATA[:5000]
    server.drops = 3
    with pytest.raises(SourceUnavailable, match="did not answer"):
        open_transport(server.source("x.bin")).fetch(0, 5000)


def test_a_missing_bucket_is_told_from_a_missing_file(server: RangeServer) -> None:
    server.status, server.said = 404, b"<?xml version='1.0'?><Error><Code>NoSuchBucket</Code></Error>"
    with pytest.raises(SourceUnavailable, match="bucket is not there"):
        open_transport(server.source("x.bin")).fetch(0, 10)
    server.said = b"<?xml version='1.0'?><Error><Code>NoSuchKey</Code></Error>"
    with pytest.raises(SourceGone, match="Another version"):
        open_transport(server.source("x.bin")).fetch(0, 10)


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (404, SourceGone, "no longer in the store"),
        (410, SourceGone, "no longer in the store"),
        (416, SourceGone, "shorter than it was"),
        (403, SourceUnavailable, "refused"),
        (500, SourceUnavailable, "did not answer"),
        (503, SourceUnavailable, "did not answer"),
    ],
)
def test_what_the_store_answers(server: RangeServer, status: int, error: type[Exception], words: str) -> None:
    server.status = status
    with pytest.raises(error, match=words):
        open_transport(server.source("x.bin")).fetch(0, 10)


def test_a_store_that_is_not_there(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(SourceUnavailable, match="did not answer"):
        open_transport(Source(f"http://127.0.0.1:{port}/x", 10, "x.csv")).fetch(0, 10)


def test_files_that_shrank_or_went(tmp_path: Path, server: RangeServer) -> None:
    path = tmp_path / "y.bin"
    path.write_bytes(b"12345")
    source = Source(path.as_uri(), 10, "y.bin")
    with pytest.raises(SourceGone, match="shorter"):
        open_transport(source).fetch(0, 10)
    path.unlink()
    with pytest.raises(SourceGone, match="no longer"):
        open_transport(source)
    with pytest.raises(SourceGone, match="shorter"):
        open_transport(server.source("x.bin", size=len(DATA) + 10)).fetch(len(DATA), 10)


def test_other_schemes_are_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="ftp"):
        open_transport(Source("ftp://host/x", 1, "x.csv"))
