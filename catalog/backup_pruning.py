"""Dropping old snapshots, and the objects that no snapshot needs any more."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import NamedTuple

from catalog.snapshots import (
    KeptFile,
    SnapshotError,
    complete_snapshots,
    read_lines,
    read_manifest,
    remove_snapshot,
    snapshots,
)
from catalog.snapshots import (
    objects as objects_in,
)
from storage.vault import Vault


class Pruned(NamedTuple):
    """What went: snapshots by name, objects and their bytes."""

    snapshots: tuple[str, ...] = ()
    objects: int = 0
    size: int = 0


def remove_unfinished(vault: Vault) -> None:
    """Remove what is left of backups that did not come to their end; the objects they copied stay for the next."""
    for name in snapshots(vault):
        # One whose manifest cannot be read is damaged, not unfinished: it is left for the operator to look at.
        with suppress(SnapshotError):
            if read_manifest(vault, name) is None:
                remove_snapshot(vault, name)


def prune(vault: Vault, made: str, *, keep: int, with_objects: bool) -> Pruned:
    """Keep the newest `keep` snapshots of the kind, with files or without, and every object that one left needs.

    `made`, the snapshot that was made just now, is one of those kept, even where others bear a later time.
    Raises SnapshotDamaged before any object is removed where a list of files cannot be read.
    """
    of_kind = [name for name, manifest in complete_snapshots(vault) if manifest.with_objects == with_objects]
    old = [name for name in of_kind if name != made][keep - 1 :]
    for name in old:
        remove_snapshot(vault, name)
    with ExitStack() as stack:
        lists = [
            _needed(stack.enter_context(read_lines(vault, manifest.files)))
            for _, manifest in complete_snapshots(vault)
            if manifest.with_objects
        ]
        objects, size = _remove_others(vault, heapq.merge(*lists))
    return Pruned(tuple(old), objects, size)


def _needed(lines: Iterator[bytes]) -> Iterator[str]:
    return (copy for copy in (KeptFile.of_line(line).copy for line in lines) if copy is not None)


def _remove_others(vault: Vault, needed: Iterator[str]) -> tuple[int, int]:
    objects = size = 0
    wanted = next(needed, None)
    for entry in objects_in(vault):
        while wanted is not None and wanted < entry.name:
            wanted = next(needed, None)
        if entry.name != wanted:
            vault.remove(entry.name)
            objects, size = objects + 1, size + entry.size
    return objects, size
