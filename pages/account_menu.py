"""Who is signed in, at the foot of the sidebar, and what is theirs: the account, what admins run, the way out."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import streamlit as st

import services
from catalog.caller import Caller
from pages import wording
from pages.widgets.assets import read

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streamlit.components.v2.types import ComponentRenderer
    from streamlit.navigation.page import StreamlitPage

ROLES = {"viewer": "Viewer: looks and downloads", "editor": "Editor", "admin": "Admin"}


def account_menu(caller: Caller, links: Iterable[StreamlitPage]) -> None:
    """Draw it; call it inside `st.sidebar`. A shelf where nobody signs in has none."""
    if caller.alone:
        return
    with (
        st.container(key="account"),
        st.popover(wording.plain(caller.name), icon=":material/account_circle:", type="tertiary"),
    ):
        st.markdown(f":small[:gray[{ROLES[caller.role.value]}]]")
        for link in links:
            st.page_link(link)
        # Behind a proxy that vouches for people there is no session of ours to end.
        if services.current().settings.auth.mode != "header":
            _way_out()(key="sign-out")


@cache
def _way_out() -> ComponentRenderer:
    return st.components.v2.component(
        "datashelf_sign_out", html=read("sign_out.html"), css=read("quiet_buttons.css", "sign_out.css")
    )
