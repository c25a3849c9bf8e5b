"""The Doctor's words: the verdict, both halves as one list, and blocks filled with this deployment's own names."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace

import pytest

import settings
from catalog.doctor_findings import Finding, Fix, Status, in_order, merged, verdict
from catalog.doctor_fixes import Place
from storage.s3_facts import StoreKind

ORIGIN = "https://shelf.example.org"


def finding(finding_id: str, status: Status, found: str = "seen") -> Finding:
    return Finding(finding_id, finding_id.title(), status, found)


def place(kind: StoreKind = StoreKind.SEAWEEDFS, **minio: object) -> Place:
    given = {
        "endpoint": "seaweed:8333",
        "public_endpoint": "https://files.example.org",
        "bucket": "team-data",
        "access_key": "shelf",
        **minio,
    }
    return Place.of(settings.load(storage_backend="minio", minio=given, _env_file=None), kind, ORIGIN)


def test_a_failing_check_is_counted_and_its_consequence_said() -> None:
    found = [finding("cors", Status.FAIL), finding("leftovers", Status.WARN), finding("store", Status.OK)]
    said = verdict(found, upload_via="auto")
    assert said.status is Status.FAIL
    assert said.sentence == "1 of 3 checks fails, 1 warns"
    assert said.meaning == "browser uploads go through this server until it is fixed"


def test_the_consequence_follows_the_way_uploads_are_set_to_go() -> None:
    assert verdict([finding("cors", Status.FAIL)], upload_via="direct").meaning == (
        "browsers cannot upload until it is fixed"
    )


@pytest.mark.parametrize(
    ("failing", "meaning"),
    [
        ({"database", "cors"}, "nothing on the shelf can be reached until it is fixed; nothing is lost"),
        ({"credentials", "cors"}, "files cannot be stored or read until it is fixed; what is stored is untouched"),
        ({"links"}, "links and downloads fail until it is fixed"),
        ({"private"}, "files are taken and handed out, but look at it soon"),
    ],
)
def test_the_gravest_consequence_is_the_one_that_is_said(failing: set[str], meaning: str) -> None:
    found = [finding(each, Status.FAIL) for each in failing]
    assert verdict(found, upload_via="auto").meaning == meaning


def test_what_was_not_tried_is_not_counted() -> None:
    found = [finding("store", Status.OK), finding("clock", Status.SKIPPED)]
    said = verdict(found, upload_via="auto")
    assert (said.status, said.sentence, said.meaning) == (Status.OK, "All is well", "1 check, nothing to do")


def test_several_numbers_have_their_verbs() -> None:
    found = [*(finding(each, Status.FAIL) for each in ("cors", "body")), *(finding(c, Status.WARN) for c in "ab")]
    assert verdict(found, upload_via="auto").sentence == "2 of 4 checks fail, 2 warn"
    assert verdict([finding("room", Status.WARN)], upload_via="auto").sentence == "1 warns of 1 check"


def test_where_both_tried_the_same_the_browsers_word_counts() -> None:
    server = [finding("links", Status.WARN, "not reachable from here"), finding("store", Status.OK)]
    browser = [finding("links", Status.OK, "read"), finding("reach", Status.OK)]
    both = merged(server, browser)
    assert [(each.id, each.found) for each in both] == [("reach", "seen"), ("links", "read"), ("store", "seen")]


def test_a_browser_that_could_not_try_leaves_the_servers_word() -> None:
    server = [finding("expiry", Status.OK, "HTTP 403")]
    assert merged(server, [finding("expiry", Status.SKIPPED)])[0].found == "HTTP 403"


def test_what_fails_stands_first_and_what_was_skipped_last() -> None:
    mixed = [
        finding("a", Status.OK),
        finding("b", Status.SKIPPED),
        finding("c", Status.FAIL),
        finding("d", Status.WARN),
    ]
    assert "".join(each.id for each in in_order(mixed)) == "cdab"


@pytest.mark.parametrize("kind", [StoreKind.MINIO, StoreKind.SEAWEEDFS, StoreKind.AWS, StoreKind.CEPH])
def test_the_stores_own_fix_stands_first(kind: StoreKind) -> None:
    at = place(kind)
    for fixes in (at.cors(), at.missing_bucket("team-data"), at.private(), at.versions("team-data")):
        assert fixes[0].kind == kind
        assert {StoreKind.MINIO, StoreKind.SEAWEEDFS, StoreKind.AWS, StoreKind.CEPH} <= {fix.kind for fix in fixes}


def test_the_cors_command_is_a_rule_a_shell_hands_over_whole() -> None:
    aws = next(fix for fix in place(StoreKind.AWS).cors() if fix.kind == StoreKind.AWS)
    words = shlex.split(aws.block)
    assert words[:5] == ["aws", "s3api", "put-bucket-cors", "--bucket", "team-data"]
    assert "--endpoint-url" not in words
    (rule,) = json.loads(words[words.index("--cors-configuration") + 1])["CORSRules"]
    assert rule["AllowedOrigins"] == [ORIGIN]
    assert set(rule["AllowedMethods"]) == {"GET", "PUT", "HEAD"}
    assert set(rule["ExposeHeaders"]) == {"ETag", "Content-Range"}


def test_every_bucket_gets_its_command_and_the_stores_public_address() -> None:
    ceph = next(fix for fix in place(StoreKind.CEPH, bucket_models="models").cors() if fix.kind == StoreKind.CEPH)
    assert ceph.block.count("put-bucket-cors") == 2
    assert "--bucket models --endpoint-url https://files.example.org" in ceph.block


def test_minio_is_told_of_its_variable_and_of_no_rule() -> None:
    minio = place(StoreKind.MINIO).cors()[0]
    assert minio.block == f"MINIO_API_CORS_ALLOW_ORIGIN={ORIGIN}"


def test_a_hostile_origin_stays_within_its_quotes() -> None:
    hostile = replace(place(StoreKind.AWS), origin="https://x';touch pwned;'")
    words = shlex.split(next(fix for fix in hostile.cors() if fix.kind == StoreKind.AWS).block)
    assert words[-1].startswith("{")
    assert "touch" not in words


def test_the_proxys_fix_names_the_host_and_the_directive() -> None:
    nginx = place().body_limit()[0]
    assert "files.example.org" in nginx.how
    assert nginx.block.splitlines()[:2] == ["client_max_body_size 0;", "proxy_request_buffering off;"]


def test_a_likely_public_address_is_offered() -> None:
    plain = replace(place(), origin="http://10.0.0.5:8501").public_endpoint()[0]
    assert plain.block == "MINIO__PUBLIC_ENDPOINT=http://10.0.0.5:8333"
    assert place().public_endpoint()[0].block == "MINIO__PUBLIC_ENDPOINT=https://files.shelf.example.org"


def test_no_secret_is_ever_in_a_block() -> None:
    at = place(secret_key="very-secret-indeed")
    blocks: list[Fix] = [*at.credentials(), *at.private(), *at.cors(), *at.reach()]
    assert not [fix for fix in blocks if "very-secret-indeed" in fix.block]
