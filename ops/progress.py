"""How far a transfer is: a bar on standard error where somebody looks, and sentences that a bar does not swallow."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)


@dataclass(frozen=True)
class Meter:
    """Counts the bytes of one file; several threads may add to it."""

    progress: Progress
    task: TaskID
    quiet: bool

    def add(self, count: int) -> None:
        """So many bytes more; fewer, where some have to be moved again."""
        self.progress.advance(self.task, count)

    def say(self, sentence: str) -> None:
        """Tell the user something without disturbing the bar."""
        if self.quiet:
            return
        if self.progress.disable:
            typer.echo(sentence, err=True)
        else:
            self.progress.console.print(sentence, markup=False, highlight=False)


@contextmanager
def meter(name: str, size: int, *, quiet: bool) -> Iterator[Meter]:
    """A meter for a file of `size` bytes while the block runs; no bar where standard error is no terminal."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.fields[shown]}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=quiet or not console.is_terminal) as progress:
        yield Meter(progress, progress.add_task("", total=size, shown=name), quiet)


def amount(size: int) -> str:
    """Bytes as a person reads them."""
    if size < 1000:
        return f"{size} byte{'' if size == 1 else 's'}"
    for unit, factor in (("KB", 1e3), ("MB", 1e6), ("GB", 1e9)):
        if size < factor * 1000:
            return f"{size / factor:.1f} {unit}"
    return f"{size / 1e12:.2f} TB"
