"""What a store's refusal is, read from its status and its body."""

from __future__ import annotations

import pytest

from storage import (
    FileNotInStorage,
    PartTooLarge,
    StorageDenied,
    StorageError,
    StorageFull,
    StorageUnavailable,
    UploadNotFound,
)
from storage.s3_errors import error_of


def xml(code: str) -> bytes:
    return f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>m</Message></Error>'.encode()


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (404, xml("NoSuchUpload"), UploadNotFound),
        (404, xml("NoSuchKey"), FileNotInStorage),
        (507, xml("XMinioStorageFull"), StorageFull),
        (507, b"", StorageFull),
        (403, xml("AccessDenied"), StorageDenied),
        (403, b"<html>no</html>", StorageDenied),
        (413, b"<html>nginx</html>", PartTooLarge),
        (503, xml("SlowDown"), StorageUnavailable),
        (500, xml("InternalError"), StorageUnavailable),
        (502, b"\xff\x00", StorageUnavailable),
        (400, xml("SomethingNew"), StorageError),
    ],
)
def test_refusal_is_one_of_our_errors(status: int, body: bytes, kind: type[StorageError]) -> None:
    assert type(error_of(status, body, None)) is kind
