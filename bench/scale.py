"""How big a run is: the sizes that DESIGN's budgets name, or small ones for a look that the benchmarks work."""

from __future__ import annotations

from dataclasses import dataclass

MB = 1_000_000
MIB = 1_048_576


@dataclass(frozen=True, slots=True)
class Scale:
    """Sizes are in bytes, `idle_wait` in seconds."""

    name: str
    upload: int
    """What goes through st.file_uploader, and for comparison to Datashelf."""
    sent: int
    """What goes up beside curl, rclone and a bare page."""
    sent_over_line: int
    download: int
    """What st.download_button hands out."""
    parallel_download: int
    rounds: int
    reruns: int
    rows: int
    """Of the CSV and the Parquet file that are previewed."""
    datasets: int
    idle_wait: float


FULL = Scale("full", 400 * MB, 1024 * MIB, 96 * MIB, 400 * MB, 200 * MB, 3, 60, 6_000_000, 100_000, 75)
SMALL = Scale("small", 40 * MB, 128 * MIB, 48 * MIB, 40 * MB, 20 * MB, 2, 20, 300_000, 5_000, 5)
