"""CORS rules as S3 writes them, and a store's kind by what it answers."""

from __future__ import annotations

import pytest

from storage import StorageError
from storage.cors import CorsRule, document, parse
from storage.s3_facts import StoreKind, keeps_cors_rules, kind_of


def test_what_is_written_is_read_back() -> None:
    rules = [CorsRule(("https://shelf.example.org",)), CorsRule(("*",), ("GET",), (), ("ETag",), None)]
    assert parse(document(rules)) == rules


def test_rules_are_read_without_a_namespace_too() -> None:
    rule = b"<CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>PUT</AllowedMethod></CORSRule>"
    assert parse(b"<CORSConfiguration>" + rule + b"</CORSConfiguration>") == [CorsRule(("*",), ("PUT",), (), (), None)]


def test_an_answer_that_is_no_list_of_rules_is_refused() -> None:
    with pytest.raises(StorageError, match="not a list of CORS rules"):
        parse(b"<html>")


@pytest.mark.parametrize(
    ("headers", "host", "kind"),
    [
        ({"Server": "SeaweedFS 8000GB 4.48"}, "", StoreKind.SEAWEEDFS),
        ({"server": "nginx", "Seaweed-X-Amz-ETag": "1"}, "", StoreKind.SEAWEEDFS),
        ({"Server": "MinIO"}, "", StoreKind.MINIO),
        ({"Server": "nginx", "X-Minio-Deployment-Id": "1"}, "", StoreKind.MINIO),
        ({"Server": "AmazonS3"}, "", StoreKind.AWS),
        ({}, "s3.eu-west-1.amazonaws.com", StoreKind.AWS),
        ({"x-amz-request-id": "tx000000a1-0065-1-default"}, "", StoreKind.CEPH),
        ({"Server": "nginx/1.26"}, "files.example.org", StoreKind.OTHER),
    ],
)
def test_a_store_is_known_by_its_headers(headers: dict[str, str], host: str, kind: StoreKind) -> None:
    assert kind_of(headers, host) is kind


def test_only_minio_has_no_rule_per_bucket() -> None:
    assert [kind for kind in StoreKind if not keeps_cors_rules(kind)] == [StoreKind.MINIO]
