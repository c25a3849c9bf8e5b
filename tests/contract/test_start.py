"""The real process, started as README says: what it refuses to start with, and how it ends."""

from __future__ import annotations

import http.client
import signal
import time
from pathlib import Path
from statistics import median

import httpx
import pytest

from tests.app_server import AppDidNotStart, RunningApp, start_app
from tests.real_parts import free_port

REFUSED = [
    ({"STORAGE_BACKEND": "s3"}, "STORAGE_BACKEND=s3 is not allowed"),
    ({"MINIO__ENDPONT": "minio:9000"}, "MINIO__ENDPONT is not a setting"),
    ({"MINIO_ENDPOINT": "minio:9000"}, "did you mean MINIO__ENDPOINT"),
    ({"SECRET_KEY": "short"}, "SECRET_KEY is not allowed: must be at least 32 characters"),
    ({"STREAMLIT_SERVER_ADDRESS": "0.0.0.0"}, "AUTH__ALLOW_OPEN=true"),
]


@pytest.mark.parametrize(("env", "sentence"), REFUSED, ids=[next(iter(env)) for env, _ in REFUSED])
def test_a_bad_setting_ends_the_process_with_78_and_one_sentence(
    env: dict[str, str], sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(AppDidNotStart) as raised:
        start_app(tmp_path / "data", env)
    assert raised.value.code == 78
    assert sentence in str(raised.value)
    assert "Traceback" not in str(raised.value)


def test_a_store_that_is_away_ends_the_process_where_falling_back_is_not_allowed(tmp_path: Path) -> None:
    env = {
        "STORAGE_BACKEND": "minio",
        "STORAGE_FALLBACK": "fail",
        "MINIO__ENDPOINT": f"127.0.0.1:{free_port()}",
        "MINIO__RETRY_ATTEMPTS": "1",
    }
    with pytest.raises(AppDidNotStart) as raised:
        start_app(tmp_path / "data", env)
    assert raised.value.code == 78
    assert f"MINIO__ENDPOINT={env['MINIO__ENDPOINT']}" in str(raised.value)
    assert "Traceback" not in str(raised.value)


def test_a_data_folder_that_cannot_be_used_is_a_setting_that_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "data").mkdir()
    with pytest.raises(AppDidNotStart) as raised:
        start_app(tmp_path / "data", {"DATA_DIR": str(tmp_path / "file")})
    assert raised.value.code == 78
    assert "DATA_DIR" in str(raised.value)


def test_beyond_loopback_it_starts_where_that_is_meant(tmp_path: Path) -> None:
    app = start_app(tmp_path / "data", {"STREAMLIT_SERVER_ADDRESS": "0.0.0.0", "AUTH__ALLOW_OPEN": "true"})
    try:
        assert httpx.get(f"{app.url}/api/health/live").status_code == 200
    finally:
        app.stop()


def test_an_answer_does_not_wait_for_the_acknowledgement_of_its_headers(local_app: RunningApp) -> None:
    # Delayed acknowledgements (RFC 1122, 4.2.3.2) only come into play once a connection is in use: without TCP_NODELAY
    # the later answers on a connection take over ten times as long as the first one on each of many.
    def seconds(connections: int, requests: int) -> float:
        took = []
        for _ in range(connections):
            connection = http.client.HTTPConnection("127.0.0.1", local_app.port)
            connection.connect()
            for _ in range(requests):
                begin = time.perf_counter()
                connection.request("GET", "/api/health/live")
                connection.getresponse().read()
                took.append(time.perf_counter() - begin)
            connection.close()
        return median(took)

    assert seconds(1, 40) < 5 * seconds(40, 1)


def test_sigterm_ends_it_cleanly(tmp_path: Path) -> None:
    app = start_app(tmp_path / "data")
    try:
        app.process.send_signal(signal.SIGTERM)
        code = app.process.wait(20)
    finally:
        app.stop()
    assert code in (0, -signal.SIGTERM)
    assert "Traceback" not in app.log
