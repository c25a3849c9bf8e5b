"""A measured figure beside its peer, the table a run prints, and the file it leaves."""

from __future__ import annotations

import json
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. `value` and `peer` are in `unit`; `kept` is None where no budget is set for the line."""

    what: str
    value: float
    unit: str
    peer: float | None = None
    peer_name: str = ""
    budget: str = ""
    kept: bool | None = None

    @property
    def ratio(self) -> float | None:
        """Datashelf's value over the peer's."""
        return self.value / self.peer if self.peer else None


def machine() -> str:
    """What the figures were measured on, in one line."""
    memory = psutil.virtual_memory().total / 1e9
    system = f"{platform.system()} {platform.machine()}, {psutil.cpu_count()} cores, {memory:.0f} GB"
    return f"{system}, Python {platform.python_version()}"


def commit() -> str:
    """The measured commit, with a + where the work tree has changes."""
    found = subprocess.run(
        ["git", "describe", "--always", "--dirty=+"], capture_output=True, text=True, check=False, cwd=RESULTS.parent
    )
    return found.stdout.strip() or "unknown"


def show(figures: Sequence[Figure]) -> None:
    table = Table(title=f"Datashelf {commit()} on {machine()}", title_justify="left", show_lines=False)
    for heading in ("what", "Datashelf", "peer", "ratio", "budget", ""):
        table.add_column(heading, justify="right" if heading in ("Datashelf", "peer", "ratio") else "left")
    for figure in figures:
        peer = "" if figure.peer is None else f"{_number(figure.peer)} {figure.unit}"
        ratio = "" if figure.ratio is None else f"{_number(figure.ratio)}"
        mark = {None: "", True: "kept", False: "MISSED"}[figure.kept]
        name = figure.what if not figure.peer_name else f"{figure.what}\n  peer: {figure.peer_name}"
        table.add_row(name, f"{_number(figure.value)} {figure.unit}", peer, ratio, figure.budget, mark)
    # Wide enough not to wrap where the output is a file; a terminal keeps its own width.
    console = Console()
    Console(width=None if console.is_terminal else 150).print(table)


def save(figures: Sequence[Figure], *, scale: str) -> Path:
    """Write the run under bench/results/ and return the file."""
    RESULTS.mkdir(exist_ok=True)
    now = datetime.now(UTC)
    file = RESULTS / f"{now:%Y%m%dT%H%M%SZ}.json"
    body = {
        "at": now.isoformat(),
        "commit": commit(),
        "machine": machine(),
        "scale": scale,
        "figures": [{**asdict(figure), "ratio": figure.ratio} for figure in figures],
    }
    file.write_text(json.dumps(body, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return file


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"
