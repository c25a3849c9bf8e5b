"""Making sure that a bucket is there."""

from __future__ import annotations

from contextlib import suppress

from minio import Minio

from storage.protocol import StorageDenied, StorageError
from storage.s3_errors import s3_errors


def ensure_bucket(client: Minio, bucket: str) -> None:
    """Make the bucket where it is missing. It gets no policy, and without one every server keeps it private.

    Raises StorageDenied where it is missing and the credentials may not make it, and the store's other errors.
    """
    with s3_errors():
        if client.bucket_exists(bucket):
            return
    try:
        with s3_errors():
            client.make_bucket(bucket)
    except StorageError as error:
        # Another process may have made it meanwhile, which servers report in several ways: look again.
        with suppress(StorageError), s3_errors():
            if client.bucket_exists(bucket):
                return
        if isinstance(error, StorageDenied):
            raise StorageDenied(f"the bucket {bucket} is missing and these credentials may not make it") from error
        raise
