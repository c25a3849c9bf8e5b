"""Signed links, fetched for real: what they allow, and all that they refuse."""

from __future__ import annotations

import io
import re
import time
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

import httpx
import pytest

from storage import Backend, BucketRole, FileStorage, ObjectRef
from tests.contract.storage.conftest import MINUTE, fresh_ref

NAMES = [
    "plain.csv",
    "Übersicht für März.csv",
    "数据集.parquet",
    "📈 growth 🚀.csv",
    'he said "hi"; filename=evil.exe.csv',
    "100% off;a=b&c=d+e #1?.csv",
    "new\r\nSet-Cookie: a=b.csv",
    "back\\slash/and/slash.csv",
    "x" * 255,
]


def stored(store: FileStorage, data: bytes = b"0123456789") -> ObjectRef:
    ref = fresh_ref()
    store.upload_file(ref, io.BytesIO(data), len(data), "text/csv")
    return ref


def saved_name(header: str) -> str:
    found = re.search(r"filename\*=UTF-8''([^;]+)$", header)
    assert found
    return unquote(found[1])


def test_link_gives_the_bytes_to_anybody(store: FileStorage, http: httpx.Client) -> None:
    answer = http.get(store.get_presigned_url(stored(store), MINUTE, "data.csv"))
    assert (answer.status_code, answer.content) == (200, b"0123456789")
    assert answer.headers["content-length"] == "10"
    assert answer.headers["content-type"].startswith("text/csv")
    assert re.fullmatch(r'"[^"]+"', answer.headers["etag"])


@pytest.mark.parametrize("name", NAMES)
def test_link_saves_under_the_files_name(store: FileStorage, http: httpx.Client, name: str) -> None:
    answer = http.get(store.get_presigned_url(stored(store), MINUTE, name))
    assert answer.status_code == 200
    shown = answer.headers["content-disposition"]
    assert shown.startswith('attachment; filename="')
    assert shown.isascii()
    assert saved_name(shown) == name.replace("\r\n", "").replace("/", "_").replace("\\", "_")
    assert "set-cookie" not in answer.headers


def test_inline_link_shows_instead_of_saving(store: FileStorage, http: httpx.Client) -> None:
    answer = http.get(store.get_presigned_url(stored(store), MINUTE, "data.csv", inline=True))
    assert answer.headers["content-disposition"].startswith("inline;")


@pytest.mark.parametrize(
    ("asked", "given", "said"),
    [("bytes=2-4", b"234", "bytes 2-4/10"), ("bytes=7-", b"789", "bytes 7-9/10"), ("bytes=-3", b"789", "bytes 7-9/10")],
)
def test_link_gives_the_range_asked_for(
    store: FileStorage, http: httpx.Client, asked: str, given: bytes, said: str
) -> None:
    answer = http.get(store.get_presigned_url(stored(store), MINUTE, "data.csv"), headers={"Range": asked})
    assert (answer.status_code, answer.content, answer.headers["content-range"]) == (206, given, said)


def test_range_past_the_end_is_416(store: FileStorage, http: httpx.Client) -> None:
    url = store.get_presigned_url(stored(store), MINUTE, "data.csv")
    assert http.get(url, headers={"Range": "bytes=10-"}).status_code == 416


@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE"])
def test_reading_link_refuses_every_other_method(store: FileStorage, http: httpx.Client, method: str) -> None:
    ref = stored(store)
    url = store.get_presigned_url(ref, MINUTE, "data.csv")
    assert http.request(method, url, content=b"evil" if method == "PUT" else None).status_code == 403
    assert store.stat_file(ref).size == 10


def test_link_without_an_object_is_404(store: FileStorage, http: httpx.Client, ref: ObjectRef) -> None:
    assert http.get(store.get_presigned_url(ref, MINUTE, "data.csv")).status_code == 404


def test_link_is_refused_after_its_expiry(store: FileStorage, http: httpx.Client) -> None:
    ref = stored(store)
    reading = store.get_presigned_url(ref, timedelta(seconds=1), "data.csv")
    writing = store.get_presigned_upload_url(ref, timedelta(seconds=1))
    upload_id = store.start_multipart(ref, "text/csv", 5 * 1024**2)
    part = store.get_presigned_part_url(ref, upload_id, 1, timedelta(seconds=1))
    time.sleep(2.1)
    assert http.get(reading).status_code == 403
    assert http.put(writing, content=b"late").status_code == 403
    assert http.put(part, content=b"late").status_code == 403
    assert store.list_parts(ref, upload_id) == []
    store.abort_multipart(ref, upload_id)


def test_link_is_refused_when_anything_in_it_is_changed(store: FileStorage, http: httpx.Client) -> None:
    ref, other = stored(store), stored(store)
    url = store.get_presigned_url(ref, MINUTE, "data.csv")
    assert http.get(url).status_code == 200
    changed = [
        url.replace(ref.key, other.key),
        url.replace("data.csv", "evil.csv"),
        url.replace("ires=", "ires=9", 1),
        re.sub(r"ignature=(.)", lambda found: f"ignature={'1' if found[1] == '0' else '0'}", url),
        url.replace(ref.key, ref.key.upper()),
        f"{url}&inline=1",
        url.split("?")[0],
        re.sub(r"&?[A-Za-z-]*ignature=[^&]*", "", url),
    ]
    for each in changed:
        assert each != url
        assert http.get(each).status_code in (400, 401, 403), each


def test_upload_link_takes_the_whole_object(store: FileStorage, http: httpx.Client, ref: ObjectRef) -> None:
    answer = http.put(store.get_presigned_upload_url(ref, MINUTE), content=b"sent by a client")
    assert answer.status_code == 200
    assert answer.headers["etag"] == f'"{store.stat_file(ref).etag}"'
    with store.get_file(ref) as file:
        assert file.read() == b"sent by a client"


def test_upload_link_gives_nothing_away(store: FileStorage, http: httpx.Client) -> None:
    ref = stored(store)
    assert http.get(store.get_presigned_upload_url(ref, MINUTE)).status_code == 403


def test_part_link_is_for_its_part_only(store: FileStorage, http: httpx.Client, ref: ObjectRef) -> None:
    upload_id = store.start_multipart(ref, "text/csv", 5 * 1024**2)
    url = store.get_presigned_part_url(ref, upload_id, 1, MINUTE)
    assert http.put(url.replace("partNumber=1", "partNumber=2"), content=b"x").status_code == 403
    assert http.put(re.sub(r"&?partNumber=1", "", url), content=b"x").status_code == 403
    assert store.list_parts(ref, upload_id) == []
    store.abort_multipart(ref, upload_id)


def test_without_a_signature_nothing_is_public(store: FileStorage, http: httpx.Client) -> None:
    bare = store.get_presigned_url(stored(store), MINUTE, "data.csv").split("?")[0]
    assert http.get(bare).status_code == 403
    assert http.put(bare, content=b"evil").status_code == 403


@pytest.mark.parametrize("expires_in", [timedelta(0), timedelta(seconds=-1), timedelta(days=7, seconds=1)])
def test_expiry_out_of_range_is_not_signed(store: FileStorage, ref: ObjectRef, expires_in: timedelta) -> None:
    with pytest.raises(ValueError, match="7 days"):
        store.get_presigned_url(ref, expires_in, "data.csv")
    with pytest.raises(ValueError, match="7 days"):
        store.get_presigned_part_url(ref, "id", 1, expires_in)


def test_internal_link_leads_our_own_workers_to_the_bytes(store: FileStorage, http: httpx.Client) -> None:
    url = store.get_internal_url(stored(store), MINUTE)
    if store.backend is Backend.LOCAL:
        assert url.startswith("file:///")
        assert Path(url2pathname(urlsplit(url).path)).read_bytes() == b"0123456789"
    else:
        assert http.get(url, headers={"Range": "bytes=2-4"}).content == b"234"


def test_links_of_a_stored_file_lead_to_its_own_bucket(store: FileStorage, http: httpx.Client) -> None:
    ref = stored(store)
    remembered = ObjectRef(BucketRole.TEMP, ref.key, store.bucket_for(ref.role))
    assert http.get(store.get_presigned_url(remembered, MINUTE, "data.csv")).content == b"0123456789"
