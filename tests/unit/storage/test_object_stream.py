"""A seekable file over ranges asks for what it needs, and little more."""

from __future__ import annotations

import io

from storage.object_stream import BLOCK_BYTES, RangeFile

DATA = bytes(range(256)) * 8192  # 2 MiB


class Fetches:
    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []

    def __call__(self, offset: int, length: int) -> bytes:
        self.asked.append((offset, length))
        return DATA[offset : offset + length]


def opened() -> tuple[io.BufferedReader, Fetches]:
    fetches = Fetches()
    return io.BufferedReader(RangeFile(fetches, size=len(DATA)), BLOCK_BYTES), fetches


def test_opening_asks_for_nothing() -> None:
    file, fetches = opened()
    assert file.seek(0, io.SEEK_END) == len(DATA)
    assert fetches.asked == []


def test_small_reads_beside_each_other_are_one_request() -> None:
    file, fetches = opened()
    file.seek(1000)
    assert b"".join(file.read(100) for _ in range(100)) == DATA[1000:11000]
    assert fetches.asked == [(1000, BLOCK_BYTES)]


def test_end_of_the_file_is_asked_for_alone() -> None:
    file, fetches = opened()
    file.seek(-8, io.SEEK_END)
    assert file.read(8) == DATA[-8:]
    assert fetches.asked == [(len(DATA) - 8, 8)]


def test_whole_file_is_one_request() -> None:
    file, fetches = opened()
    assert file.read() == DATA
    assert fetches.asked == [(0, len(DATA))]


def test_large_read_is_not_cut_into_blocks() -> None:
    file, fetches = opened()
    assert file.read(4 * BLOCK_BYTES) == DATA[: 4 * BLOCK_BYTES]
    assert fetches.asked == [(0, 4 * BLOCK_BYTES)]
