"""Fixtures every suite shares: the real servers, and what happens where one is missing."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from catalog.origin import NOWHERE, set_for_process

# A busy machine is slow, not wrong. The same examples each time, so that a change is judged by what it changed;
# DATASHELF_TEST_RANDOM=1 looks for new ones.
settings.register_profile("datashelf", deadline=None, derandomize=os.environ.get("DATASHELF_TEST_RANDOM") != "1")
settings.load_profile("datashelf")

pytest_plugins = ["tests.seaweed", "tests.postgres", "tests.app_server"]


@pytest.hookimpl(trylast=True)  # folders mark theirs first
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, so that no worker is left alone with one of them at the end; and leave
    out, saying so, what would not fit into the ten minutes of `make test`."""
    slow = {item.path for item in items if item.get_closest_marker("long")}
    items.sort(key=lambda item: item.path not in slow)
    if os.environ.get("DATASHELF_TEST_LONG") == "1":
        return
    for item in items:
        if item.get_closest_marker("long"):
            item.add_marker(pytest.mark.skip(reason="takes long: DATASHELF_TEST_LONG=1 runs it, as .ci/run does"))


@pytest.fixture(autouse=True)
def _nobodys_process() -> Iterator[None]:
    """A command that was run in here has said of this process that all it does is the operator's."""
    yield
    set_for_process(NOWHERE)
