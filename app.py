"""The ASGI app that `streamlit run app.py` starts: the screens and the API in one process.

FastAPI stands outside and hands Streamlit what is not the API's: Streamlit's gzip and path guard do not wrap the API
(docs/decisions). Settings are checked before anything is served; the services live as long as the lifespan.
"""

from __future__ import annotations

import gc
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pandas as pd
import pyarrow as pa
import streamlit as st
from fastapi import FastAPI
from uvicorn import Config
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

import services
import settings
from api import application
from ops import logging
from storage import StorageError

# Loaded here on purpose: what is imported before gc.freeze() costs the garbage collector nothing on every rerun.
WARM = (pd.DataFrame, pa.Table)
LONGEST_MESSAGE = 2 * 1024 * 1024
"""Bytes of what a screen sends at once: the longest SQL, and what every widget of a page says."""


def _refuse(sentence: object) -> None:
    """Say why the app will not start and end with EX_CONFIG; from inside the lifespan uvicorn would turn it into 3."""
    sys.stderr.write(f"Datashelf cannot start: {sentence}\n")
    sys.stderr.flush()
    os._exit(settings.EXIT_CONFIG)


try:
    config = settings.load()
    config.check_listen(st.get_option("server.address"))
except settings.SettingsError as error:
    _refuse(error)

logging.configure(level=config.log_level, form=config.log_format)
ui = st.App(Path(__file__).parent / "pages" / "main.py")
ui_lifespan = ui.lifespan()


def _mend_server() -> None:
    """Set what `streamlit run` gives no way to set on the server it has made: one look at every object there is.

    All of it is there before the lifespan begins, and no call comes in before that has begun to yield.
    """
    for found in gc.get_objects():
        if type(found) is socket.socket:
            _answer_at_once(found)
        elif type(found) is ProxyHeadersMiddleware:
            _keep_the_true_peer(found)
        elif type(found) is Config:
            _bound_messages(found)


def _answer_at_once(found: socket.socket) -> None:
    """Set TCP_NODELAY on a listening socket, from which every connection takes it over.

    Streamlit makes that socket without naming TCP, and asyncio turns Nagle's algorithm off only where it is named: the
    body of an answer would wait some 40 ms for the client's delayed acknowledgement of its headers.
    """
    # One that is closed, or that another thread closes at this moment, is none of ours.
    with suppress(OSError):
        if found.type == socket.SOCK_STREAM and found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _keep_the_true_peer(found: ProxyHeadersMiddleware) -> None:
    """Take uvicorn's own reading of X-Forwarded-For out of action; `api.forwarded` reads it, by our settings.

    It is on for loopback (FORWARDED_ALLOW_IPS): it would write whatever a header says over the address of the TCP peer
    before any code of ours is called, and who the peer is decides whose word on a person counts.
    """
    found.trusted_hosts = frozenset()  # type: ignore[assignment]  # it is asked with `in`, and trusts nobody now


def _bound_messages(found: Config) -> None:
    """Let a screen's WebSocket bring in no message longer than any screen sends.

    It is open to everybody, for who has a link needs no account, and a message is held until all of it is there.
    Streamlit's own option bounds what goes out as well, and rows and charts are long.
    """
    found.ws_max_size = LONGEST_MESSAGE


def _show_set_up_link(secret: str) -> None:
    base = config.public_url or f"http://localhost:{st.get_option('server.port')}"
    # Plainly and not as a line of the log: it is read by a person, and nobody keeps it.
    sys.stdout.write(f"\nSet up the first admin: {base}/set-up?token={secret}\n(works once, until tomorrow)\n\n")
    sys.stdout.flush()


@asynccontextmanager
async def lifespan(served: FastAPI) -> AsyncIterator[None]:
    logging.configure(level=config.log_level, form=config.log_format)  # again: uvicorn has set up its loggers since
    try:
        running = services.build(config)
        set_up = running.first_start()
    except (StorageError, settings.SettingsError) as error:
        _refuse(error)
    if set_up is not None:
        _show_set_up_link(set_up)
    served.state.services = running
    services.install(running)
    running.start()
    try:
        async with ui_lifespan(served):
            _mend_server()
            gc.collect()
            gc.freeze()
            yield
    finally:
        services.install(None)
        running.close()


app = FastAPI(
    title="Datashelf",
    version="1",
    summary="A shelf for a data team's datasets: the bytes go straight between the client and the store.",
    openapi_url=application.OPENAPI_URL,
    docs_url=None,
    redoc_url=None,
    lifespan=lifespan,
)
page = (Path(st.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
application.install(app, config, screens=ui, page=page)
