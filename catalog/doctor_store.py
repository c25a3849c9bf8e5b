"""What the server tries on an S3 store, one check a function: each returns a finding and raises nothing of the store's.

What a check writes lies in the bucket role `temp` under `doctor/`, and is removed by the check itself; what a killed
process leaves there is swept at the next run (`doctor_probe.sweep`).
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from catalog.doctor_findings import Finding, Status
from catalog.doctor_fixes import clocks
from catalog.doctor_front import cors, expiry, links, private
from catalog.doctor_keeping import leftovers, versioning
from catalog.doctor_patient import Patient
from catalog.doctor_probe import fresh_ref
from storage import MIN_PART_SIZE, BucketMissing, BucketRole, Part, StorageDenied, StorageError, StorageUnavailable
from storage.protocol import sentence
from storage.s3_facts import StoreKind, greet, kind_of, refusal, region
from storage.s3_signed import check

PROBE_BYTES = 1_000_000
ALLOWED_SKEW = timedelta(minutes=15)
"""SigV4 refuses a request signed further away (AWS, "Authenticating requests")."""
NOTED_SKEW = timedelta(minutes=2)
TURN = timedelta(seconds=1.5)
"""A Date header's whole seconds and the way there: clocks no further apart than this agree."""

NAMES = {
    StoreKind.MINIO: "MinIO",
    StoreKind.SEAWEEDFS: "SeaweedFS",
    StoreKind.AWS: "AWS S3",
    StoreKind.CEPH: "Ceph",
}
BEHIND_BUCKET = {
    "write": "Write, read back, delete",
    "multipart": "Multipart upload",
    "links": "Links work",
    "cors": "Browser may upload (CORS)",
    "expiry": "Expired links are refused",
    "private": "Bucket is private",
}
BEHIND_CREDENTIALS = {"bucket": "Bucket is there", **BEHIND_BUCKET}
BEHIND_ANSWER = {"credentials": "Credentials are accepted", "clock": "Clocks agree", **BEHIND_CREDENTIALS}


def examine(patient: Patient) -> Iterator[Finding]:
    """Every check in turn; what a failed one makes pointless is skipped and says so."""
    first = answers(patient)
    yield first
    if first.status is Status.FAIL:
        yield from _skipped("The store does not answer.", BEHIND_ANSWER)
        return
    second = accepted(patient)
    yield second
    yield clock(patient)
    if second.status is Status.FAIL:
        yield from _skipped("The store does not accept the credentials.", BEHIND_CREDENTIALS)
        return
    third = there(patient)
    yield third
    if third.status is Status.FAIL:
        yield from _skipped("The bucket is missing.", BEHIND_BUCKET)
        return
    for check_one in (write, multipart, links, cors, expiry, private, leftovers, versioning):
        yield check_one(patient)


def answers(patient: Patient) -> Finding:
    """Whether the traffic endpoint answers at all, and what answers there."""
    try:
        patient.greeting = greet(patient.calls)
    except StorageUnavailable as error:
        return Finding(
            "store",
            "Store answers",
            Status.FAIL,
            sentence(str(error)),
            f"Uploads, downloads and previews wait until {patient.place.endpoint} answers.",
            patient.place.reach(),
        )
    patient.learn(patient.greeting.kind)
    name = NAMES.get(patient.place.kind, "A store")
    behind = f" behind {patient.greeting.proxy}" if patient.greeting.proxy else ""
    return Finding("store", "Store answers", Status.OK, f"{name}{behind} answered in {_ms(patient.greeting.took)}.")


def accepted(patient: Patient) -> Finding:
    """Whether MINIO__ACCESS_KEY and MINIO__SECRET_KEY are good for anything."""
    title = "Credentials are accepted"
    try:
        code = refusal(patient.calls, patient.place.bucket)
    except StorageUnavailable as error:
        return Finding("credentials", title, Status.FAIL, sentence(str(error)), fixes=patient.place.reach())
    if code in ("InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "AccountProblem"):
        known = {
            "InvalidAccessKeyId": f"The store does not know the key {patient.place.access_key}.",
            "SignatureDoesNotMatch": f"The secret does not fit the key {patient.place.access_key}.",
        }
        found = known.get(code, f"The store refuses the key {patient.place.access_key} ({code}).")
        means = "Nothing can be stored or read until MINIO__ACCESS_KEY and MINIO__SECRET_KEY are the store’s own."
        return Finding("credentials", title, Status.FAIL, found, means, patient.place.credentials())
    if code in ("AuthorizationHeaderMalformed", "AuthorizationQueryParametersError"):
        found = f"The store belongs to another region than {patient.place.region}."
        fixes = patient.place.region_of("the-region-of-the-store")
        return Finding("credentials", title, Status.FAIL, found, "Every signature is refused.", fixes)
    if code == "RequestTimeTooSkewed":
        found = "The store refuses the signature because the clocks differ too much."
        return Finding("credentials", title, Status.FAIL, found, "Every request is refused.", clocks())
    return Finding("credentials", title, Status.OK, f"Signed as {patient.place.access_key}.")


def clock(patient: Patient) -> Finding:
    """Whether this machine's clock and the store's agree, by the Date of an answer."""
    title = "Clocks agree"
    apart = None if patient.greeting is None else patient.greeting.clock_ahead
    if apart is None:
        return Finding("clock", title, Status.SKIPPED, "The store does not say what time it is.")
    if abs(apart) <= TURN:
        return Finding("clock", title, Status.OK, "Less than 2 s apart; links need less than 15 min.")
    found = f"The store’s clock is {_span(apart)} {'ahead of' if apart > timedelta(0) else 'behind'} this server’s."
    if abs(apart) >= ALLOWED_SKEW:
        means = "S3 refuses what is signed more than 15 minutes away: every link and every upload fails."
        return Finding("clock", title, Status.FAIL, found, means, clocks())
    if abs(apart) >= NOTED_SKEW:
        means = "Links expire that much too early or too late; from 15 minutes on they are all refused."
        return Finding("clock", title, Status.WARN, found, means, clocks())
    return Finding("clock", title, Status.OK, f"{_span(apart)} apart; links need less than 15 min.")


def there(patient: Patient) -> Finding:
    """Whether every bucket is there, and in MINIO__REGION."""
    title = "Buckets are there" if len(patient.place.buckets) > 1 else "Bucket is there"
    for bucket in patient.place.buckets:
        try:
            found = region(patient.calls, bucket)
        except BucketMissing:
            return Finding(
                "bucket",
                title,
                Status.FAIL,
                f"There is no bucket {bucket} in the store.",
                "Files cannot be stored. Where the credentials allow it, Datashelf makes the bucket at its start.",
                patient.place.missing_bucket(bucket),
            )
        except StorageDenied:
            # Reading a bucket's place is a right of its own, which a careful operator does not give.
            continue
        except StorageError as error:
            return Finding("bucket", title, Status.FAIL, sentence(str(error)), fixes=patient.place.reach())
        if patient.place.kind is StoreKind.AWS and found != patient.place.region:
            said = f"The bucket {bucket} is in {found}, and MINIO__REGION is {patient.place.region}."
            means = "The store refuses every signature for another region."
            return Finding("bucket", title, Status.FAIL, said, means, patient.place.region_of(found))
    return Finding("bucket", title, Status.OK, f"{', '.join(patient.place.buckets)} in {patient.place.region}.")


def write(patient: Patient) -> Finding:
    """Write a megabyte, read it back whole and in a range, delete it."""
    title, ref = "Write, read back, delete", fresh_ref()
    data = os.urandom(PROBE_BYTES)
    try:
        patient.storage.upload_file(ref, io.BytesIO(data), len(data), "application/octet-stream")
        bucket = patient.storage.bucket_for(ref.role)
        ranged = check(patient.calls.send("GET", bucket, ref.key, headers={"Range": "bytes=1000-1999"}))
        patient.learn(kind_of(ranged.headers))
        with patient.storage.get_file(ref) as file:
            same = hashlib.sha256(file.read()).digest() == hashlib.sha256(data).digest()
    except StorageError as error:
        return patient.refused("write", title, error)
    finally:
        gone = patient.storage.delete_file(ref)
    if not same:
        means = "What is stored here cannot be trusted: look for a proxy or a disk that changes bytes."
        return Finding("write", title, Status.FAIL, "The store gave back other bytes than it was given.", means)
    if ranged.status != 206 or ranged.body != data[1000:2000]:
        found = f"A range of 1,000 bytes was answered with HTTP {ranged.status} and {len(ranged.body):,} bytes."
        means = "Previews read by ranges and would fetch whole files. A proxy that drops Range is the usual cause."
        return Finding("write", title, Status.FAIL, found, means, patient.place.host_header())
    if not gone:
        found = "Written and read back; deleting was refused."
        means = "Deleted files keep their room in the bucket."
        return Finding("write", title, Status.WARN, found, means, patient.place.credentials())
    return Finding("write", title, Status.OK, "1 MB probe, same SHA-256 back, ranges right.")


def multipart(patient: Patient) -> Finding:
    """Two parts, put together and weighed."""
    title, ref = "Multipart upload", fresh_ref()
    first, second = bytes(MIN_PART_SIZE), b"the second part"
    upload_id = ""
    try:
        upload_id = patient.storage.start_multipart(ref, "application/octet-stream", MIN_PART_SIZE)
        parts = []
        for number, data in enumerate((first, second), start=1):
            query = {"partNumber": str(number), "uploadId": upload_id}
            answer = check(patient.calls.send("PUT", patient.storage.bucket_for(ref.role), ref.key, query, body=data))
            parts.append(Part(number, answer.header("ETag")))
        stored = patient.storage.complete_multipart(ref, upload_id, parts)
        listed = [found for found in patient.storage.list_files(BucketRole.TEMP, ref.key) if found.ref.key == ref.key]
    except StorageError as error:
        return patient.refused("multipart", title, error)
    finally:
        if upload_id:
            _forget(patient, ref.key, upload_id)
    if stored.size != len(first) + len(second) or not listed:
        found = f"Two parts of {len(first) + len(second):,} bytes made an object of {stored.size:,}."
        return Finding("multipart", title, Status.FAIL, found, "Uploads end in files that are not what was sent.")
    return Finding("multipart", title, Status.OK, "Two parts put together; up to 10,000 are allowed.")


def _forget(patient: Patient, key: str, upload_id: str) -> None:
    ref = replace(fresh_ref(), key=key)
    try:
        patient.storage.abort_multipart(ref, upload_id)
    except StorageError:
        return  # the sweep finds it
    finally:
        patient.storage.delete_file(ref)


def _skipped(why: str, checks: dict[str, str]) -> Iterator[Finding]:
    for finding_id, title in checks.items():
        yield Finding(finding_id, title, Status.SKIPPED, why)


def _ms(took: timedelta) -> str:
    return f"{max(1, round(took.total_seconds() * 1000))} ms"


def _span(apart: timedelta) -> str:
    seconds = abs(apart.total_seconds())
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.0f} h"
