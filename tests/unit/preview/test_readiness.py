"""A preview that is expected, and one that several ask for at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil

from preview import Limits, Previewer
from tests.unit.preview.range_server import serving


def workers() -> list[int]:
    return [child.pid for child in psutil.Process().children() if "preview.worker" in " ".join(child.cmdline())]


def eventually(look: Callable[[], object], wanted: object) -> None:
    deadline = time.monotonic() + 20
    while (found := look()) != wanted:
        assert time.monotonic() < deadline, found
        time.sleep(0.05)


def test_a_page_asked_for_by_many_at_once_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("n\n1\n2\n")
    previewer = Previewer(Limits(), workers=2)
    try:
        with serving(tmp_path) as server, ThreadPoolExecutor(8) as threads:
            source = server.source("x.csv")
            previewer.preview(source, rows=10)
            alone = len(server.requests)
            server.reset()
            previews = list(threads.map(lambda _: previewer.preview(source, rows=10, cache_key="x"), range(8)))
            assert len(server.requests) == alone
        assert [preview.json_rows() for preview in previews] == [[[1], [2]]] * 8
    finally:
        previewer.close()


def test_an_expected_preview_finds_its_worker_started(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("n\n1\n")
    before = set(workers())
    previewer = Previewer(Limits(), workers=2)
    try:
        for _ in range(3):
            previewer.warm()
        (started,) = set(workers()) - before
        with serving(tmp_path) as server:
            assert previewer.preview(server.source("x.csv")).json_rows() == [[1]]
        assert set(workers()) - before == {started}
    finally:
        previewer.close()
    eventually(lambda: set(workers()) - before, set())
