"""Going to another page out of a run, and drawing the page anew without taking a dialog away from its user."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Literal, NoReturn, TypeVar
from urllib.parse import urlencode

import streamlit as st

from pages.widgets.assets import read

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

T = TypeVar("T")
Params = Mapping[str, str | list[str]]


def address(path: str, params: Params) -> str:
    """`path` with its query, empty values left out."""
    query = urlencode({key: value for key, value in params.items() if value}, doseq=True)
    return f"{path}?{query}" if query else path


def go(path: str, **params: str | list[str]) -> NoReturn:
    """End this run and open `path` in the same session; the browser's Back returns to the page as it was."""
    _component()(key="goto", data={"address": address(path, params)})
    st.stop()


def begin_run() -> None:
    """Of a whole run, which closes whatever dialog was open; the runs of fragments do not come here."""
    st.session_state["dialog"] = False


def open_dialog(
    title: str, body: Callable[[T], None], about: T, *, width: Literal["small", "medium", "large"] = "small"
) -> None:
    """Open a dialog; until it is closed, nothing draws the page anew by itself."""
    st.session_state["dialog"] = True
    st.dialog(title, width=width, on_dismiss="rerun")(body)(about)


def draw_anew() -> None:
    """Run the whole page again because something changed behind it; later, where a dialog is open."""
    if not st.session_state.get("dialog"):
        st.rerun()


def dataset_address(dataset_id: object, **more: str) -> str:
    return address("/dataset", {"id": str(dataset_id), **more})


@cache
def _component() -> ComponentRenderer:
    return st.components.v2.component("datashelf_goto", js=read("goto.js", "goto_now.js"))
