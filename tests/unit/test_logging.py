"""The process log: one line a record, in the form asked for, without a signed link in it."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from ops.logging import configure

SIGNED = (
    "http://store:9000/b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=60&X-Amz-Signature=5eed",
    "http://localhost:8501/api/ml/v1/objects/datasets/k?filename=a.csv&expires=1&signature=5eed",
    "/b/k?uploadId=7&partNumber=1&X-Amz-Signature=5eed&x=1",
)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    yield io.StringIO()
    structlog.reset_defaults()
    logging.captureWarnings(False)
    root.handlers[:] = before[0]
    root.setLevel(before[1])


def test_json_lines_hold_the_message_and_its_values(log: io.StringIO) -> None:
    configure(level="info", form="json", stream=log)
    structlog.get_logger("storage").info("stored", size=12)
    line = json.loads(log.getvalue())
    assert (line["message"], line["size"], line["level"], line["logger"]) == ("stored", 12, "info", "storage")
    assert line["timestamp"].endswith("Z")


def test_standard_library_lines_take_the_same_form(log: io.StringIO) -> None:
    configure(level="info", form="json", stream=log)
    logging.getLogger("uvicorn.error").warning("port %s", 8501)
    assert json.loads(log.getvalue())["message"] == "port 8501"


def test_a_library_that_brought_its_own_handler_is_taken_over(log: io.StringIO) -> None:
    own = io.StringIO()
    library = logging.getLogger("uvicorn.error")
    library.addHandler(logging.StreamHandler(own))
    library.propagate = False
    configure(level="info", form="text", stream=log)
    library.warning("once")
    assert own.getvalue() == ""
    assert log.getvalue().count("once") == 1


def test_less_than_the_level_is_left_out(log: io.StringIO) -> None:
    configure(level="warning", form="text", stream=log)
    structlog.get_logger("storage").info("quiet")
    logging.getLogger("catalog").info("quiet")
    assert log.getvalue() == ""


@pytest.mark.parametrize("name", ["uvicorn.error", "websockets.server", "uvicorn.anything", "httpcore.http11"])
def test_at_debug_no_library_writes_down_the_headers_of_a_visit(log: io.StringIO, name: str) -> None:
    configure(level="debug", form="text", stream=log)
    logging.getLogger(name).debug("< Cookie: datashelf_session=5eed")
    structlog.get_logger("catalog").debug("ours")
    assert "5eed" not in log.getvalue()
    assert "ours" in log.getvalue()


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("url", SIGNED)
def test_a_signed_query_is_never_logged(log: io.StringIO, form: str, url: str) -> None:
    configure(level="info", form="text" if form == "text" else "json", stream=log)
    structlog.get_logger("storage").info("signed", url=url, quoted=f'"{url}"')
    logging.getLogger("urllib3.connectionpool").warning("Retrying: %s", url)
    try:
        raise ConnectionError(f"no answer from {url}")
    except ConnectionError:
        structlog.get_logger("storage").exception("failed")
    text = log.getvalue()
    assert "5eed" not in text
    assert url.partition("?")[0] in text
    if form == "json":
        assert len([json.loads(line) for line in text.splitlines()]) == 3


def test_a_signature_that_stands_alone_is_cut(log: io.StringIO) -> None:
    configure(level="info", form="text", stream=log)
    logging.getLogger("api").warning("query_string=b'expires=1&signature=5eed&x=1'")
    assert "5eed" not in log.getvalue()
    assert "x=1" in log.getvalue()


def test_an_ordinary_query_stays(log: io.StringIO) -> None:
    configure(level="info", form="text", stream=log)
    structlog.get_logger("api").info("GET /datasets?q=penguins&sort=-size")
    assert "?q=penguins&sort=-size" in log.getvalue()
