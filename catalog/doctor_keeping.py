"""What the server looks at for the long run: parts that nobody goes on with, and versions that nobody sees."""

from __future__ import annotations

from datetime import timedelta

from catalog.doctor_findings import Finding, Status
from catalog.doctor_fixes import leftovers as leftovers_fixes
from catalog.doctor_patient import Patient
from db.utc import utc_now
from storage import BucketRole, StorageError
from storage.s3_facts import keeps_versions

MOST_WEIGHED = 50
"""Uploads whose parts are counted; one listing each."""


def leftovers(patient: Patient) -> Finding:
    """Multipart uploads older than Datashelf itself would let them become."""
    title = "Old parts are cleaned up"
    oldest = utc_now() - timedelta(days=patient.upload_days + 1)
    under_way = old = held = 0
    try:
        for role in BucketRole:
            for upload in patient.storage.list_multipart(role):
                under_way += 1
                if upload.started_at is not None and upload.started_at < oldest:
                    old += 1
                    if old <= MOST_WEIGHED:
                        parts = patient.storage.list_parts(upload.ref, upload.upload_id)
                        held += sum(part.size or 0 for part in parts)
    except StorageError as error:
        return Finding("leftovers", title, Status.SKIPPED, f"They cannot be listed: {error}.")
    if old:
        more = " at least" if old > MOST_WEIGHED else ""
        found = (
            f"{_uploads(old)} older than {patient.upload_days} days hold{'s' if old == 1 else ''}{more} {_mb(held)}."
        )
        means = "Nobody goes on with them, and their parts take room that no listing shows."
        return Finding("leftovers", title, Status.WARN, found, means, leftovers_fixes())
    now = f"{_uploads(under_way)} under way" if under_way else "None under way"
    days = f"after {patient.upload_days} days" if patient.upload_days != 1 else "after a day"
    return Finding("leftovers", title, Status.OK, f"{now}; Datashelf gives up what rests {days}.")


def versioning(patient: Patient) -> Finding:
    """Whether the bucket keeps what is deleted."""
    title = "Deleted files free their room"
    try:
        keeping = [bucket for bucket in patient.place.buckets if keeps_versions(patient.calls, bucket)]
    except StorageError as error:
        return Finding("versioning", title, Status.SKIPPED, f"The store does not tell: {error}.")
    if keeping:
        found = f"The bucket {keeping[0]} keeps versions: what is deleted or replaced stays in the store."
        means = "It grows without end, and a deleted file can still be read by the store’s own tools."
        return Finding("versioning", title, Status.WARN, found, means, patient.place.versions(keeping[0]))
    return Finding("versioning", title, Status.OK, "No versions are kept beside Datashelf’s own.")


def _uploads(count: int) -> str:
    return "1 upload" if count == 1 else f"{count:,} uploads"


def _mb(count: int) -> str:
    return f"{count / 1e6:,.0f} MB" if count >= 1_000_000 else f"{count:,} bytes"
