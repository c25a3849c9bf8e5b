"""What somebody sees who opens a page that is not theirs to use."""

from __future__ import annotations

import streamlit as st


def for_admins(title: str) -> None:
    """In place of a page for admins, under its own title."""
    with st.container(key="head", horizontal=True, vertical_alignment="center"):
        st.title(title, anchor=False, width="stretch")
    st.info("This page is for admins. Ask one of them for what you need from it.", icon=":material/lock:")
