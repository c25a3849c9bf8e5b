"""`python -m bench`: runs the measures one after the other, prints the table, writes it to bench/results/.

Give the machine nothing else to do meanwhile. A full run takes about a quarter of an hour and 10 GB of disk.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench import handing_out, listing, previews, reading, reruns, sending, starting, statistics, uploading
from bench.figures import Figure, save, show
from bench.scale import FULL, SMALL, Scale

MEASURES: dict[str, Callable[[Scale, Path], list[Figure]]] = {
    "upload-memory": uploading.memory,
    "upload": sending.beside_others,
    "upload-line": sending.over_line,
    "downloads": handing_out.downloads,
    "reruns": reruns.reruns,
    "listing": listing.pages,
    "listing-team": listing.pages_of_team,
    "start": starting.start_and_idle,
    "preview": reading.preview,
    "preview-sizes": previews.sizes,
    "preview-many": previews.many,
    "statistics": statistics.statistics,
}


def main() -> int:
    """Exit status: 1 where a budget is missed, in a full run."""
    arguments = argparse.ArgumentParser(prog="python -m bench", description="Measure Datashelf beside its peers.")
    arguments.add_argument(
        "--small", action="store_true", help="small files, to see that it works; its figures mean little"
    )
    arguments.add_argument("--only", nargs="+", choices=MEASURES, metavar="MEASURE", help=f"of {', '.join(MEASURES)}")
    arguments.add_argument(
        "--folder", type=Path, help="where the files are made (default: the system's temporary folder)"
    )
    options = arguments.parse_args()
    # As Ctrl-C does: through every `finally`, so that no server is left behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    scale = SMALL if options.small else FULL
    figures: list[Figure] = []
    for name in options.only or MEASURES:
        begin = time.monotonic()
        print(f"{name} …", flush=True)
        with tempfile.TemporaryDirectory(prefix=f"datashelf-bench-{name}-", dir=options.folder) as folder:
            figures += MEASURES[name](scale, Path(folder))
        print(f"{name}: {time.monotonic() - begin:.0f} s", flush=True)
    show(figures)
    print(f"Written to {save(figures, scale=scale.name)}")
    return int(not options.small and any(figure.kept is False for figure in figures))


if __name__ == "__main__":
    sys.exit(main())
