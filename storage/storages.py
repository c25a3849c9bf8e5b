"""Which backend takes new files now, and where each stored file's own backend is.

Where the configured store cannot be used at start, local disk takes over (or the start fails, by STORAGE_FALLBACK);
`check()`, called every few seconds, returns to the store when it is back. An outage later on changes nothing here but
`state.reachable`: uploads wait, they do not go elsewhere.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from settings import Settings
from storage.local import LocalFileStorage
from storage.minio import MinioFileStorage
from storage.observe import note
from storage.protocol import Backend, FileStorage, Health, StorageDenied, StorageError, StorageState, sentence
from storage.relay import Relay


class Storages:
    """Both backends of one deployment. Thread-safe."""

    def __init__(self, settings: Settings, *, secret: bytes, link_base: Callable[[], str]) -> None:
        self.local = LocalFileStorage(settings.data_dir.resolve() / "objects", secret, link_base)
        self._settings = settings
        self._minio: MinioFileStorage | None = None
        self._making = threading.Lock()
        self._checking = threading.Lock()
        configured = Backend(settings.storage_backend)
        self._state = StorageState(configured, configured, reachable=True, since=datetime.now(UTC))

    @property
    def state(self) -> StorageState:
        """What was known at the last check; no I/O."""
        return self._state

    @property
    def primary(self) -> FileStorage:
        """The backend that takes new files now."""
        return self.of(self._state.active)

    def of(self, backend: Backend) -> FileStorage:
        """The backend a stored file lies on, whatever STORAGE_BACKEND says today."""
        return self.local if backend is Backend.LOCAL else self.minio

    @property
    def minio(self) -> MinioFileStorage:
        """The store, whether it is the configured one or not."""
        with self._making:
            if self._minio is None:
                self._minio = MinioFileStorage.connect(self._settings.minio)
            return self._minio

    @property
    def relay(self) -> Relay:
        """The way to the store through the app."""
        return Relay(self.minio, self.local.secret, self.local.link_base)

    @property
    def link_origins(self) -> tuple[str, ...]:
        """Where a browser sends bytes to and has them from beside the app itself: what a page must be allowed.

        Empty where no store is set up. No I/O.
        """
        wanted = self._state.configured is Backend.MINIO or "minio" in self._settings.model_fields_set
        return self.minio.link_origins if wanted else ()

    def start(self) -> None:
        """Prepare the configured backend, or fall back. Raises its StorageError where falling back is not allowed."""
        configured = self._state.configured
        try:
            self.of(configured).prepare()
            return
        except StorageError as error:
            if configured is Backend.LOCAL or self._settings.storage_fallback == "fail":
                raise
            reason, answers = sentence(str(error)), isinstance(error, StorageDenied)
        self.local.prepare()
        self._change(active=Backend.LOCAL, reachable=False, reason=reason, answers=answers)
        note("storage falls back to local disk", reason=reason)

    def check(self) -> StorageState:
        """Ask the configured store how it is, and return to it where it is back. Never raises."""
        with self._checking:
            health = self.of(self._state.configured).check_health()
            answered = health.latency is not None
            if answered and self._state.active is not self._state.configured:
                health = self._return()
            if health.ok:
                self._change(active=self._state.configured, reachable=True, reason="")
            else:
                self._change(active=self._state.active, reachable=False, reason=health.detail, answers=answered)
            return self._state

    def close(self) -> None:
        """Drop the connections. What is used afterwards connects anew."""
        with self._making:
            if self._minio is not None:
                self._minio.close()

    def _return(self) -> Health:
        try:
            self.of(self._state.configured).prepare()
        except StorageError as error:
            return Health(ok=False, detail=sentence(str(error)))
        note("storage returns to the configured store", backend=str(self._state.configured))
        return Health(ok=True, detail="")

    def _change(self, *, active: Backend, reachable: bool, reason: str, answers: bool = False) -> None:
        state = self._state
        same = (state.active, state.reachable) == (active, reachable)
        since = state.since if same else datetime.now(UTC)
        self._state = replace(state, active=active, reachable=reachable, reason=reason, since=since, answers=answers)


def open_storage(settings: Settings, *, secret: bytes, link_base: Callable[[], str]) -> Storages:
    """Both backends, the configured one prepared. `secret` signs local links, which begin with `link_base()`.

    Where the configured store cannot be used, local disk takes new files and `state.degraded` says so; with
    STORAGE_FALLBACK=fail, or where local disk itself cannot be used, raises the StorageError that says why.
    """
    storages = Storages(settings, secret=secret, link_base=link_base)
    storages.start()
    return storages
