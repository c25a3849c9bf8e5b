"""A pull whose file is moved or removed between two pieces: no real store can be held at that moment; it is played."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from ops import fetching
from ops.fetching import Fetching, Wanted
from ops.meters import Silent
from ops.remote import Patience, Refused, Remote

DATA = bytes(range(100))


class Moving:
    """An app that signs a link of the place where the file is now, and a store that has it there and nowhere else."""

    def __init__(self) -> None:
        self.now, self.asked, self.served, self.gone = "/old", 0, 0, False
        self.after: Callable[[], None] = lambda: None
        self._lock = threading.Lock()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        with self._lock:
            if request.url.path.endswith("/download-url"):
                self.asked += 1
                return httpx.Response(200, json={"url": f"http://store{self.now}"})
            if self.gone or request.url.path != self.now:
                return httpx.Response(404, text="<Error><Code>NoSuchKey</Code></Error>")
            begin, end = map(int, request.headers["range"].removeprefix("bytes=").split("-"))
            self.served += 1
            etag = f'"{self.now}"'
            if request.headers.get("if-range", etag) != etag:
                return httpx.Response(200, content=DATA)
            ranged = {"content-range": f"bytes {begin}-{end}/{len(DATA)}", "etag": etag}
            answer = httpx.Response(206, headers=ranged, stream=httpx.ByteStream(DATA[begin : end + 1]))
            self.after()
            return answer


class Counting(Silent):
    def __init__(self) -> None:
        self.moved = 0

    def add(self, moved: int) -> None:
        self.moved += moved


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "PIECE", 10)


def fetch(target: Path, store: Moving, *, lanes: int = 1, link: str = "") -> Fetching:
    transport = httpx.MockTransport(store)
    remote = Remote(
        "http://app",
        Patience(timedelta(seconds=20), lambda _: None),
        httpx.Client(transport=transport),
        httpx.Client(transport=transport),
    )
    return Fetching(remote, Wanted("f", target.name, len(DATA), None, ()), target, lanes, Counting(), _link=link)


@pytest.mark.parametrize("lanes", [1, 3])
def test_a_file_that_is_moved_while_it_is_fetched_is_found_where_it_is(lanes: int, tmp_path: Path) -> None:
    store = Moving()

    def move() -> None:
        if store.served == 4:
            store.now = "/new"

    store.after = move
    done = fetch(tmp_path / "x", store, lanes=lanes, link="http://store/old")
    done.run(replace=False)
    assert (tmp_path / "x").read_bytes() == DATA
    assert (done.got, done.found, done.meter.moved) == (len(DATA), 0, len(DATA))  # type: ignore[attr-defined]
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_a_file_that_is_gone_for_good_is_asked_for_once_more_and_no_longer(tmp_path: Path) -> None:
    store = Moving()
    store.gone = True
    done = fetch(tmp_path / "x", store, link="http://store/old")
    with pytest.raises(Refused, match="404"):
        done.run(replace=False)
    assert store.asked == 1
