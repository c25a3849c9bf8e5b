"""What S3 servers, proxies before them and the network answer, turned into our StorageErrors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from xml.etree.ElementTree import ParseError

from minio.error import InvalidResponseError, MinioException, S3Error, ServerError
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

from storage.protocol import (
    BucketMissing,
    FileNotInStorage,
    ObjectRef,
    PartRejected,
    PartTooLarge,
    StorageDenied,
    StorageError,
    StorageFull,
    StorageUnavailable,
    UploadNotFound,
)


class StoreUnreachable(StorageUnavailable):
    """No connection came about, so nothing of the request was sent: repeating it is always safe."""


_CODES: dict[str, tuple[type[StorageError], str]] = {
    "NoSuchKey": (FileNotInStorage, "there is no such object in the store"),
    "NoSuchVersion": (FileNotInStorage, "there is no such object in the store"),
    "NoSuchBucket": (BucketMissing, "the bucket does not exist"),
    "NoSuchUpload": (UploadNotFound, "the store does not know this upload"),
    "PreconditionFailed": (FileNotInStorage, "the object was replaced while it was read"),
    "InvalidPart": (PartRejected, "a part is missing or is not the one that was named"),
    "InvalidPartOrder": (PartRejected, "the parts are not in order"),
    "EntityTooSmall": (PartRejected, "a part that is not the last has less than 5 MiB"),
    "EntityTooLarge": (PartTooLarge, "the store takes no object or part of this size"),
    "AccessDenied": (StorageDenied, "the store refuses this to the credentials it was given"),
    "AllAccessDisabled": (StorageDenied, "the store refuses this to the credentials it was given"),
    "AccountProblem": (StorageDenied, "the store has a problem with the account"),
    "InvalidAccessKeyId": (StorageDenied, "the store does not know MINIO__ACCESS_KEY"),
    "SignatureDoesNotMatch": (StorageDenied, "the store does not accept MINIO__SECRET_KEY"),
    "ExpiredToken": (StorageDenied, "the credentials have expired"),
    "RequestTimeTooSkewed": (StorageDenied, "this machine's clock and the store's differ too much"),
    "AuthorizationHeaderMalformed": (StorageDenied, "the store belongs to another region than MINIO__REGION"),
    "PermanentRedirect": (StorageDenied, "the bucket belongs to another region or endpoint"),
    "XMinioStorageFull": (StorageFull, "the store has no room left"),
    "XMinioAdminBucketQuotaExceeded": (StorageFull, "the bucket's quota is used up"),
    "QuotaExceeded": (StorageFull, "the bucket's quota is used up"),
}
"""Amazon S3 API reference, "List of error codes", and MinIO's own (cmd/api-errors.go)."""
_CODE = re.compile(rb"<Code>([A-Za-z0-9]{1,100})</Code>")
_PASSING = {"SlowDown", "SlowDownRead", "SlowDownWrite", "RequestTimeout", "OperationAborted", "InternalError"}
_UNAVAILABLE = "the store answers, but cannot do this at the moment"


@contextmanager
def s3_errors(ref: ObjectRef | None = None) -> Iterator[None]:
    """Turn whatever minio-py or urllib3 raises inside the block into a StorageError."""
    try:
        yield
    except StorageError:
        raise
    except S3Error as error:
        raise _of_code(error, ref) from error
    except ServerError as error:
        raise _of_status(error.status_code, str(error), ref) from error
    except InvalidResponseError as error:
        raise _of_status(error._code, "the answer is not S3's; is MINIO__ENDPOINT right?", ref) from error
    except (NewConnectionError, ConnectTimeoutError) as error:
        raise StoreUnreachable("the store cannot be reached", ref=ref) from error
    except ParseError as error:
        raise StorageUnavailable("the store's answer was cut off or is not S3's", ref=ref) from error
    except (HTTPError, OSError) as error:
        raise StorageUnavailable(f"the connection to the store failed ({type(error).__name__})", ref=ref) from error
    except ValueError as error:
        # minio-py's word for an XML answer without what it must hold.
        raise StorageError(f"the store's answer is not S3's ({error})", ref=ref) from error
    except MinioException as error:
        raise StorageError(f"the store refused: {error}", ref=ref) from error


def known_code(code: str) -> tuple[type[StorageError], str] | None:
    """The error that a code of S3's means, and its words; None for a code that nothing here tells apart."""
    return _CODES.get(code)


def error_of(status: int, body: bytes, ref: ObjectRef | None) -> StorageError:
    """What an answer that is no success says, read without minio-py."""
    found = _CODE.search(body)
    if found is None:
        return _of_status(status, "no answer of S3's", ref)
    code = found[1].decode()
    if code in _CODES:
        kind, message = _CODES[code]
        return kind(message, ref=ref)
    if code in _PASSING:
        return StorageUnavailable(f"{_UNAVAILABLE} ({code})", ref=ref)
    return _of_status(status, code, ref)


def _of_code(error: S3Error, ref: ObjectRef | None) -> StorageError:
    known = _CODES.get(error.code or "")
    if known:
        kind, message = known
        where = f" ({error.bucket_name})" if kind is BucketMissing and error.bucket_name else ""
        return kind(f"{message}{where}", ref=ref)
    said = f"{error.code}: {error.message}"
    if error.code in _PASSING:
        return StorageUnavailable(f"{_UNAVAILABLE} ({said})", ref=ref)
    return _of_status(error.response.status, said, ref)


def _of_status(status: int, detail: str, ref: ObjectRef | None) -> StorageError:
    if status == 507:
        return StorageFull("the store has no room left", ref=ref)
    if status in (401, 403):
        return StorageDenied("the store, or a proxy before it, refuses this", ref=ref)
    if status == 413:
        return PartTooLarge("a proxy before the store takes no body of this size", ref=ref)
    if status in (408, 409, 429) or status >= 500:
        return StorageUnavailable(f"{_UNAVAILABLE} (HTTP {status}, {detail})", ref=ref)
    return StorageError(f"the store refused (HTTP {status}, {detail})", ref=ref)
