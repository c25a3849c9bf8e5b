"""One cell opened whole: what a table has to cut, or shows on one line."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass

import streamlit as st

import services
from catalog.errors import CatalogError, DatabaseUnavailable
from pages import wording
from pages.identity import current_caller
from preview.errors import PreviewError
from preview.result import JsonValue, Preview
from storage import StorageError

FITS = 60
"""Characters that a cell of the table shows; what is longer, or has lines, is cut there and can be opened."""
MOST = 200_000
"""Characters that a browser draws at once."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a cell is: `row` is its place in the file, None where the rows shown are a selection of it."""

    file_id: uuid.UUID
    row: int | None
    column: str
    shown: JsonValue
    """What the preview holds of it, which may be cut."""


def place_of(preview: Preview, file_id: uuid.UUID, row: int, column: str, *, in_file: bool) -> Place | None:
    """The cell that was pressed, by its place on the screen; None where the table shows it whole already."""
    at = next((place for place, one in enumerate(preview.columns) if one.name == column), None)
    rows = preview.json_rows()
    if at is None or not 0 <= row < len(rows):
        return None
    value = rows[row][at]
    if not worth_opening(value):
        return None
    return Place(file_id, preview.offset + row if in_file else None, column, value)


def worth_opening(value: JsonValue) -> bool:
    if isinstance(value, list | dict):
        return True
    return isinstance(value, str) and (len(value) > FITS or "\n" in value)


def one_line(text: str) -> str:
    """The text as the table shows it: its first line, as far as it fits, and a mark where there is more."""
    if len(text) <= FITS and "\n" not in text and "\r" not in text:
        return text
    first = text[: FITS * 2].split("\n", 1)[0].split("\r", 1)[0]
    return first[: FITS - 1].rstrip() + "…"


def pretty(value: JsonValue) -> tuple[str, str | None]:
    """The text to show and its language: nested values, and texts that hold JSON, indented."""
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, indent=2), "json"
    text = value if isinstance(value, str) else json.dumps(value)
    if text[:1] in "{[":
        try:
            return json.dumps(json.loads(text), ensure_ascii=False, indent=2), "json"
        except (ValueError, RecursionError):
            return text, None
    return text, None


def open_cell(place: Place) -> None:
    """The dialog."""
    row = "" if place.row is None else f" · row {place.row + 1:,}"
    # Until it is closed, nothing draws the page anew by itself.
    st.session_state["dialog"] = True
    st.dialog(f"{wording.plain(place.column)}{row}", width="large", on_dismiss="rerun")(_body)(place)


def _body(place: Place) -> None:
    value = place.shown
    if place.row is not None:
        try:
            value = services.current().previews.cell(
                current_caller(), place.file_id, row=place.row, column=place.column
            )
        except (PreviewError, CatalogError, StorageError, DatabaseUnavailable) as error:
            st.warning(
                f"{wording.plain(str(error))} What the table holds of it is shown.",
                title="The whole cell cannot be read now",
                icon=":material/warning:",
            )
    text, language = pretty(value)
    length = wording.counted(len(value) if isinstance(value, str) else len(text), "character")
    if len(text) > MOST:
        length += f", of which the first {MOST:,} are shown"
    tall = len(text) > 1500 or text.count("\n") > 17
    st.code(
        text[:MOST],
        language=language if len(text) <= MOST else None,
        wrap_lines=True,
        height=420 if tall else "content",
    )
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f":small[:gray[{length}]]", width="stretch")
        if len(text) > MOST:
            st.download_button(
                "Download the value",
                text,
                file_name=f"{place.column[:60]}.{'json' if language else 'txt'}",
                icon=":material/download:",
                type="tertiary",
                key="whole-cell-download",
            )
