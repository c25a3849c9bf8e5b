"""Other datasets that share a dataset's columns: a calm line each, at the foot of its rows."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import streamlit as st

import services
from catalog.caller import Caller
from catalog.errors import CatalogError, DatabaseUnavailable
from catalog.similar import MOST_COLUMNS, Similar
from catalog.views import FileVersion
from pages import wording
from pages.navigation import dataset_address
from pages.widgets.assets import read

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

NAMED = 6
"""Columns that a line names."""


def similar(file: FileVersion, caller: Caller) -> None:
    """The list under a heading; nothing where no other dataset is like this one, or the database does not answer."""
    try:
        found = services.current().datasets.similar(caller, file.dataset_id)
    except (CatalogError, DatabaseUnavailable):
        return
    if found:
        _component()(key="similar", data={"items": [line(one) for one in found]})


def line(of: Similar) -> dict[str, str]:
    """What one line shows, in the words of the screen."""
    return {
        "name": of.summary.name,
        "href": dataset_address(of.summary.id),
        "format": wording.format_name(of.summary.format),
        "shares": shares(of.shared, of.of),
    }


def shares(shared: tuple[str, ...], of: int) -> str:
    """`Shares 5 of 7 columns: iata, name, city …`; of a wide file only the first columns are compared."""
    if of >= MOST_COLUMNS:
        every = "all" if len(shared) == of else f"{len(shared):,}"
        count = f"{every} of the first {of:,} columns"
    elif of == 1:
        count = "the only column"
    elif len(shared) == of:
        count = f"all {of:,} columns"
    else:
        count = f"{len(shared):,} of {of:,} columns"
    more = "" if len(shared) <= NAMED else " …"
    return f"Shares {count}: {', '.join(shared[:NAMED])}{more}"


@cache
def _component() -> ComponentRenderer:
    return st.components.v2.component(
        "datashelf_similar",
        html='<section aria-labelledby="similar"><h2 id="similar">Similar datasets</h2><ul></ul></section>',
        css=read("similar.css"),
        js=read("icons.js", "goto.js", "similar.js"),
    )
