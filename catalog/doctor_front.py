"""What the server tries at the store's front door: links on the public host, a browser's preflight, strangers."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

from catalog.doctor_findings import Finding, Status
from catalog.doctor_patient import Patient
from catalog.doctor_probe import fresh_ref
from storage import StorageError, StorageUnavailable
from storage.asking import ask
from storage.cors import preflight
from storage.protocol import sentence
from storage.s3_facts import open_to_strangers


def links(patient: Patient) -> Finding:
    """A presigned GET and PUT, fetched on the public host as a browser would."""
    title, ref = "Links work", fresh_ref()
    minute = timedelta(minutes=1)
    try:
        put = ask("PUT", patient.storage.get_presigned_upload_url(ref, minute), body=b"a link's own bytes")
        got = ask("GET", patient.storage.get_presigned_url(ref, minute, "probe.bin"))
    except StorageUnavailable as error:
        found = f"{sentence(str(error))[:-1]}, seen from this server."
        means = "Only browsers need to reach it; the Storage screen tries it from yours."
        return Finding("links", title, Status.WARN, found, means, patient.place.public_endpoint())
    except StorageError as error:
        return patient.refused("links", title, error)
    finally:
        patient.storage.delete_file(ref)
    for method, answer in (("PUT", put), ("GET", got)):
        if answer.status != 200:
            found = f"{patient.place.public_host} answers a signed {method} with HTTP {answer.status}."
            if answer.status == 403:
                means = "A proxy on the way changes the Host header or the path, which the signature covers."
                return Finding("links", title, Status.FAIL, found, means, patient.place.host_header())
            if answer.status == 413:
                means = "A proxy on the way limits the size of a body."
                return Finding("links", title, Status.FAIL, found, means, patient.place.body_limit())
            means = "Something else than the store answers at MINIO__PUBLIC_ENDPOINT."
            return Finding("links", title, Status.FAIL, found, means, patient.place.public_endpoint())
    return Finding("links", title, Status.OK, f"A signed PUT and GET through {patient.place.public_host}.")


def cors(patient: Patient) -> Finding:
    """Whether the store would let the pages' origin PUT, by the question a browser asks first."""
    title = "Browser may upload (CORS)"
    for bucket in patient.place.buckets:
        query = {"partNumber": "1", "uploadId": "doctor"}
        url = patient.calls.url("PUT", bucket, fresh_ref().key, query, public=True)
        try:
            answer = preflight(url, patient.place.origin, "PUT")
        except StorageUnavailable as error:
            found = f"{sentence(str(error))[:-1]}, seen from this server."
            return Finding("cors", title, Status.SKIPPED, found)
        if not answer.allowed:
            found = f"The bucket {bucket} refuses PUT from {patient.place.origin} (HTTP {answer.status} to OPTIONS)."
            means = "Browsers may not send files to the store, so they pass through this server, slower."
            return Finding("cors", title, Status.FAIL, found, means, patient.place.cors())
        if answer.exposed and not {"etag", "*"} & set(answer.exposed):
            found = f"Pages of {patient.place.origin} may PUT and may not read the ETag."
            means = "Without it a browser cannot complete an upload, so files pass through this server, slower."
            return Finding("cors", title, Status.FAIL, found, means, patient.place.cors())
    return Finding("cors", title, Status.OK, f"Pages of {patient.place.origin} may PUT.")


def expiry(patient: Patient) -> Finding:
    """A link that has expired, signed in the past so that nobody waits for it."""
    title, ref = "Expired links are refused", fresh_ref()
    ago = datetime.now(UTC) - timedelta(minutes=2)
    try:
        patient.storage.upload_file(ref, io.BytesIO(b"expired"), 7, "application/octet-stream")
        bucket = patient.storage.bucket_for(ref.role)
        answer = ask("GET", patient.calls.url("GET", bucket, ref.key, at=ago, expires_in=timedelta(seconds=1)))
    except StorageError as error:
        return patient.refused("expiry", title, error)
    finally:
        patient.storage.delete_file(ref)
    if answer.status < 400:
        found = f"A link that expired two minutes ago was answered with HTTP {answer.status}."
        means = "Links that were given out never end. The store, or a cache before it, does not check them."
        return Finding("expiry", title, Status.FAIL, found, means, patient.place.host_header())
    return Finding("expiry", title, Status.OK, f"HTTP {answer.status}, two minutes after the end.")


def private(patient: Patient) -> Finding:
    """Whether somebody without credentials may list a bucket or read from it."""
    title, ref = "Bucket is private", fresh_ref()
    try:
        patient.storage.upload_file(ref, io.BytesIO(b"private"), 7, "application/octet-stream")
        may = {}
        for bucket in patient.place.buckets:
            key = ref.key if bucket == patient.storage.bucket_for(ref.role) else "doctor-asks"
            may[bucket] = open_to_strangers(patient.calls, bucket, key)
    except StorageError as error:
        return patient.refused("private", title, error)
    finally:
        patient.storage.delete_file(ref)
    open_ones = {bucket: acts for bucket, acts in may.items() if acts}
    if open_ones:
        bucket, acts = next(iter(open_ones.items()))
        found = f"Anybody may {' and '.join(acts)} in the bucket {bucket}, without a key."
        means = "Every dataset is open to whoever reaches the store; links and their expiry protect nothing."
        return Finding("private", title, Status.FAIL, found, means, patient.place.private())
    return Finding("private", title, Status.OK, "Without a key it may neither be listed nor read.")
