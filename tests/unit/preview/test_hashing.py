"""Digests of a stream and of its parts, however it is cut into reads."""

from __future__ import annotations

import hashlib
import io
import os

import pytest

from preview.hashing import Hashed

DATA = os.urandom(300_000)


@pytest.mark.parametrize("size", [0, 1, 99_999, 100_000, 100_001, 200_000, 300_000])
@pytest.mark.parametrize("step", [7_000, 70_000, 1_000_000])
def test_parts_are_those_that_were_sent(size: int, step: int) -> None:
    data = DATA[:size]
    hashed = Hashed(io.BytesIO(data), 100_000)
    while hashed.read(step):
        pass
    parts = [data[at : at + 100_000] for at in range(0, size, 100_000)] or [b""]
    assert hashed.parts() == b"".join(hashlib.sha256(part).digest() for part in parts)
    assert (hashed.hexdigest(), hashed.size) == (hashlib.sha256(data).hexdigest(), size)


def test_without_a_part_size_there_are_no_parts() -> None:
    hashed = Hashed(io.BytesIO(DATA))
    while hashed.read(1 << 20):
        pass
    assert hashed.parts() == b""
    assert hashed.hexdigest() == hashlib.sha256(DATA).hexdigest()
