"""The Doctor's server half against a real store that is well, and against one that is not, in each way it may be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from catalog import doctor_probe
from catalog.doctor import Doctor
from catalog.doctor_findings import Diagnosis, Finding, Status
from catalog.errors import CorsRuleRefused
from catalog.parts import ClientPart
from db import migrate, open_database
from settings import load
from storage import BucketRole, Storages
from storage.link_base import current_link_base, link_base
from storage.s3_facts import StoreKind
from storage.s3_signed import SignedCalls
from tests.nginx import nginx
from tests.relay_http import relayed
from tests.seaweed import READER_ACCESS_KEY, READER_SECRET_KEY, S3Server, SeaweedServer, seaweed_server

ORIGIN = "http://shelf.example.org"
SECRET = b"0123456789abcdef0123456789abcdef"
EVERYTHING = {
    *("store", "credentials", "clock", "bucket", "write", "multipart", "links", "cors", "expiry", "private"),
    *("leftovers", "versioning", "database", "data-dir", "room"),
}


@contextmanager
def doctor_of(folder: Path, *, prepare: bool = True, **settings: Any) -> Iterator[Doctor]:
    """A Doctor over a fresh SQLite database and whatever the settings name."""
    folder.mkdir(parents=True, exist_ok=True)
    values = load(data_dir=folder, _env_file=None, **settings)
    storages = Storages(values, secret=SECRET, link_base=current_link_base)
    with open_database(values.sqlalchemy_url) as database:
        migrate(database)
        if prepare:
            storages.start()
        try:
            yield Doctor(database, storages, values)
        finally:
            storages.close()


def s3(server: S3Server, **changes: Any) -> dict[str, Any]:
    minio = {
        "endpoint": server.endpoint,
        "public_endpoint": server.url,
        "access_key": server.access_key,
        "secret_key": server.secret_key,
        "region": server.region,
        "secure": server.secure,
        "bucket": f"doctor-{uuid4().hex[:12]}",
        "retry_attempts": 1,
    }
    return {"storage_backend": "minio", "minio": {**minio, **changes}}


def found(diagnosis: Diagnosis, finding_id: str) -> Finding:
    finding = diagnosis.of(finding_id)
    assert finding is not None, diagnosis
    return finding


def left_behind(doctor: Doctor) -> list[str]:
    storage = doctor.storages.primary
    objects = [stored.ref.key for stored in storage.list_files(BucketRole.TEMP, doctor_probe.PREFIX)]
    return objects + [upload.ref.key for upload in storage.list_multipart(BucketRole.TEMP, doctor_probe.PREFIX)]


@pytest.mark.s3
def test_a_store_that_is_well_passes_every_check_and_nothing_is_left_behind(
    s3_server: S3Server, tmp_path: Path
) -> None:
    with doctor_of(tmp_path, **s3(s3_server)) as doctor:
        diagnosis = doctor.examine(ORIGIN)
        wrong = [finding for finding in diagnosis.findings if finding.status is not Status.OK]
        assert wrong == []
        assert {finding.id for finding in diagnosis.findings} == EVERYTHING
        assert doctor.verdict(diagnosis).sentence == "All is well"
        assert left_behind(doctor) == []


@pytest.mark.s3
def test_a_run_is_remembered_for_a_moment_and_made_again_when_asked(s3_server: S3Server, tmp_path: Path) -> None:
    with doctor_of(tmp_path, **s3(s3_server)) as doctor:
        first = doctor.examine(ORIGIN)
        assert doctor.examine(ORIGIN) is first
        second = doctor.examine(ORIGIN, anew=True)
        assert second is not first, "whoever mended the store a moment ago wants to see it"
        assert doctor.examine(ORIGIN) is second
        assert doctor.examine("http://other.example.org") is not first


@pytest.mark.s3
def test_a_missing_bucket_is_named_with_the_command_that_makes_it(s3_server: S3Server, tmp_path: Path) -> None:
    with doctor_of(tmp_path, prepare=False, **s3(s3_server, bucket="nobody-made-this")) as doctor:
        bucket = found(doctor.examine(ORIGIN), "bucket")
    assert bucket.status is Status.FAIL
    assert "nobody-made-this" in bucket.found
    assert "nobody-made-this" in bucket.fixes[0].block


@pytest.mark.s3
@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"secret_key": "another-secret"}, "The secret does not fit"),
        ({"access_key": "nobody"}, "does not know the key"),
    ],
)
def test_wrong_credentials_are_told_apart(
    s3_server: S3Server, tmp_path: Path, changed: dict[str, str], said: str
) -> None:
    with doctor_of(tmp_path, prepare=False, **s3(s3_server, **changed)) as doctor:
        diagnosis = doctor.examine(ORIGIN)
    credentials = found(diagnosis, "credentials")
    assert credentials.status is Status.FAIL
    assert said in credentials.found
    assert found(diagnosis, "write").status is Status.SKIPPED


@pytest.mark.s3
def test_credentials_that_may_only_read_fail_at_writing(own_s3_server: SeaweedServer, tmp_path: Path) -> None:
    given = s3(own_s3_server)
    with doctor_of(tmp_path / "owner", **given):
        reader = {**given["minio"], "access_key": READER_ACCESS_KEY, "secret_key": READER_SECRET_KEY}
        with doctor_of(tmp_path / "reader", prepare=False, storage_backend="minio", minio=reader) as doctor:
            diagnosis = doctor.examine(ORIGIN)
    assert found(diagnosis, "write").status is Status.FAIL
    assert "refuses" in found(diagnosis, "write").found


def test_a_store_that_is_away_is_one_fault_and_not_twelve(tmp_path: Path) -> None:
    minio = {"endpoint": "127.0.0.1:1", "public_endpoint": "http://127.0.0.1:1", "retry_attempts": 1}
    with doctor_of(tmp_path, prepare=False, storage_backend="minio", minio=minio) as doctor:
        diagnosis = doctor.examine(ORIGIN)
        said = doctor.verdict(diagnosis)
    assert [finding.id for finding in diagnosis.findings if finding.status is Status.FAIL] == ["store"]
    assert found(diagnosis, "store").found == "127.0.0.1:1 refuses the connection."
    assert said.sentence == "1 of 4 checks fails"


@pytest.mark.s3
def test_a_refused_origin_is_let_in_by_setting_the_rule(tmp_path: Path) -> None:
    with (
        seaweed_server(tmp_path / "weed", origins="http://other.example") as server,
        doctor_of(tmp_path / "data", **s3(server)) as doctor,
    ):
        before = doctor.examine(ORIGIN)
        assert found(before, "cors").status is Status.FAIL
        assert before.kind is StoreKind.SEAWEEDFS
        assert before.can_set_cors
        doctor.set_cors(ORIGIN)
        assert found(doctor.examine(ORIGIN), "cors").status is Status.OK
        # A second origin does not push the first one out.
        doctor.set_cors("http://second.example.org")
        assert found(doctor.examine(ORIGIN), "cors").status is Status.OK


@pytest.mark.s3
def test_a_clock_that_is_off_is_measured(s3_server: S3Server, tmp_path: Path) -> None:
    given = s3(s3_server)
    for hours, status in ((1, Status.FAIL), (0.1, Status.WARN)):
        with relayed(s3_server.endpoint, clock=timedelta(hours=hours)) as front:
            minio = {**given["minio"], "endpoint": front, "public_endpoint": f"http://{front}"}
            with doctor_of(tmp_path / str(hours), storage_backend="minio", minio=minio) as doctor:
                clock = found(doctor.examine(ORIGIN), "clock")
        assert clock.status is status
        assert "ahead of" in clock.found
        assert "chronyc" in clock.fixes[0].block


@pytest.mark.s3
def test_a_proxy_that_changes_the_host_breaks_every_link_and_is_named(s3_server: S3Server, tmp_path: Path) -> None:
    with nginx(tmp_path / "nginx", s3_server.endpoint, host="store.internal") as front:
        given = s3(s3_server, public_endpoint=f"http://{front}")
        with doctor_of(tmp_path / "data", **given) as doctor:
            links = found(doctor.examine(ORIGIN), "links")
    assert links.status is Status.FAIL
    assert "proxy_set_header Host $http_host;" in links.fixes[0].block


@pytest.mark.s3
def test_a_proxy_hides_the_kind_of_store_and_the_store_shows_it(s3_server: S3Server, tmp_path: Path) -> None:
    with nginx(tmp_path / "nginx", s3_server.endpoint, directives="client_max_body_size 0;") as front:
        given = s3(s3_server, endpoint=front, public_endpoint=f"http://{front}")
        with doctor_of(tmp_path / "data", **given) as doctor:
            diagnosis = doctor.examine(ORIGIN)
    assert "behind nginx" in found(diagnosis, "store").found
    assert diagnosis.kind is StoreKind.SEAWEEDFS


@pytest.mark.s3
def test_a_body_limit_on_the_way_to_the_store_fails_the_multipart_upload(s3_server: S3Server, tmp_path: Path) -> None:
    with nginx(tmp_path / "nginx", s3_server.endpoint, directives="client_max_body_size 2m;") as front:
        given = s3(s3_server, endpoint=front, public_endpoint=f"http://{front}")
        with doctor_of(tmp_path / "data", **given) as doctor:
            diagnosis = doctor.examine(ORIGIN)
    assert found(diagnosis, "write").status is Status.OK
    assert found(diagnosis, "multipart").status is Status.FAIL


@pytest.mark.s3
def test_a_bucket_that_keeps_versions_warns(own_s3_server: SeaweedServer, tmp_path: Path) -> None:
    with doctor_of(tmp_path / "data", **s3(own_s3_server)) as doctor:
        calls = SignedCalls(doctor.settings.minio)
        body = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
        assert calls.send("PUT", doctor.settings.minio.bucket, query={"versioning": ""}, body=body).status == 200
        versions = found(doctor.examine(ORIGIN), "versioning")
    assert versions.status is Status.WARN
    assert doctor.settings.minio.bucket in versions.fixes[0].block


@pytest.mark.s3
def test_a_store_open_to_strangers_fails(tmp_path: Path) -> None:
    with seaweed_server(tmp_path / "weed") as server, doctor_of(tmp_path / "data", **s3(server)) as doctor:
        bucket = doctor.settings.minio.bucket
        policy = (
            '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":["s3:GetObject",'
            f'"s3:ListBucket"],"Resource":["arn:aws:s3:::{bucket}","arn:aws:s3:::{bucket}/*"]}}]}}'
        ).encode()
        answer = SignedCalls(doctor.settings.minio).send("PUT", bucket, query={"policy": ""}, body=policy)
        assert answer.status in (200, 204), answer
        private = found(doctor.examine(ORIGIN), "private")
    assert private.status is Status.FAIL
    assert "Anybody may" in private.found


@pytest.mark.s3
def test_a_probe_goes_its_way_and_is_gone(s3_server: S3Server, tmp_path: Path) -> None:
    with doctor_of(tmp_path, **s3(s3_server)) as doctor, httpx.Client(timeout=30) as client:
        probe = doctor.start_probe()
        etag = client.put(probe.parts[1], content=doctor_probe.PATTERN * 256).headers["ETag"]
        reads = doctor.complete_probe(probe.id, [ClientPart(1, etag)])
        assert reads.by_browser
        assert client.get(reads.get).content == doctor_probe.PATTERN * 256
        assert reads.head is not None
        assert client.head(reads.head).status_code == 200
        doctor.drop_probe(probe.id)
        assert client.get(reads.get).status_code == 404
        doctor.drop_probe(probe.id)
        assert left_behind(doctor) == []


@pytest.mark.s3
def test_the_probe_of_a_browser_that_left_is_swept(s3_server: S3Server, tmp_path: Path) -> None:
    with doctor_of(tmp_path, **s3(s3_server)) as doctor:
        doctor.start_probe()
        abandoned = doctor.start_probe()
        doctor.complete_probe(abandoned.id, [])
        storage = doctor.storages.primary
        assert doctor_probe.sweep(storage) == 0
        assert len(left_behind(doctor)) == 3
        assert doctor_probe.sweep(storage, older=timedelta(seconds=-5)) == 3
        assert left_behind(doctor) == []


@pytest.mark.s3
def test_another_role_with_a_bucket_of_its_own_is_tried_too(s3_server: S3Server, tmp_path: Path) -> None:
    given = s3(s3_server, bucket_temp=f"doctor-temp-{uuid4().hex[:8]}")
    with doctor_of(tmp_path, **given) as doctor:
        probe = doctor.start_probe()
        assert set(probe.others) == {doctor.settings.minio.bucket}
        assert httpx.put(next(iter(probe.others.values())), content=b"x").status_code == 404
        doctor.drop_probe(probe.id)


def test_local_disk_is_checked_for_what_applies_there(tmp_path: Path) -> None:
    with doctor_of(tmp_path) as doctor:
        diagnosis = doctor.examine(ORIGIN)
        assert {finding.id: finding.status for finding in diagnosis.findings} == dict.fromkeys(
            ("write", "database", "data-dir", "room"), Status.OK
        )
        assert not diagnosis.can_set_cors
        with pytest.raises(CorsRuleRefused, match="needs no rule"):
            doctor.set_cors(ORIGIN)
        link_base.set("http://localhost:8501")
        probe = doctor.start_probe()
        assert not probe.direct
        assert probe.reach == "http://localhost:8501/api/health/live"
        doctor.drop_probe(probe.id)
        assert left_behind(doctor) == []


def test_a_store_without_bucket_rules_is_not_asked_to_set_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    minio = {"endpoint": "127.0.0.1:1", "public_endpoint": "http://127.0.0.1:1"}
    with doctor_of(tmp_path, prepare=False, storage_backend="minio", minio=minio) as doctor:
        seen = replace(doctor.examine(ORIGIN), kind=StoreKind.MINIO)
        monkeypatch.setattr(Doctor, "examine", lambda *_args, **_more: seen)
        with pytest.raises(CorsRuleRefused, match="MINIO_API_CORS_ALLOW_ORIGIN"):
            doctor.set_cors(ORIGIN)


def test_an_address_beyond_loopback_without_public_url_warns(tmp_path: Path) -> None:
    with doctor_of(tmp_path, allowed_hosts=("shelf.example.org",)) as doctor:
        address = found(doctor.examine(ORIGIN), "address")
    assert address.status is Status.WARN
    assert address.fixes[0].block == f"PUBLIC_URL={ORIGIN}"


@pytest.mark.s3
def test_through_a_proxy_with_its_own_limits_a_small_body_passes_and_a_larger_one_does_not(
    s3_server: S3Server, tmp_path: Path
) -> None:
    """What the browser's half relies on: nginx as it comes answers 413 above 1 MiB, and passes preflights on."""
    with (
        nginx(tmp_path / "nginx", s3_server.endpoint) as front,
        doctor_of(tmp_path / "data", **s3(s3_server, public_endpoint=f"http://{front}")) as doctor,
    ):
        probe = doctor.start_probe()
        small, larger, _ = probe.sizes
        assert front in probe.parts[1]
        assert httpx.put(probe.parts[1], content=bytes(small)).status_code == 200
        assert httpx.put(probe.parts[1], content=bytes(larger)).status_code == 413
        assert found(doctor.examine(ORIGIN), "cors").status is Status.OK
        doctor.drop_probe(probe.id)
