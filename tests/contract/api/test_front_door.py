"""What holds for every call: hosts, origins, problems, health, the documentation (DESIGN 5)."""

from __future__ import annotations

import httpx
import pytest

from tests.app_server import RunningApp
from tests.shelf_client import problem


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8501", "localhost.evil.example", "127.0.0.1.evil.example", "8501"]
)
def test_unknown_host_is_refused_everywhere(local_app: RunningApp, host: str) -> None:
    for path in ("/api/ml/v1/datasets", "/api/health/live", "/metrics", "/", "/_stcore/health"):
        problem(httpx.get(local_app.url + path, headers={"Host": host}), 403, "unknown-host")


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "LOCALHOST"])
def test_own_hosts_are_known(local_app: RunningApp, name: str) -> None:
    answer = httpx.get(f"{local_app.url}/api/health/live", headers={"Host": f"{name}:{local_app.port}"})
    assert answer.status_code == 200


def test_foreign_origin_may_read_but_not_change(local_app: RunningApp) -> None:
    body = {"filename": "a.csv", "size": 1}
    for origin in (
        "https://evil.example",
        "null",
        f"http://localhost:{local_app.port + 1}",
        f"https://evil.example:{local_app.port}",
    ):
        with local_app.client(headers={"Origin": origin}) as client:
            problem(client.post("/uploads", json=body), 403, "foreign-origin")
            problem(client.delete("/datasets/x"), 403, "foreign-origin")
            problem(client.patch("/datasets/x", json={}), 403, "foreign-origin")
            assert client.get("/datasets").status_code == 200
    with local_app.client(headers={"Sec-Fetch-Site": "cross-site"}) as client:
        problem(client.post("/uploads", json=body), 403, "foreign-origin")
    with local_app.client(headers={"Origin": local_app.url}) as client:
        started = client.post("/uploads", json=body)
        assert started.status_code == 201
        assert client.delete(f"/uploads/{started.json()['upload_id']}").status_code == 204


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/ml/v1/nothing", 404),
        ("GET", "/api/nothing", 404),
        ("GET", "/s/some-token/nothing", 404),
        ("GET", "/api/ml/v1/files/9a6f0c52-6c0e-4b6e-9d0a-6f2f3a8e4c11/profile", 404),
        ("PUT", "/api/ml/v1/datasets", 405),
        ("GET", "/api/ml/v1/inspect", 405),
        ("GET", "/api/ml/v1/files/9a6f0c52-6c0e-4b6e-9d0a-6f2f3a8e4c11/query", 405),
        ("DELETE", "/api/health/live", 405),
        ("POST", "/metrics", 405),
    ],
)
def test_unknown_address_or_method_is_a_problem_not_a_page(
    local_app: RunningApp, method: str, path: str, status: int
) -> None:
    answer = httpx.request(method, local_app.url + path)
    problem(answer, status)
    if status == 405:
        assert answer.headers["allow"]


def test_health_names_database_and_storage(shelf: RunningApp) -> None:
    assert httpx.get(f"{shelf.url}/api/health/live").json()["status"] == "ok"
    ready = httpx.get(f"{shelf.url}/api/health/ready")
    assert (ready.status_code, ready.json()) == (200, {"status": "ok", "database": "ok", "storage": "ok"})


def test_metrics_count_requests_and_store_operations(shelf: RunningApp) -> None:
    httpx.get(f"{shelf.api}/datasets")
    text = httpx.get(f"{shelf.url}/metrics").text
    assert 'datashelf_http_requests_total{method="GET",route="/api/ml/v1/datasets",status="200"}' in text
    assert "datashelf_storage_operations_total" in text


def test_openapi_documents_every_call_with_examples(local_app: RunningApp) -> None:
    spec = httpx.get(f"{local_app.api}/openapi.json").json()
    for path, methods in {
        "/api/ml/v1/datasets": {"get"},
        "/api/ml/v1/datasets/{dataset_id}": {"get", "patch", "delete"},
        "/api/ml/v1/uploads": {"get", "post"},
        "/api/ml/v1/uploads/{upload_id}": {"get", "delete"},
        "/api/ml/v1/uploads/{upload_id}/parts": {"post"},
        "/api/ml/v1/uploads/{upload_id}/complete": {"post"},
        "/api/ml/v1/files/{file_id}": {"get", "delete"},
        "/api/ml/v1/files/{file_id}/download-url": {"get"},
        "/api/ml/v1/files/{file_id}/download": {"get", "head"},
        "/api/ml/v1/files/{file_id}/preview": {"get"},
        "/api/ml/v1/files/{file_id}/cell": {"get"},
        "/api/ml/v1/files/{file_id}/profile": {"get"},
        "/api/ml/v1/files/{file_id}/query": {"post"},
        "/api/ml/v1/files/{file_id}/query/export": {"post"},
        "/api/ml/v1/files/{file_id}/chart": {"post"},
        "/api/ml/v1/datasets/{dataset_id}/read-as": {"get", "put"},
        "/api/ml/v1/datasets/{dataset_id}/similar": {"get"},
        "/api/ml/v1/datasets/{dataset_id}/compare": {"get"},
        "/api/ml/v1/inspect": {"post"},
        "/api/health/live": {"get"},
        "/api/health/ready": {"get"},
        "/metrics": {"get"},
    }.items():
        assert set(spec["paths"][path]) == methods, path
        for call in spec["paths"][path].values():
            assert call["summary"]
    names = {"UploadIn", "DatasetOut", "FileOut", "DownloadUrlOut", "PreviewOut", "ProfileOut", "QueryIn", "ChartOut"}
    for name in sorted(names | {"InspectionOut", "DriftOut", "SimilarOut", "ReadAsIn", "QueryExportOut", "CellOut"}):
        members = spec["components"]["schemas"][name]["properties"].values()
        assert any("examples" in member for member in members), name


def test_documentation_page_asks_no_foreign_host(local_app: RunningApp) -> None:
    page = httpx.get(f"{local_app.api}/docs")
    assert page.status_code == 200
    assert "https://" not in page.text
    for asset in ("swagger-ui-bundle.js", "swagger-ui.css", "favicon.png"):
        assert httpx.get(f"{local_app.api}/docs/assets/{asset}").status_code == 200
        assert f"/api/ml/v1/docs/assets/{asset}" in page.text
