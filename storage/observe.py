"""One log line and one measurement for every storage operation: what it was, how it ended, how long it took."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from prometheus_client import Counter, Histogram

from storage.protocol import (
    Backend,
    BucketMissing,
    FileNotInStorage,
    ObjectRef,
    StorageDenied,
    StorageError,
    StorageFull,
    StorageUnavailable,
)

OPERATIONS = Counter(
    "datashelf_storage_operations_total", "Storage operations by how they ended.", ["backend", "operation", "outcome"]
)
SECONDS = Histogram(
    "datashelf_storage_operation_seconds",
    "How long storage operations took, retries included.",
    ["backend", "operation"],
    buckets=(0.001, 0.005, 0.025, 0.1, 0.5, 1, 5, 30, 120, 600),
)
_OUTCOMES: tuple[tuple[type[StorageError], str], ...] = (
    (BucketMissing, "bucket_missing"),
    (FileNotInStorage, "not_found"),
    (StorageUnavailable, "unavailable"),
    (StorageDenied, "denied"),
    (StorageFull, "full"),
    (StorageError, "refused"),
)
_log = structlog.get_logger("storage")


@contextmanager
def observed(backend: Backend, operation: str, ref: ObjectRef | None = None, *, quiet: bool = False) -> Iterator[None]:
    """Time and record the block. A StorageError leaving it learns the operation and the ref.

    `quiet` logs a success at debug level: signing a link happens for every row of a list.
    """
    began = time.perf_counter()
    outcome, said = "ok", None
    try:
        yield
    except StorageError as error:
        error.operation = error.operation or operation
        error.ref = error.ref or ref
        outcome, said = next(name for kind, name in _OUTCOMES if isinstance(error, kind)), str(error)
        raise
    except BaseException as error:
        outcome, said = "interrupted", type(error).__name__
        raise
    finally:
        took = time.perf_counter() - began
        OPERATIONS.labels(backend, operation, outcome).inc()
        SECONDS.labels(backend, operation).observe(took)
        where = {} if ref is None else {"role": str(ref.role), "key": ref.key}
        report = _log.warning if outcome not in ("ok", "not_found") else _log.debug if quiet else _log.info
        report(
            "storage operation",
            backend=str(backend),
            operation=operation,
            outcome=outcome,
            duration_ms=round(took * 1000, 2),
            **where,
            **({} if said is None else {"error": said}),
        )


def note(message: str, **facts: object) -> None:
    """A warning that belongs to no single operation's end: a retry, a sweep, a fallback."""
    _log.warning(message, **facts)
