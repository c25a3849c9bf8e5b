"""Whatever is killed, in any mix: nothing acknowledged is lost, nothing half is served, and the books agree."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.faults.everything import run

KILLS = 10
SEED = os.environ.get("SEED", "20261128")


@pytest.mark.long
@pytest.mark.parametrize("real", [False, pytest.param(True, marks=[pytest.mark.s3, pytest.mark.postgres])])
def test_random_kills_lose_nothing(tmp_path: Path, real: bool) -> None:
    figures = run(tmp_path / "world", seed=f"{SEED}-{int(real)}", kills=KILLS, real=real)
    print(figures)
    assert figures.faults == []
    assert sum(figures.kills.values()) == KILLS
    assert figures.acknowledged > KILLS
    assert figures.ready > 0
