"""The worker processes that a test's own process has started."""

from __future__ import annotations

import contextlib

import psutil


def workers(module: str = "preview.worker") -> list[psutil.Process]:
    """Those that run `module`; one that ends in this moment, or waits to be buried, is none."""
    found = []
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.Error):
            if module in child.cmdline():
                found.append(child)
    return found
