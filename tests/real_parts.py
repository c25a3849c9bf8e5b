"""What a test does where a real component (an S3 server, PostgreSQL, Chromium) is not on the machine."""

from __future__ import annotations

import os
import socket
from typing import NoReturn

import pytest


def missing(what: str) -> NoReturn:
    """Skip with the component's name, or fail where the run must have everything (`DATASHELF_TEST_REQUIRE_ALL=1`)."""
    if os.environ.get("DATASHELF_TEST_REQUIRE_ALL") == "1":
        pytest.fail(f"{what} is missing, and DATASHELF_TEST_REQUIRE_ALL=1 asks for every real part")
    pytest.skip(f"{what} is not on this machine")


def free_port() -> int:
    """A TCP port on loopback that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
