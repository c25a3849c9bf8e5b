"""What a rerun of a screen costs in CPU, beside the same on Streamlit as it comes."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.figures import Figure
from bench.scale import Scale
from bench.servers import PEERS, ROOT, Peer, launched, peer
from bench.session import session
from bench.usage import cpu
from tests.real_parts import free_port

BUDGET = 12
"""Milliseconds of CPU beyond the page's own work."""
EMPTY_SCREEN = """
import runpy, sys
import streamlit as st
real = st.App
st.App = lambda script, **options: real({page!r}, **options)
sys.argv = ["streamlit", "run", "app.py", "--server.port={port}"]
runpy.run_module("streamlit", run_name="__main__")
"""
"""The real app with an empty page in place of its screens: what is left is what every rerun costs."""
UNFROZEN = """
import gc, runpy, sys
gc.freeze = lambda: None
sys.argv = ["streamlit", "run", "app.py", "--server.port={port}", "--runner.postScriptGC=true"]
runpy.run_module("streamlit", run_name="__main__")
"""
"""The real app without its two savings: gc.freeze() and no collection after a rerun."""
AS_IT_IS = """
import runpy, sys
sys.argv = ["streamlit", "run", "app.py", "--server.port={port}"]
runpy.run_module("streamlit", run_name="__main__")
"""


def reruns(scale: Scale, folder: Path) -> list[Figure]:
    """Milliseconds of CPU a rerun, over a run of them in one session."""
    with peer("empty.py") as streamlit:
        as_it_comes = _cost(streamlit, scale.reruns)
    with _app(EMPTY_SCREEN, folder / "empty") as app:
        mechanism = _cost(app, scale.reruns)
    with _app(UNFROZEN, folder / "unfrozen") as app:
        unfrozen = _cost(app, scale.reruns)
    with _app(AS_IT_IS, folder / "screen") as app:
        screen = _cost(app, scale.reruns)
    return [
        Figure(
            "rerun of an empty page inside Datashelf",
            mechanism,
            "ms",
            as_it_comes,
            "the same page, Streamlit as it comes",
            f"≤ {BUDGET} ms",
            mechanism <= BUDGET,
        ),
        Figure(
            "rerun of the Datasets screen with 5 datasets",
            screen,
            "ms",
            unfrozen,
            "the same screen without gc.freeze() and with Streamlit's collection after each run",
        ),
        Figure("  of which the screen's own work", screen - mechanism, "ms"),
    ]


def _cost(app: Peer, times: int) -> float:
    with session(app.url) as tab:
        for _ in range(10):
            tab.rerun()
        before = cpu(app.pid)
        for _ in range(times):
            tab.rerun()
        return (cpu(app.pid) - before) / times * 1000


@contextlib.contextmanager
def _app(launcher: str, data: Path) -> Iterator[Peer]:
    """Datashelf with the five sample datasets, started by `launcher`."""
    env = {**os.environ, "DATA_DIR": str(data)}
    subprocess.run([sys.executable, "-m", "ops", "demo"], cwd=ROOT, env=env, check=True, stdout=subprocess.DEVNULL)
    port = free_port()
    with launched(launcher.format(page=str(PEERS / "empty.py"), port=port), data, port=port) as started:
        yield started
