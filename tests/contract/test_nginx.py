"""deploy/nginx.conf as it is, before the app: only names, ports, certificates and log files are replaced."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.app_server import ROOT, running_app
from tests.real_parts import free_port, missing
from tests.shelf_client import unique

NAME = "shelf.example.org"
HEAD = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 64; }}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/deploy.conf;
}}
"""


@contextmanager
def deployed(folder: Path, app_port: int) -> Iterator[str]:
    """The address of an nginx that runs the file."""
    found = shutil.which("nginx") or ("/usr/sbin/nginx" if Path("/usr/sbin/nginx").exists() else None)
    if found is None:
        missing("nginx")
    folder.mkdir()
    port = free_port()
    text = (ROOT / "deploy" / "nginx.conf").read_text(encoding="utf-8")
    text = re.sub(r" *ssl_certificate.*\n", "", text)
    text = text.replace("listen 443 ssl;", f"listen 127.0.0.1:{port};").replace("/var/log/nginx", str(folder))
    (folder / "deploy.conf").write_text(text.replace("127.0.0.1:8501", f"127.0.0.1:{app_port}"))
    (folder / "nginx.conf").write_text(HEAD.format(folder=folder))
    with (folder / "stderr.log").open("wb") as log:
        command = [found, "-p", str(folder), "-c", str(folder / "nginx.conf")]
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and process.poll() is None:
            try:
                httpx.get(f"http://127.0.0.1:{port}/api/health/live", headers={"Host": NAME}, timeout=5)
                break
            except httpx.HTTPError:
                time.sleep(0.05)
        assert process.poll() is None, (folder / "stderr.log").read_text()
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def test_the_example_lets_through_what_it_should_and_logs_no_secret(tmp_path: Path) -> None:
    data = b"\0" * 6_000_000
    with (
        running_app(tmp_path / "data", {"ALLOWED_HOSTS": NAME}) as app,
        deployed(tmp_path / "nginx", app.port) as front,
        httpx.Client(base_url=front, headers={"Host": NAME}, timeout=60) as client,
    ):
        assert client.get("/api/health/ready", headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 200
        begun = client.post("/api/ml/v1/uploads", json={"filename": f"{unique()}.bin", "size": len(data)}).json()
        url = begun["parts"][0]["url"]
        # A link says the name and scheme that the browser asked for; here the name leads nowhere.
        assert url.startswith(f"http://{NAME}/")
        path = url.removeprefix(f"http://{NAME}")
        put = client.put(path, content=data)
        assert put.status_code == 200, put.text
        assert client.post("/api/ml/v1/tokens", content=b" " * 6_000_000).status_code == 413
        client.get("/s/the-secret-of-a-link/download?more=secret")
        told = app.log
        app.stop()
        for asked in ("/s/the-secret-of-a-link/download", path):
            assert client.get(asked).status_code == 502
    seen = (tmp_path / "nginx" / "datashelf.log").read_text()
    noted = "".join(log.read_text() for log in (tmp_path / "nginx").glob("*.log"))
    assert "/s/..." in seen
    assert "/api/ml/v1/objects/" in seen
    for secret in ("the-secret-of-a-link", "signature", path.rpartition("signature=")[2]):
        assert secret not in noted, secret
    # The address is the one nginx saw, whatever a client says of itself.
    assert '"address": "127.0.0.1"' in told
    assert "203.0.113.9" not in told
