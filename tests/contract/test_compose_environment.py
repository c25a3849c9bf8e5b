"""What compose.yaml starts, as plain processes: the app with exactly its environment, a real S3 server, PostgreSQL.

Only addresses, the data folder and the store's credentials are replaced. `docker compose` itself needs an engine.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import yaml

from tests.app_server import ROOT, RunningApp, running_app
from tests.postgres import PostgresServer
from tests.seaweed import S3Server
from tests.shelf_client import store, unique

pytestmark = [pytest.mark.s3, pytest.mark.postgres]


def interpolated(text: str, values: dict[str, str]) -> str:
    """Compose's ${NAME}, ${NAME:-default} and ${NAME:?message} (Compose specification, "Interpolation")."""

    def value(match: re.Match[str]) -> str:
        name, kind, rest = match.groups()
        if values.get(name):
            return values[name]
        assert kind != "?", rest
        return rest if kind == "-" else ""

    return re.sub(r"\$\{(\w+)(?::([-?])([^}]*))?\}", value, text)


def image_environment() -> dict[str, str]:
    """The ENV of the image, which compose's environment is added to."""
    text = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    (line,) = re.findall(r"^ENV (.*)$", text, re.MULTILINE)
    return dict(pair.split("=", 1) for pair in line.split())


@pytest.fixture(scope="module")
def composed(
    tmp_path_factory: pytest.TempPathFactory, s3_server: S3Server, postgres_server: PostgresServer
) -> Iterator[RunningApp]:
    filled = {
        "MINIO__ACCESS_KEY": s3_server.access_key,
        "MINIO__SECRET_KEY": s3_server.secret_key,
        "SECRET_KEY": "5" * 64,
        "POSTGRES_PASSWORD": "postgres-password",
    }
    services = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
    env = {name: interpolated(str(text), filled) for name, text in services["app"]["environment"].items()}
    database = postgres_server.url("composed").replace("postgresql+psycopg", "postgresql")
    assert env["DATABASE_URL"] == "postgresql://datashelf:postgres-password@postgres:5432/datashelf"
    replaced = {
        "DATABASE_URL": database,
        "MINIO__ENDPOINT": s3_server.endpoint,
        "MINIO__PUBLIC_ENDPOINT": s3_server.url,
    }
    folder = tmp_path_factory.mktemp("composed") / "data"
    postgres_server.run_sql("create database composed")
    env = {**image_environment(), **env, **replaced, "DATA_DIR": str(folder)}
    with running_app(folder, env) as app:
        yield app
    postgres_server.run_sql("drop database composed with (force)")


def test_everything_is_healthy(composed: RunningApp) -> None:
    answer = httpx.get(f"{composed.url}/api/health/ready")
    assert answer.json() == {"status": "ok", "database": "ok", "storage": "ok"}


def test_a_file_goes_to_the_store_and_comes_back_from_it(composed: RunningApp, s3_server: S3Server) -> None:
    data = b"a,b\n1,2\n" * 5000
    dataset = store(composed, data, "numbers.csv", name=unique())
    with composed.client(follow_redirects=True) as client:
        answer = client.get(f"/files/{dataset['files'][0]['id']}/download")
    assert urlsplit(str(answer.url)).netloc == urlsplit(s3_server.url).netloc
    assert hashlib.sha256(answer.content).digest() == hashlib.sha256(data).digest()
    assert not any(file.is_file() for file in composed.data_dir.glob("objects/datasets/**/*"))


def test_a_host_that_compose_does_not_name_is_refused(composed: RunningApp) -> None:
    answer = httpx.get(f"{composed.url}/api/ml/v1/datasets", headers={"Host": "shelf.example.org"})
    assert answer.status_code == 403


def test_the_log_is_json_without_a_signed_link(composed: RunningApp) -> None:
    assert "X-Amz-Signature" not in composed.log
    assert '"message": "request"' in composed.log


def test_an_unfilled_value_stops_compose() -> None:
    with pytest.raises(AssertionError, match="set SECRET_KEY"):
        interpolated("${SECRET_KEY:?set SECRET_KEY in .env}", {})


def test_the_image_keeps_its_data_where_compose_mounts_it() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
    assert services["app"]["volumes"] == [f"app-data:{image_environment()['DATA_DIR']}"]
    assert Path(services["app"]["environment"]["DATA_DIR"]) == Path(image_environment()["DATA_DIR"])
