"""The frame around every screen: who is here, where one can go, what is wrong with the store, what is on its way up.

Streamlit runs this file from top to bottom on every rerun; the page the address names runs inside it, after the gate.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import streamlit as st

from pages import failures, share_tab
from pages.account_menu import account_menu
from pages.banner import banner
from pages.identity import knock, pass_gate
from pages.navigation import begin_run, go
from pages.widgets.frame import frame
from pages.widgets.tray import pill, tray
from pages.widgets.uploader import page_to_open

HERE = Path(__file__).parent

st.set_page_config(page_title="Datashelf", page_icon=HERE / "static" / "mark.svg", layout="wide")
st.logo(HERE / "static" / "logo.svg", size="large", icon_image=HERE / "static" / "mark.svg")
st.html(HERE / "main.css")

knocked = knock()
known = knocked.known
runs_it: Literal["visible", "hidden"] = "visible" if known is not None and known.is_admin else "hidden"
adds_to_it: Literal["visible", "hidden"] = "hidden" if known is not None and not known.writes else "visible"
upload = st.Page(HERE / "upload.py", title="Upload", icon=":material/upload:", url_path="upload", visibility=adds_to_it)
shared = st.Page(HERE / "shared.py", title="Shared with you", url_path="shared", visibility="hidden")
account = st.Page(
    HERE / "account.py",
    title="Account",
    icon=":material/manage_accounts:",
    url_path="account",
    # Streamlit shows no navigation of one page: whoever only looks would have no way back to the datasets.
    visibility="visible" if adds_to_it == "hidden" else "hidden",
)
activity = st.Page(
    HERE / "activity.py", title="Activity", icon=":material/receipt_long:", url_path="activity", visibility="hidden"
)
people = st.Page(HERE / "people.py", title="People", icon=":material/group:", url_path="people", visibility="hidden")
pages = [
    st.Page(HERE / "datasets.py", title="Datasets", icon=":material/database:", default=True),
    upload,
    st.Page(HERE / "links.py", title="Shared links", icon=":material/link:", url_path="links", visibility=adds_to_it),
    st.Page(
        HERE / "store.py",
        title="Storage",
        icon=":material/hard_drive:",
        url_path="storage",
        visibility=runs_it,
    ),
    st.Page(HERE / "dataset.py", title="Dataset", icon=":material/database:", url_path="dataset", visibility="hidden"),
    st.Page(HERE / "trash.py", title="Trash", icon=":material/delete:", url_path="trash", visibility="hidden"),
    account,
    activity,
    people,
    shared,
]
page = st.navigation(pages)
st.set_page_config(page_title=f"{page.title} · Datashelf")
begin_run()
if page == shared:
    # Before the gate: whoever has a link needs no account, and of the frame sees the logo alone.
    st.navigation(pages, position="hidden")
    st.logo(HERE / "static" / "logo.svg", size="large")
    frame(key="frame")
    page.run()
    st.stop()
with failures.shown("This page cannot be shown", key="frame"):
    caller = pass_gate(knocked)
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
    with st.sidebar:
        account_menu(caller, [account, people, activity] if caller.is_admin else [account])
    if page.url_path != "dataset":
        share_tab.forget()
    if wanted == "upload":
        go("/upload")
    banner()
    page.run()
