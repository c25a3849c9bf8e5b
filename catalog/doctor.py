"""The Doctor: tries the store, the database and this server as they are used, and says how each fault is put right.

The server's half runs here, one run at a time, and is remembered for some seconds; the browser's half runs in a page of
the Storage screen, which is handed a probe and reports what it saw.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from catalog import doctor_browser, doctor_here, doctor_probe, doctor_store
from catalog.doctor_browser import Seen
from catalog.doctor_findings import Diagnosis, Finding, Status, Verdict, in_order, merged, verdict
from catalog.doctor_fixes import Place
from catalog.doctor_patient import Patient
from catalog.doctor_probe import Probe, ProbeReads
from catalog.errors import CorsRuleRefused
from catalog.events import EventKind, record
from catalog.parts import ClientPart
from db import Database, DatabaseUnavailable
from db.utc import utc_now
from settings import Settings
from storage import Backend, MinioFileStorage, StorageError, Storages
from storage.cors import allow, preflight
from storage.protocol import sentence
from storage.s3_facts import StoreKind, keeps_cors_rules
from storage.s3_signed import SignedCalls

log = structlog.get_logger(__name__)

REMEMBERED = timedelta(seconds=20)


@dataclass(frozen=True)
class Doctor:
    """Every method may be called from many threads."""

    database: Database
    storages: Storages
    settings: Settings
    _running: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _last: dict[str, tuple[datetime, Diagnosis]] = field(default_factory=dict, repr=False)
    """By origin: when the look began, and what was found."""

    def examine(self, origin: str, *, anew: bool = False) -> Diagnosis:
        """The server's half. `origin` is that of the pages (scheme and host), which the store must let in.

        What was found less than some seconds ago is given again; with `anew` only where the look began after it was
        asked for, so that those who wait for one look share the next. Raises nothing: what goes wrong is a finding.
        """
        asked_at = utc_now()
        with self._running:
            began_at, last = self._last.get(origin, (None, None))
            if began_at is not None and last is not None:
                young = began_at >= asked_at if anew else utc_now() - last.made_at < REMEMBERED
                if young:
                    return last
            began_at = utc_now()
            diagnosis = self._examined(origin)
            self._last.clear()
            self._last[origin] = (began_at, diagnosis)
            return diagnosis

    def start_probe(self) -> Probe:
        """Links for a browser to try. Raises StorageError."""
        storage = self.storages.primary
        doctor_probe.sweep(storage)
        return doctor_probe.start(storage)

    def complete_probe(self, probe_id: uuid.UUID, parts: Sequence[ClientPart]) -> ProbeReads:
        """Put the browser's parts together and hand out links that read. Raises StorageError."""
        return doctor_probe.complete(self.storages.primary, probe_id, parts)

    def drop_probe(self, probe_id: uuid.UUID) -> None:
        """Remove what the probe left; a second time, too. Never raises StorageError."""
        doctor_probe.drop(self.storages.primary, probe_id)

    def judge(self, seen: Seen) -> Diagnosis:
        """Both halves as one, with the browser's word where both tried the same."""
        server = self.examine(seen.page)
        direct = self.storages.primary.backend is Backend.MINIO
        place = Place.of(self.settings, server.kind or StoreKind.OTHER, seen.page)
        found = doctor_browser.findings(seen, place, direct=direct)
        return replace(server, findings=merged(server.findings, found), made_at=utc_now())

    def verdict(self, diagnosis: Diagnosis) -> Verdict:
        """The sentence over the list."""
        return verdict(diagnosis.findings, upload_via=self.settings.upload.via)

    def set_cors(self, origin: str, *, user_id: uuid.UUID | None = None) -> None:
        """Let pages of `origin` into every bucket, and make sure by a preflight that it does something. `user_id` is
        whose doing it is, for the activity.

        Raises CorsRuleRefused with the sentence that says what the store did instead; its rules before are kept.
        """
        storage = self.storages.primary
        if not isinstance(storage, MinioFileStorage):
            raise CorsRuleRefused("Files go to this server’s disk, which needs no rule.")
        kind = self.examine(origin).kind
        if kind is None or not keeps_cors_rules(kind):
            raise CorsRuleRefused("This kind of store has no rule per bucket. Set MINIO_API_CORS_ALLOW_ORIGIN instead.")
        calls = SignedCalls(storage.settings)
        place = Place.of(self.settings, kind, origin)
        for bucket in place.buckets:
            try:
                allow(calls, bucket, origin)
                url = calls.url("PUT", bucket, doctor_probe.fresh_ref().key, {"partNumber": "1"}, public=True)
                answer = preflight(url, origin, "PUT")
            except StorageError as error:
                raise CorsRuleRefused(f"The rule for {bucket} was not set: {error}.") from error
            if not answer.allowed:
                raise CorsRuleRefused(
                    f"The store took the rule for {bucket} and still answers HTTP {answer.status} to a browser’s "
                    "question. A proxy before it may answer instead, or the store ignores such rules."
                )
        log.info("cors_rule_set", origin=origin, buckets=place.buckets)
        # The store is mended whether or not the database is; the log has it then.
        with suppress(DatabaseUnavailable), self.database.transaction() as session:
            detail = {"place": origin, "buckets": list(place.buckets)}
            record(session, EventKind.CORS_SET, user_id=user_id, detail=detail)
        self._last.clear()

    def _examined(self, origin: str) -> Diagnosis:
        kind: StoreKind | None = None
        found: list[Finding] = []
        configured = Backend(self.settings.storage_backend)
        if configured is Backend.MINIO:
            storage = self.storages.of(Backend.MINIO)
            assert isinstance(storage, MinioFileStorage)
            patient = Patient(
                storage, Place.of(self.settings, StoreKind.OTHER, origin), self.settings.lifecycle.upload_days
            )
            found += doctor_store.examine(patient)
            if found[0].status is not Status.FAIL:
                kind = patient.place.kind
                self._swept(storage)
        else:
            found.append(doctor_here.local_store(self.storages.local))
        found += self._own(origin, holds_files=configured is Backend.LOCAL)
        can_set = kind is not None and keeps_cors_rules(kind)
        return Diagnosis(utc_now(), kind, in_order(found), can_set_cors=can_set)

    def _own(self, origin: str, *, holds_files: bool) -> Iterator[Finding]:
        yield doctor_here.database(self.database, self.settings)
        yield doctor_here.data_folder(self.settings)
        yield doctor_here.room(self.settings, holds_files=holds_files)
        for finding in (doctor_here.replicas(self.database, self.settings), doctor_here.address(self.settings, origin)):
            if finding is not None:
                yield finding

    def _swept(self, storage: MinioFileStorage) -> None:
        try:
            doctor_probe.sweep(storage)
        except StorageError as error:
            log.info("probes_not_swept", reason=sentence(str(error)))


def now() -> datetime:
    """This server's time, for a browser to compare with its own."""
    return utc_now()
