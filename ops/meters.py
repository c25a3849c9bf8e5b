"""How far one file is on its way: a bar on a terminal, a line now and then elsewhere, or nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

EVERY = 5.0
"""Seconds between two plain lines."""


class Meter(Protocol):
    """Hears of bytes that moved (fewer than none where they have to move again) and of what there is to say."""

    def add(self, moved: int) -> None: ...

    def say(self, sentence: str) -> None: ...


class Silent:
    """Says nothing."""

    def add(self, moved: int) -> None:
        """Nobody looks."""

    def say(self, sentence: str) -> None:
        """Nobody listens."""


@dataclass
class Lines:
    """A plain line every few seconds, for logs."""

    what: str
    size: int
    moved: int = 0
    _told_at: float = field(default_factory=time.monotonic)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, moved: int) -> None:
        with self._lock:
            self.moved += moved
            if moved <= 0 or time.monotonic() - self._told_at < EVERY:
                return
            self._told_at = time.monotonic()
            line = f"{self.what}: {amount(self.moved)} of {amount(self.size)}"
        typer.echo(line, err=True)

    def say(self, sentence: str) -> None:
        typer.echo(sentence, err=True)


class Bar:
    """Rich's bar, with what there is to say above it."""

    def __init__(self, progress: Progress, what: str, size: int) -> None:
        self._progress = progress
        self._task = progress.add_task(escape(what), total=size)

    def add(self, moved: int) -> None:
        self._progress.advance(self._task, moved)

    def say(self, sentence: str) -> None:
        self._progress.console.print(sentence, markup=False, highlight=False)


@contextmanager
def meter(what: str, size: int, *, quiet: bool) -> Iterator[Meter]:
    """For one file of `size` bytes; on standard error, so that standard output holds results alone."""
    console = Console(stderr=True)
    if quiet:
        yield Silent()
    elif not console.is_terminal:
        yield Lines(what, size)
    else:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=console) as progress:
            yield Bar(progress, what, size)


def amount(size: int) -> str:
    """Bytes for a person, in decimal units."""
    value, unit = float(size), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 999.5:
            break
        value, unit = value / 1000, larger
    return f"{value:.0f} {unit}" if unit in ("B", "kB") else f"{value:.1f} {unit}"
