"""Other datasets that share a dataset's columns: a calm line each, at the foot of its rows."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

import services
from catalog.caller import Caller
from catalog.errors import CatalogError, DatabaseUnavailable
from catalog.views import FileVersion
from pages import wording

HERE = Path(__file__).parent
NAMED = 6
"""Columns that a line names."""


def similar(file: FileVersion, caller: Caller) -> None:
    """The list under a heading; nothing where no other dataset is like this one, or the database does not answer."""
    try:
        found = services.current().datasets.similar(caller, file.dataset_id)
    except (CatalogError, DatabaseUnavailable):
        return
    if not found:
        return
    with st.container(key="similar", gap="xxsmall"):
        st.markdown("**Similar datasets**")
        for one in found:
            with st.container(
                key=f"similar-{one.summary.id}", horizontal=True, vertical_alignment="center", gap="small"
            ):
                st.page_link(
                    HERE / "dataset.py",
                    label=wording.plain(one.summary.name),
                    query_params={"id": str(one.summary.id)},
                    width="content",
                )
                st.markdown(f":small[:gray[{wording.plain(shares(one.shared, one.of))}]]", width="stretch", wrap=False)


def shares(shared: tuple[str, ...], of: int) -> str:
    """`Shares 5 of 7 columns: iata, name, city, …`."""
    count = (
        "its only column"
        if of == 1
        else f"all {of:,} columns"
        if len(shared) == of
        else f"{len(shared):,} of {of:,} columns"
    )
    more = "" if len(shared) <= NAMED else " …"
    return f"Shares {count}: {', '.join(shared[:NAMED])}{more}"
