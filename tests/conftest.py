"""Fixtures every suite shares: the real servers, and what happens where one is missing."""

from __future__ import annotations

pytest_plugins = ["tests.seaweed", "tests.postgres", "tests.app_server"]
