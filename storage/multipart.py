"""S3's calls that minio-py has but keeps private: every use of them is in this file.

minio-py is pinned in requirements.txt, and the contract suite holds each call here against a real server.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from minio import Minio
from minio.datatypes import Part as MinioPart

from storage.protocol import Part, StorageUnavailable


@dataclass(frozen=True, slots=True)
class MultipartCalls:
    """One call a method, one request a call; errors are minio-py's."""

    client: Minio

    def start(self, bucket: str, key: str, *, content_type: str) -> str:
        upload_id: str = self.client._create_multipart_upload(bucket, key, {"Content-Type": content_type})
        return upload_id

    def put(self, bucket: str, key: str, *, data: bytes, content_type: str) -> None:
        """The whole object in one request; unlike the public `put_object` it takes bytes and starts no threads."""
        self.client._put_object(bucket, key, data, {"Content-Type": content_type})

    def send_part(self, bucket: str, key: str, upload_id: str, *, number: int, data: bytes) -> Part:
        etag: str = self.client._upload_part(bucket, key, data, None, upload_id, number)
        return Part(number, etag, len(data))

    def complete(self, bucket: str, key: str, upload_id: str, parts: Sequence[Part]) -> None:
        named = [MinioPart(part.number, part.etag) for part in parts]
        result = self.client._complete_multipart_upload(bucket, key, upload_id, named)
        if not result.etag:
            # S3 may answer 200 first and put an error into the body (CompleteMultipartUpload, API reference);
            # minio-py does not look for it.
            raise StorageUnavailable("the store began to complete the upload and then failed")

    def abort(self, bucket: str, key: str, upload_id: str) -> None:
        self.client._abort_multipart_upload(bucket, key, upload_id)

    def part_page(self, bucket: str, key: str, upload_id: str, *, after: int) -> tuple[list[Part], bool]:
        """Parts numbered above `after`, and whether there are more."""
        page = self.client._list_parts(bucket, key, upload_id, part_number_marker=str(after) if after else None)
        parts = [Part(part.part_number, part.etag, part.size, part.last_modified) for part in page.parts]
        return parts, bool(page.is_truncated and parts)

    def upload_page(
        self, bucket: str, prefix: str, *, after_key: str | None = None, after_id: str | None = None
    ) -> tuple[list[tuple[str, str, datetime | None]], bool]:
        """(key, upload id, begun at) of the uploads after the markers, and whether there are more.

        Markers are a last entry's own key and id: minio-py 7.2.20 loses the ones in the answer (NextUploadIdMarker).
        """
        page = self.client._list_multipart_uploads(
            bucket, prefix=prefix, key_marker=after_key, upload_id_marker=after_id
        )
        found = [(each.object_name, each.upload_id or "", each.initiated_time) for each in page.uploads]
        return found, bool(page.is_truncated and found)
