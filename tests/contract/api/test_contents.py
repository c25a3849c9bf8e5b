"""What is inside a file, over HTTP: statistics, cells, queries, charts, looks, comparisons."""

from __future__ import annotations

import io
import json
import time
import uuid
from typing import Any

import httpx
import pandas as pd
import pytest

from tests.app_server import RunningApp
from tests.shelf_client import problem, store, unique

ROW = "{state},{row:03},{row}.5,2001-01-{day:02},{late}\n"
TEXT = "state,code,delay,day,late\n" + "".join(
    ROW.format(state=("AK", "TX")[row % 2], row=row, day=row % 28 + 1, late="true" if row % 3 else "")
    for row in range(300)
)
CSV = TEXT.encode()
ENDLESS = "SELECT count(*) FROM range(1000000000) a, range(1000000) b"
NOWHERE = "9a6f0c52-6c0e-4b6e-9d0a-6f2f3a8e4c11"


@pytest.fixture(scope="module")
def dataset(local_app: RunningApp) -> dict[str, Any]:
    return store(local_app, CSV, "flights.csv", name=unique())


@pytest.fixture
def client(local_app: RunningApp) -> httpx.Client:
    return local_app.client()


def profile_of(client: httpx.Client, file_id: object) -> dict[str, Any]:
    for _ in range(600):
        answer = client.get(f"/files/{file_id}/profile")
        if answer.status_code != 202:
            break
        assert answer.json()["status"] == "computing"
        assert answer.headers["retry-after"] == "2"
        time.sleep(0.1)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_statistics_have_the_shape_of_the_hugging_face_viewer(client: httpx.Client, dataset: dict[str, Any]) -> None:
    found = profile_of(client, dataset["file_id"])
    assert (found["num_examples"], found["partial"], found["rows"]) == (300, False, 300)
    by_name = {one["column_name"]: one for one in found["statistics"]}
    assert {name: one["column_type"] for name, one in by_name.items()} == {
        "state": "string_label",
        "code": "string_text",
        "delay": "float",
        "day": "datetime",
        "late": "bool",
    }
    numbers = by_name["delay"]["column_statistics"]
    assert {"nan_count", "nan_proportion", "min", "max", "mean", "median", "std", "histogram"} <= set(numbers)
    assert (numbers["min"], numbers["max"], numbers["mean"]) == (0.5, 299.5, 150.0)
    assert len(numbers["histogram"]["bin_edges"]) == len(numbers["histogram"]["hist"]) + 1
    assert sum(numbers["histogram"]["hist"]) == 300
    assert by_name["state"]["column_statistics"]["frequencies"] == {"AK": 150, "TX": 150}
    assert by_name["state"]["column_statistics"]["n_unique"] == 2
    assert by_name["late"]["column_statistics"] == {
        "nan_count": 100,
        "nan_proportion": 0.33333,
        "frequencies": {"True": 200},
    }
    assert by_name["day"]["column_statistics"]["min"] == "2001-01-01"
    assert by_name["code"]["column_statistics"]["mean"] == 3


def test_statistics_of_no_table_say_why(local_app: RunningApp, client: httpx.Client) -> None:
    file_id = store(local_app, b"\x89PNG\r\n\x1a\n" + bytes(50), "x.png")["file_id"]
    for _ in range(600):
        answer = client.get(f"/files/{file_id}/profile")
        if answer.status_code != 202:
            break
        time.sleep(0.1)
    problem(answer, 422, "no-statistics")
    problem(client.get(f"/files/{NOWHERE}/profile"), 404, "file-not-found")


def test_an_answer_in_sql_has_a_previews_shape(client: httpx.Client, dataset: dict[str, Any]) -> None:
    sql = "SELECT state, count(*) AS flights FROM data GROUP BY state ORDER BY state"
    answer = client.post(f"/files/{dataset['file_id']}/query", json={"sql": sql})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["columns"] == [{"name": "state", "type": "string"}, {"name": "flights", "type": "integer"}]
    assert (body["rows"], body["total_rows"], body["more"]) == ([["AK", 150], ["TX", 150]], 2, False)
    assert body["seconds"] >= 0
    cut = client.post(f"/files/{dataset['file_id']}/query", json={"sql": "SELECT code FROM v1", "limit": 2}).json()
    assert (len(cut["rows"]), cut["total_rows"], cut["more"]) == (2, None, True)


@pytest.mark.parametrize(
    ("sql", "slug"),
    [
        ("SELECT *\nFROM data WHERE stat = 1", "query-failed"),
        ("SELEC 1", "query-failed"),
        ("COPY data TO '/tmp/x'", "query-refused"),
        ("SELECT 1; SELECT 2", "query-refused"),
        ("SELECT * FROM '/etc/passwd'", "query-refused"),
    ],
    ids=["no column", "no SQL", "writes", "two", "a file"],
)
def test_what_is_wrong_with_sql_has_its_own_type(
    client: httpx.Client, dataset: dict[str, Any], sql: str, slug: str
) -> None:
    body = problem(client.post(f"/files/{dataset['file_id']}/query", json={"sql": sql}), 422, slug)
    assert {"line", "column", "suggestion"} <= set(body)
    if "stat " in sql:
        assert (body["line"], body["suggestion"]) == (2, "state")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"sql": ""},
        {"sql": 1},
        {"sql": "SELECT 1", "limit": 0},
        {"sql": "SELECT 1", "limit": 10_001},
        {"sql": "\ud800"},
        {"sql": "x" * 100_001},
        {"sql": "SELECT 1", "more": 1},
    ],
    ids=["nothing", "empty", "number", "no rows", "many rows", "half a pair", "long", "unknown member"],
)
def test_what_is_no_query_is_422(client: httpx.Client, dataset: dict[str, Any], body: dict[str, Any]) -> None:
    content = json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    problem(client.post(f"/files/{dataset['file_id']}/query", content=content, headers=headers), 422)
    problem(client.post(f"/files/{NOWHERE}/query", json={"sql": "SELECT 1"}), 404, "file-not-found")


def test_a_whole_answer_can_be_downloaded(shelf: RunningApp) -> None:
    file_id = store(shelf, CSV, "flights.csv", name=unique())["file_id"]
    with shelf.client() as client:
        answer = client.post(
            f"/files/{file_id}/query/export", json={"sql": "SELECT code FROM data", "format": "parquet"}
        )
        assert answer.status_code == 200, answer.text
        problem(client.post(f"/files/{file_id}/query/export", json={"sql": "SELECT 1", "format": "xlsx"}), 422)
    made = answer.json()
    assert (made["rows"], made["expiry_sec"]) == (300, 3600)
    download = httpx.get(made["url"])
    assert len(download.content) == made["size"]
    assert "flights-result.parquet" in download.headers["content-disposition"]
    assert pd.read_parquet(io.BytesIO(download.content))["code"].tolist()[:2] == ["000", "001"]


def test_a_client_that_leaves_ends_its_query_and_too_many_are_told_to_wait(
    local_app: RunningApp, client: httpx.Client, dataset: dict[str, Any]
) -> None:
    url = f"{local_app.api}/files/{dataset['file_id']}/query"
    for _ in range(4):
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(url, json={"sql": ENDLESS}, timeout=httpx.Timeout(10, read=1))
    # Two run at once: had those gone on, this one would wait in vain.
    answer = client.post(url, json={"sql": "SELECT 1"})
    assert (answer.status_code, answer.json().get("rows")) == (200, [[1]]), answer.text


def test_a_chart_is_a_few_records(client: httpx.Client, dataset: dict[str, Any]) -> None:
    asked = {"kind": "bar", "x": "state", "conditions": [{"column": "late", "op": "not_null"}]}
    answer = client.post(f"/files/{dataset['file_id']}/chart", json=asked)
    assert answer.status_code == 200, answer.text
    assert answer.json()["records"] == [{"x": "AK", "y": 100}, {"x": "TX", "y": 100}]
    problem(client.post(f"/files/{dataset['file_id']}/chart", json={"kind": "bar", "x": "none"}), 422)
    problem(client.post(f"/files/{dataset['file_id']}/chart", json={"kind": "pie", "x": "state"}), 422)


def test_chosen_columns_and_whole_cells(client: httpx.Client, local_app: RunningApp) -> None:
    long = "x" * 150_000
    file_id = store(local_app, f"a,b,c\n1,{long},3\n".encode(), "fat.csv")["file_id"]
    chosen = client.get(f"/files/{file_id}/preview", params=[("columns", "c"), ("columns", "a")]).json()
    assert sorted(column["name"] for column in chosen["columns"]) == ["a", "c"]
    assert len(client.get(f"/files/{file_id}/preview").json()["rows"][0][1]) < len(long)
    whole = client.get(f"/files/{file_id}/cell", params={"row": 0, "column": "b"})
    assert whole.json() == {"value": long}
    problem(client.get(f"/files/{file_id}/cell", params={"row": 0, "column": "nothing"}), 422)
    problem(client.get(f"/files/{file_id}/cell", params={"row": -1, "column": "b"}), 422)


def test_how_files_are_read_is_kept_for_the_dataset(client: httpx.Client, local_app: RunningApp) -> None:
    dataset = store(local_app, b"a;b\n01;2\n", "x.csv", name=unique())
    path, file_id = f"/datasets/{dataset['id']}/read-as", dataset["file_id"]
    detected = dict.fromkeys(("delimiter", "quote", "encoding", "header", "skip", "sheet", "member"))
    assert client.get(path).json() == {**detected, "types": {}}
    said = {"delimiter": ";", "header": False, "types": {"column_1": "string"}}
    assert client.put(path, json=said).json() == {**detected, **said}
    shown = client.get(f"/files/{file_id}/preview").json()
    assert shown["rows"][0] == ["a", "b"]
    assert client.put(path, json={}).json() == {**detected, "types": {}}
    assert client.get(f"/files/{file_id}/preview").json()["rows"] == [["01", 2]]
    for wrong in ({"delimiter": "ab"}, {"encoding": "klingon"}, {"skip": -1}, {"types": {"a": "blob"}}, {"sep": ","}):
        problem(client.put(path, json=wrong), 422)
    problem(client.put(f"/datasets/{NOWHERE}/read-as", json={}), 404, "dataset-not-found")


def look(client: httpx.Client, data: bytes, **fields: Any) -> httpx.Response:
    end = 256 * 1024
    form = {"filename": "flights.csv", "size": str(len(data)), **fields}
    return client.post("/inspect", data=form, files={"head": data[:end], "tail": data[-end:]})


def test_a_look_before_sending(client: httpx.Client, local_app: RunningApp) -> None:
    dataset = store(local_app, CSV, f"{uuid.uuid4()}.csv", name=unique())
    client.get(f"/files/{dataset['file_id']}/preview")
    answer = look(client, CSV, dataset_id=dataset["id"])
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert set(body) == {
        *("format", "columns", "column_count", "rows", "rows_exact", "read_as", "notes", "reason", "certain"),
        "comparison",
    }
    assert (body["format"], body["column_count"], body["rows"], body["rows_exact"]) == ("csv", 5, 300, True)
    assert body["comparison"] == "Same columns as version 1"
    assert look(client, CSV, filename=dataset["file_name"]).json()["comparison"].startswith("Same columns as “")
    assert look(client, b"\x89PNG\r\n\x1a\n" + bytes(9), filename="x.png").json()["reason"]


def test_a_look_with_the_wrong_bytes_is_refused_in_words(client: httpx.Client) -> None:
    problem(look(client, CSV, dataset_id=NOWHERE), 404, "dataset-not-found")
    problem(look(client, CSV, size="-1"), 422, "invalid-size")
    problem(look(client, CSV, size="many"), 422, "invalid-input")
    problem(look(client, CSV, filename="a\nb"), 422, "invalid-file-name")
    form = {"filename": "x.csv", "size": "9999999"}
    for head in (bytes(256 * 1024 + 1), b""):
        problem(
            client.post("/inspect", data=form, files={"head": ("h", head), "tail": b"x"}), 422, "invalid-inspection"
        )
    too_much = client.post("/inspect", data=form, files={"head": bytes(5_000_000), "tail": b"x"})
    problem(too_much, 413, "body-too-large")
    problem(client.post("/inspect", data=form), 422, "invalid-input")
    problem(client.post("/inspect", content=b"--x", headers={"Content-Type": "multipart/form-data; boundary=x"}), 422)


def test_versions_are_compared_and_similar_datasets_found(client: httpx.Client, local_app: RunningApp) -> None:
    key = uuid.uuid4().hex[:8].encode()
    old = b"id_%s,price\n" % key + b"".join(b"%d,%d.5\n" % (row, row % 9) for row in range(100))
    new = b"id_%s,price,extra\n" % key + b"".join(b"%d,%d.5,x\n" % (row, row % 9 + 90) for row in range(100))
    dataset = store(local_app, old, "a.csv", name=unique())
    versions = store(local_app, new, "a.csv", dataset_id=dataset["id"])
    other = store(local_app, old, "b.csv", name=unique())
    for file_id in (dataset["file_id"], versions["file_id"], other["file_id"]):
        profile_of(client, file_id)
    drift = client.get(f"/datasets/{dataset['id']}/compare", params={"old": 1, "new": 2}).json()
    assert (drift["computing"], drift["compared"], drift["lost"], drift["retyped"]) == (False, 2, [], [])
    assert drift["added"] == [{"name": "extra", "type": "string"}]
    assert [(one["column"], one["what"]) for one in drift["moved"]] == [("price", "mean")]
    assert (drift["old"]["rows"], drift["new"]["version"]) == (100, 2)
    problem(client.get(f"/datasets/{dataset['id']}/compare", params={"old": 1, "new": 9}), 404, "version-not-found")
    for _ in range(100):
        similar = client.get(f"/datasets/{dataset['id']}/similar").json()["items"]
        if similar:
            break
        time.sleep(0.1)
    assert similar[0]["dataset"]["id"] == other["id"]
    assert (similar[0]["shared"], similar[0]["of"]) == ([f"id_{key.decode()}", "price"], 3)
    problem(client.get(f"/datasets/{NOWHERE}/similar"), 404, "dataset-not-found")


def test_figures_tell_of_statistics_and_queries(
    local_app: RunningApp, client: httpx.Client, dataset: dict[str, Any]
) -> None:
    profile_of(client, dataset["file_id"])
    client.post(f"/files/{dataset['file_id']}/query", json={"sql": "SELECT count(*) FROM data"})
    text = httpx.get(f"{local_app.url}/metrics").text
    assert 'datashelf_profiles_total{outcome="ok"}' in text
    assert 'datashelf_queries_total{act="run",outcome="ok"}' in text
    copies = next(line for line in text.splitlines() if line.startswith("datashelf_copies_bytes "))
    assert float(copies.split()[1]) > 0
