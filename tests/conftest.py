"""Fixtures every suite shares: the real servers, and what happens where one is missing."""

from __future__ import annotations

from hypothesis import settings

# A busy machine is slow, not wrong.
settings.register_profile("datashelf", deadline=None)
settings.load_profile("datashelf")

pytest_plugins = ["tests.seaweed", "tests.postgres", "tests.app_server"]
