"""How much the columnar copies take that the engine keeps beside the files."""

from __future__ import annotations

from pathlib import Path

from catalog.metrics import COPIES_BYTES


def watch_size(folder: Path) -> None:
    """Let the figure be read from the folder whenever somebody looks."""
    COPIES_BYTES.set_function(lambda: size_of(folder))


def size_of(folder: Path) -> int:
    """Bytes of the files in it; 0 where there is no such folder."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:
            # Dropped in this moment.
            continue
    return total
