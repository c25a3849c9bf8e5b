"""What the tabs of a dataset say where there are no rows to show: why, and what can be done about it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from catalog.views import FileVersion
from pages import chosen_columns, read_as_form, wording
from pages.asked_rows import Asked, conditions, show_where
from preview.errors import PreviewError
from preview.formats import TEXT_FORMATS
from preview.read_as import AS_DETECTED, ReadAs
from storage import FileNotInStorage

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

PLAIN = frozenset({"", ".txt", ".log", ".dat", ".asc", ".out"})
"""Ends of the names of texts that may be anything."""


def no_rows(error: Exception, file: FileVersion, kept: ReadAs, asked: Asked, *, changes: bool) -> None:
    """Why there is no table, and what can be done: other columns, all rows, and, for who `changes` the dataset, another
    way of reading."""
    conditions(asked.conditions)
    with no_table(error):
        if isinstance(error, FileNotInStorage):
            return
        if asked.columns or asked.conditions:
            st.button("Show all columns and rows", key="show-everything", on_click=show_everything)
        elif changes and (kept != AS_DETECTED or may_be_text(file)):
            read_as_form.change(file.dataset_id, kept, None, ())


def no_table(error: Exception) -> DeltaGenerator:
    """What is wrong, in the middle of the tab; the container takes what can be done about it."""
    gone = isinstance(error, FileNotInStorage)
    title = error.title if isinstance(error, PreviewError) else "File is gone" if gone else "No preview"
    nothing = st.container(key="nothing", horizontal_alignment="center", gap="xsmall")
    with nothing:
        st.markdown(f"**{title}**", width="content")
        st.markdown(f":gray[{wording.plain(str(error))}]", width="content", text_alignment="center")
        if not gone:
            st.markdown(
                ":gray[The file is stored whole: Download and Copy link give it as it is.]",
                width="content",
                text_alignment="center",
            )
    return nothing


def may_be_text(file: FileVersion) -> bool:
    """Whether saying a delimiter or an encoding may make a table of a file that has none as detected."""
    return file.format in TEXT_FORMATS or Path(file.file_name).suffix.lower() in PLAIN


def show_everything() -> None:
    chosen_columns.forget()
    show_where(())


def still_counting() -> None:
    with st.container(key="nothing", horizontal_alignment="center", gap="xsmall"):
        st.markdown("**The row index is being built**", width="content")
        st.markdown(
            ":gray[Rows this far into a text are shown as soon as they are counted. This page looks again by itself.]",
            width="content",
            text_alignment="center",
        )
        st.button("Show the first rows", key="first-rows", on_click=show_where, args=((),))


def unavailable(error: Exception) -> None:
    st.error(wording.plain(str(error)), title="The rows cannot be read now", icon=":material/cloud_off:")
    st.button("Try again", icon=":material/refresh:", key="read-again")
