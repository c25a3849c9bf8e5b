"""What a browser's bare outcomes mean: which of the silent failures it was, and what is said of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

import settings
from catalog.doctor_browser import Seen, Tried, findings
from catalog.doctor_findings import Finding, Status
from catalog.doctor_fixes import Place
from storage.s3_facts import StoreKind

MIB = 1024**2
GOOD = Tried(200, {"etag": '"abc"'}, seconds=0.5)
SHUT = Tried(0, {})
WELL = Seen(
    page="http://shelf.example.org",
    link="http://files.example.org:9000/team-data/temp/doctor/1",
    reached=True,
    clock_ahead=timedelta(0),
    put=GOOD,
    put_larger=GOOD,
    put_part=GOOD,
    put_last=GOOD,
    completed=True,
    get=Tried(200, {}, same_bytes=True),
    ranged=Tried(206, {"content-range": "bytes 100-199/1000"}, same_bytes=True),
    head=Tried(200, {}),
    expired=Tried(403, {}),
    sizes=(65536, 2 * MIB, 16 * MIB),
)


def judged(seen: Seen, *, direct: bool = True) -> dict[str, Finding]:
    given = {"endpoint": "minio:9000", "public_endpoint": "http://files.example.org:9000", "bucket": "team-data"}
    place = Place.of(settings.load(storage_backend="minio", minio=given, _env_file=None), StoreKind.AWS, seen.page)
    return {finding.id: finding for finding in findings(seen, place, direct=direct)}


def test_a_browser_that_may_do_everything_finds_nothing_wrong() -> None:
    found = judged(WELL)
    assert {each.status for each in found.values()} == {Status.OK}
    assert set(found) == {"reach", "cors", "body", "links", "expiry"}


def test_a_put_without_an_answer_where_the_store_is_there_is_cors() -> None:
    cors = judged(replace(WELL, put=SHUT, put_larger=None))["cors"]
    assert cors.status is Status.FAIL
    assert cors.found == "The bucket refuses PUT from http://shelf.example.org."
    assert "put-bucket-cors --bucket team-data" in cors.fixes[0].block


def test_a_hidden_etag_is_said_as_such() -> None:
    cors = judged(replace(WELL, put=Tried(200, {})))["cors"]
    assert cors.status is Status.FAIL
    assert "may not read the ETag" in cors.found


def test_nothing_there_is_no_matter_of_cors() -> None:
    found = judged(replace(WELL, reached=False, put=None))
    assert found["reach"].status is Status.FAIL
    assert "files.example.org:9000" in found["reach"].found
    assert found["reach"].fixes[0].block.startswith("MINIO__PUBLIC_ENDPOINT=")
    assert {found[each].status for each in ("cors", "body", "links", "expiry")} == {Status.SKIPPED}


def test_an_https_page_with_an_http_store_is_named_before_anything_else() -> None:
    reach = judged(replace(WELL, page="https://shelf.example.org", reached=False))["reach"]
    assert "https, and MINIO__PUBLIC_ENDPOINT=http://files.example.org:9000 is http" in reach.found
    assert "ssl_certificate" in reach.fixes[0].block


def test_links_to_everybodys_own_machine_fail_even_where_something_answers() -> None:
    reach = judged(replace(WELL, link="http://localhost:9000/team-data/x"))["reach"]
    assert reach.status is Status.FAIL
    assert "localhost:9000" in reach.found


def test_on_one_machine_loopback_is_right() -> None:
    here = replace(WELL, page="http://localhost:8501", link="http://127.0.0.1:9000/team-data/x")
    assert judged(here)["reach"].status is Status.OK


@pytest.mark.parametrize("refused", [SHUT, Tried(413, {})])
def test_a_body_that_is_refused_above_a_size_is_a_proxys_limit(refused: Tried) -> None:
    body = judged(replace(WELL, put_larger=refused, put_part=None))["body"]
    assert body.status is Status.FAIL
    assert "64 KiB pass, 2 MiB do not" in body.found
    assert "client_max_body_size 0;" in body.fixes[0].block


def test_a_limit_between_two_mib_and_a_part_is_found_too() -> None:
    assert "2 MiB pass, 16 MiB do not" in judged(replace(WELL, put_part=SHUT))["body"].found


def test_a_slow_line_is_no_fault() -> None:
    slow = replace(WELL, put_part=Tried(0, {}, seconds=8, cancelled=True))
    assert judged(slow)["body"].status is Status.OK
    slow = replace(WELL, get=Tried(0, {}, seconds=8, cancelled=True))
    assert judged(slow)["links"].status is Status.OK
    hidden = replace(slow, ranged=Tried(206, {}, same_bytes=True))
    assert "Content-Range" in judged(hidden)["links"].found


def test_an_unreadable_content_range_warns_only() -> None:
    links = judged(replace(WELL, ranged=Tried(206, {}, same_bytes=True)))["links"]
    assert links.status is Status.WARN
    assert "Content-Range" in links.found


def test_other_bytes_and_ignored_ranges_are_seen() -> None:
    assert judged(replace(WELL, get=Tried(200, {}, same_bytes=False)))["links"].status is Status.FAIL
    assert judged(replace(WELL, ranged=Tried(200, {}, same_bytes=False)))["links"].status is Status.WARN


def test_a_changed_host_header_shows_as_a_refused_signature() -> None:
    cors = judged(replace(WELL, put=Tried(403, {})))["cors"]
    assert "proxy_set_header Host $http_host;" in cors.fixes[0].block


def test_a_link_that_outlives_its_end_fails() -> None:
    assert judged(replace(WELL, expired=Tried(200, {})))["expiry"].status is Status.FAIL
    assert judged(replace(WELL, expired=SHUT))["expiry"].status is Status.SKIPPED


def test_another_bucket_that_stays_shut_is_named() -> None:
    cors = judged(replace(WELL, others=(("models", 404), ("files", 0))))["cors"]
    assert cors.status is Status.FAIL
    assert "The bucket files refuses" in cors.found


def test_a_wrong_clock_of_the_visitors_own_is_only_told() -> None:
    clock = judged(replace(WELL, clock_ahead=timedelta(minutes=-10)))["browser-clock"]
    assert clock.status is Status.WARN
    assert clock.found == "This computer’s clock is 10 min behind the server’s."


def test_local_disk_speaks_of_this_servers_address_and_its_proxy() -> None:
    local = replace(WELL, link="http://shelf.example.org/api/ml/v1/objects/temp/doctor/1", head=None)
    assert {each.status for each in judged(local, direct=False).values()} == {Status.OK}
    limited = judged(replace(local, put_larger=Tried(413, {}), put_part=None), direct=False)["body"]
    assert "shelf.example.org" in limited.fixes[0].how
    behind_tls = replace(local, page="https://shelf.example.org", reached=False)
    assert judged(behind_tls, direct=False)["reach"].fixes[0].block == "PUBLIC_URL=https://shelf.example.org"
