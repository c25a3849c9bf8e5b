"""A real nginx before a server, as an operator would put it there."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.real_parts import free_port, missing

CONFIG = """
user {user};
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {servers}
}}
"""
SERVER = """
map $http_upgrade $connection_upgrade {{ default upgrade; '' close; }}
server {{
    listen 127.0.0.1:{port};
    {directives}
    location / {{
        proxy_pass http://{target};
        proxy_http_version 1.1;
        proxy_set_header Host {host};
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $connection_upgrade;
    }}
}}
"""


@contextmanager
def nginx(folder: Path, target: str, *, directives: str = "", host: str = "$http_host") -> Iterator[str]:
    """host:port of an nginx before `target` (host:port), with nginx's own limits unless `directives` change them."""
    port = free_port()
    servers = SERVER.format(port=port, target=target, directives=directives, host=host)
    with nginx_with(folder, servers, port):
        yield f"127.0.0.1:{port}"


@contextmanager
def nginx_with(folder: Path, servers: str, port: int) -> Iterator[None]:
    """One with what stands in `servers`, which listens on `port` of this machine."""
    found = shutil.which("nginx") or ("/usr/sbin/nginx" if Path("/usr/sbin/nginx").exists() else None)
    if found is None:
        missing("nginx")
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "nginx.conf"
    # Started by root its workers would be nobody, who may not write where a test's bodies wait.
    user = pwd.getpwuid(os.getuid()).pw_name
    config.write_text(CONFIG.format(user=user, folder=folder, servers=servers))
    with (folder / "nginx.log").open("wb") as log:
        process = subprocess.Popen([found, "-p", str(folder), "-c", str(config)], stdout=log, stderr=log)
    try:
        _wait(process, port, folder / "nginx.log")
        yield
    finally:
        process.terminate()
        process.wait(10)


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + 20
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    process.kill()
    raise RuntimeError(f"nginx did not start:\n{log.read_text(errors='replace')}")
