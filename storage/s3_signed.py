"""S3 requests that minio-py has no public call for, signed by its signer and sent as a plain request."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlencode, urlsplit

from minio.credentials.credentials import Credentials
from minio.signer import presign_v4

from settings import Minio as MinioSettings
from storage.asking import Answer, ask
from storage.protocol import BucketMissing, StorageDenied, StorageError, StorageUnavailable
from storage.s3_errors import known_code

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class SignedCalls:
    """One store and one pair of credentials."""

    settings: MinioSettings

    def unsigned(self, bucket: str = "", key: str = "", *, public: bool = False) -> str:
        """The address of a bucket or an object, as somebody without credentials would write it."""
        base = self.settings.public_endpoint if public else self._traffic
        path = "/".join(part for part in (bucket, quote(key)) if part)
        return f"{base}/{path}"

    def url(
        self,
        method: str,
        bucket: str,
        key: str = "",
        query: Mapping[str, str] | None = None,
        *,
        public: bool = False,
        expires_in: timedelta = MINUTE,
        at: datetime | None = None,
    ) -> str:
        """An address signed at `at` (now), on the public host or the traffic endpoint. Needs no network."""
        public_base = urlsplit(self.settings.public_endpoint)
        base = f"{public_base.scheme}://{public_base.netloc}" if public else self._traffic
        address = urlsplit(f"{base}/{bucket}{'/' if key else ''}{quote(key)}")
        if query:
            address = address._replace(query=urlencode(query, quote_via=quote))
        signed = presign_v4(
            method=method,
            url=address,
            region=self.settings.region,
            credentials=Credentials(self.settings.access_key, self.settings.secret_key.get_secret_value()),
            date=at or datetime.now(UTC),
            expires=max(1, int(expires_in.total_seconds())),
        )
        if public:
            # The path of MINIO__PUBLIC_ENDPOINT is the proxy's, which strips it: no part of what is signed.
            signed = signed._replace(path=public_base.path.rstrip("/") + signed.path)
        return signed.geturl()

    def send(
        self,
        method: str,
        bucket: str,
        key: str = "",
        query: Mapping[str, str] | None = None,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Ask the traffic endpoint. Any answer of the store is one; raises StorageUnavailable where none came."""
        given = dict(headers or {})
        if body is not None and query and not key:
            # S3 asks for it where a bucket's configuration is replaced (PutBucketCors, API reference).
            given["Content-MD5"] = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
        return ask(method, self.url(method, bucket, key, query), headers=given, body=body)

    @property
    def _traffic(self) -> str:
        return f"{'https' if self.settings.secure else 'http'}://{self.settings.endpoint}"


def code_of(answer: Answer) -> str:
    """The code in an S3 error's body; empty where there is none, as after a HEAD."""
    found = re.search(rb"<Code>([A-Za-z0-9]{1,60})</Code>", answer.body[:4096])
    return found[1].decode() if found else ""


def check(answer: Answer) -> Answer:
    """The answer, where it is a success. Raises the StorageError that its code or status means."""
    if answer.status < 300:
        return answer
    code = code_of(answer)
    if known := known_code(code):
        kind, message = known
        raise kind(message)
    said = f"HTTP {answer.status}{f', {code}' if code else ''}"
    if answer.status in (401, 403):
        raise StorageDenied(f"the store, or a proxy before it, refuses this ({said})")
    if answer.status == 404 and not code:
        raise BucketMissing("the bucket does not exist")
    if answer.status >= 500 or answer.status in (408, 429):
        raise StorageUnavailable(f"the store answers, but cannot do this at the moment ({said})")
    raise StorageError(f"the store refused ({said})")
