"""What kind of store this is and how its buckets are set up: asked of the store itself, one fact a function."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from xml.etree import ElementTree

from storage.asking import ask
from storage.protocol import StorageError
from storage.s3_signed import SignedCalls, check, code_of

FIRST_REGION = "us-east-1"
"""What an empty LocationConstraint means (GetBucketLocation, API reference)."""
PROXIES = ("nginx", "openresty", "caddy", "traefik", "envoy", "haproxy", "cloudflare", "apache")


class StoreKind(StrEnum):
    """The S3 servers whose ways we know. `MINIO` is Silo, too."""

    MINIO = "minio"
    SEAWEEDFS = "seaweedfs"
    AWS = "aws"
    CEPH = "ceph"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Greeting:
    """A server's answer to somebody who has not said who he is."""

    kind: StoreKind
    proxy: str | None
    """The proxy that answers for it, where one names itself."""
    took: timedelta
    clock_ahead: timedelta | None


def greet(calls: SignedCalls, *, public: bool = False) -> Greeting:
    """Knock at the traffic endpoint, or at the public one. Raises StorageUnavailable."""
    answer = ask("GET", calls.unsigned(public=public))
    host = calls.settings.public_endpoint if public else calls.settings.endpoint
    server = answer.header("Server").lower()
    proxy = next((name for name in PROXIES if name in server), None)
    return Greeting(kind_of(answer.headers, host), proxy, answer.took, answer.clock_ahead)


def kind_of(headers: Mapping[str, str], host: str = "") -> StoreKind:
    """The kind of store, by the headers of any of its answers; OTHER where they do not tell."""
    named = {name.lower(): value for name, value in headers.items()}
    server = named.get("server", "").lower()
    marks = " ".join(named)
    if "seaweed" in server or "seaweed-" in marks:
        return StoreKind.SEAWEEDFS
    if "minio" in server or "silo" in server or "x-minio-" in marks:
        return StoreKind.MINIO
    if "amazons3" in server or "amazonaws.com" in host:
        return StoreKind.AWS
    # Ceph's gateway numbers its requests tx0000….-…-zone (rgw_common.cc, "unique_id").
    if "ceph" in server or named.get("x-amz-request-id", "").startswith("tx0"):
        return StoreKind.CEPH
    return StoreKind.OTHER


def keeps_cors_rules(kind: StoreKind) -> bool:
    """Whether a rule set on a bucket of this kind of store does anything."""
    return kind is not StoreKind.MINIO


def region(calls: SignedCalls, bucket: str) -> str:
    """The region that the bucket is in. Raises BucketMissing, StorageDenied and their like."""
    root = _xml(check(calls.send("GET", bucket, query={"location": ""})).body)
    # Both shapes are in use: the constraint as the root (AWS), and one level down (SeaweedFS).
    found = next((each.text for each in root.iter() if each.tag.endswith("LocationConstraint") and each.text), None)
    return (found or "").strip() or FIRST_REGION


def keeps_versions(calls: SignedCalls, bucket: str) -> bool:
    """Whether what is deleted or replaced stays as an older version. Raises StorageError."""
    root = _xml(check(calls.send("GET", bucket, query={"versioning": ""})).body)
    return any(each.tag.endswith("Status") and each.text == "Enabled" for each in root.iter())


def open_to_strangers(calls: SignedCalls, bucket: str, key: str) -> tuple[str, ...]:
    """What anybody may do without credentials: `list` the bucket, `read` this object. Raises StorageUnavailable."""
    may = []
    if ask("GET", calls.unsigned(bucket)).status == 200:
        may.append("list")
    if ask("GET", calls.unsigned(bucket, key)).status == 200:
        may.append("read")
    return tuple(may)


def refusal(calls: SignedCalls, bucket: str) -> str:
    """The code with which the store refuses to tell of the bucket; empty where it tells. Raises StorageUnavailable."""
    answer = calls.send("GET", bucket, query={"location": ""})
    return "" if answer.status < 300 else code_of(answer) or f"HTTP {answer.status}"


def _xml(data: bytes) -> ElementTree.Element:
    try:
        return ElementTree.fromstring(data)  # noqa: S314  # the store is ours; minio-py reads it with the same parser
    except ElementTree.ParseError:
        raise StorageError("the store's answer is not S3's") from None
