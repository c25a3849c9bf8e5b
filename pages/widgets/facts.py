"""The line of facts under a dataset's title, ending in its checksum, which a click copies whole."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import streamlit as st

from catalog.views import DatasetDetail, FileVersion
from pages import wording
from pages.widgets.assets import read

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer


def parts(detail: DatasetDetail, file: FileVersion) -> list[str]:
    """`3,376 rows × 7 columns`, `210 kB`, `local`, `41 downloads`, `SHA-256`, as far as they are known."""
    columns = None if file.columns is None else wording.counted(file.columns, "column")
    rows = None if file.rows is None else wording.counted(file.rows, "row")
    if rows is None and file.rows_counted == "counting":
        rows = "counting rows…"
    found = [
        " × ".join(part for part in (rows, columns) if part),
        wording.size(file.size),
        detail.summary.owner,
        wording.counted(file.downloads, "download"),
        "SHA-256" if file.sha256 else "",
    ]
    return [part for part in found if part]


def facts(detail: DatasetDetail, file: FileVersion, *, key: str) -> None:
    """Draw the line for one version."""
    note = (
        "Checked against the stored bytes" if file.sha256_verified else "As announced by the uploader, not checked yet"
    )
    _component()(
        key=key,
        data={
            "facts": parts(detail, file),
            "checksum": file.sha256,
            "checksum_shown": wording.short_checksum(file.sha256) if file.sha256 else None,
            "checksum_note": note,
        },
    )


@cache
def _component() -> ComponentRenderer:
    return st.components.v2.component(
        "datashelf_facts",
        html='<div class="facts"></div>',
        css=read("facts.css"),
        js=read("icons.js", "clipboard.js", "facts.js"),
    )
