"""The Doctor's calls on the running app, on each backend: a browser's whole round, without a browser."""

from __future__ import annotations

from uuid import uuid4

from tests.app_server import RunningApp

STATUSES = {"fail", "warn", "ok", "skipped"}


def test_a_browsers_round_ends_in_findings_and_nothing_stays(shelf: RunningApp) -> None:
    with shelf.client(headers={"Origin": shelf.url}) as client:
        server = client.get("/doctor").json()
        assert server["verdict"]["sentence"]
        assert {finding["status"] for finding in server["findings"]} <= STATUSES
        probe = client.post("/doctor/probe").json()
        sent = client.put(probe["parts"]["1"], content=bytes((n * 31 + 7) & 255 for n in range(1000)))
        parts = [{"number": 1, "etag": sent.headers["ETag"]}]
        reads = client.post(f"/doctor/probe/{probe['id']}/complete", json={"parts": parts}).json()
        assert (reads["size"], reads["by_browser"]) == (1000, True)
        assert client.get(reads["get"]).content[:3] == bytes([7, 38, 69])
        seen = {
            "link": probe["parts"]["1"].split("?")[0],
            "reached": True,
            "clock_ahead": 0.2,
            "sizes": probe["sizes"],
            "put": {"status": 0},
        }
        both = client.post("/doctor/findings", json=seen).json()
        cors = next(finding for finding in both["findings"] if finding["id"] == "cors")
        assert cors["status"] == "fail"
        assert both["findings"][0]["status"] == "fail"
        assert client.delete(f"/doctor/probe/{probe['id']}").status_code == 204
        assert client.get(reads["get"]).status_code == 404


def test_a_foreign_page_may_neither_probe_nor_set_the_rule(shelf: RunningApp) -> None:
    with shelf.client(headers={"Origin": "http://evil.example"}) as client:
        for path in ("/doctor/probe", "/doctor/cors", "/doctor/findings"):
            assert client.post(path).status_code == 403
        assert client.delete(f"/doctor/probe/{uuid4()}").status_code == 403


def test_what_no_browser_would_say_is_refused_in_words(shelf: RunningApp) -> None:
    with shelf.client() as client:
        assert client.post("/doctor/findings", json={"reached": "yes"}).status_code == 422
        seen = {"link": "http://store/", "reached": True, "clock_ahead": 0, "sizes": [1, 2, 3]}
        assert client.post("/doctor/findings", json=seen).status_code == 200
        tried = {"put": {"status": 200}, "put_larger": {"status": 413}}
        for hostile in (
            {"link": "http://["},
            {"link": "http://a:b/"},
            {"sizes": [10**400, 2, 3]},
            {"sizes": [-1, 2, 3]},
        ):
            assert client.post("/doctor/findings", json={**seen, **tried, **hostile}).status_code == 422
        parts = {"parts": [{"number": 1, "etag": "a\x00b"}]}
        assert client.post(f"/doctor/probe/{uuid4()}/complete", json=parts).status_code == 422
        assert client.delete("/doctor/probe/not-an-id").status_code == 404
        gone = client.post(f"/doctor/probe/{uuid4()}/complete", json={"parts": []})
        assert gone.json()["by_browser"] is False


def test_local_disk_has_no_rule_to_set(local_app: RunningApp) -> None:
    with local_app.client() as client:
        refused = client.post("/doctor/cors")
    assert refused.status_code == 409
    assert refused.json()["type"].endswith("cors-rule-refused")
    assert "needs no rule" in refused.json()["detail"]
