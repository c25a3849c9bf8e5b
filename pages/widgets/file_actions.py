"""Taking a file along: download it, or copy a link that somebody else can download it by.

Both happen in the browser: a download must not pass through a rerun, and only a click may write to the clipboard.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

import streamlit as st

from catalog.views import FileVersion
from pages.widgets.assets import read

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer


def file_actions(file: FileVersion, *, on_failed: Callable[[], None], second_way: bool = False, key: str) -> None:
    """Draw “Copy link” and the primary “Download”; with `second_way` the same as plain buttons, after a failure.

    `on_failed` is a callback; why the download did not come is then in `st.session_state[key]["failed"]`.
    """
    address = f"/api/ml/v1/files/{file.id}"
    _component()(
        key=key,
        width="content",
        data={
            "download": f"{address}/download",
            "link": f"{address}/download-url",
            "file_name": file.file_name,
            "download_label": "Try again" if second_way else "Download",
            "copy_label": "Copy a direct link" if second_way else "Copy link",
            "primary": not second_way,
        },
        on_failed_change=on_failed,
    )


@cache
def _component() -> ComponentRenderer:
    return st.components.v2.component(
        "datashelf_file_actions",
        html='<div class="actions"></div>',
        css=read("buttons.css", "file_actions.css"),
        js=read("icons.js", "clipboard.js", "download.js", "file_actions.js"),
    )
