"""The frame around every screen: who is here, where one can go, what is wrong with the store, what is on its way up.

Streamlit runs this file from top to bottom on every rerun; the page the address names runs inside it, after the gate.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages import failures
from pages.banner import banner
from pages.identity import pass_gate
from pages.navigation import begin_run, go
from pages.widgets.frame import frame
from pages.widgets.tray import pill, tray
from pages.widgets.uploader import page_to_open

HERE = Path(__file__).parent

st.set_page_config(page_title="Datashelf", page_icon=HERE / "static" / "mark.svg", layout="wide")
st.logo(HERE / "static" / "logo.svg", size="large", icon_image=HERE / "static" / "mark.svg")
st.html(HERE / "main.css")

upload = st.Page(HERE / "upload.py", title="Upload", icon=":material/upload:", url_path="upload")
page = st.navigation(
    [
        st.Page(HERE / "datasets.py", title="Datasets", icon=":material/database:", default=True),
        upload,
        st.Page(HERE / "store.py", title="Storage", icon=":material/hard_drive:", url_path="storage"),
        st.Page(
            HERE / "dataset.py", title="Dataset", icon=":material/database:", url_path="dataset", visibility="hidden"
        ),
        st.Page(HERE / "trash.py", title="Trash", icon=":material/delete:", url_path="trash", visibility="hidden"),
    ]
)
st.set_page_config(page_title=f"{page.title} · Datashelf")
begin_run()
with failures.shown("This page cannot be shown", key="frame"):
    pass_gate()
    # Asked here: the first file on an empty shelf fills it, and the page that held the uploader is another one then.
    if (opened := page_to_open()) is not None:
        go(opened[0], **opened[1])
    frame(key="frame")
    wanted = None
    if page != upload:
        with st.sidebar:
            wanted = tray(key="tray")
        with st.container(key="pill"):
            wanted = pill(key="pill-line") or wanted
    if wanted == "upload":
        go("/upload")
    banner()
    page.run()
