"""The rows of the Datasets screen: one component for the whole list.

Twenty-four rows of Streamlit's own elements are over three hundred elements, cannot be clicked as a whole and cannot
cut a long name short. Here each row is a real link (a new tab by the usual keys), and a plain click opens it in this
session.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo
from functools import cache
from typing import TYPE_CHECKING

import streamlit as st

from catalog.sharing import Visibility
from catalog.views import DatasetSummary
from pages import wording
from pages.navigation import dataset_address
from pages.widgets.assets import read

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer


def row(item: DatasetSummary, *, now: datetime, zone: tzinfo) -> dict[str, object]:
    """What one row shows, in the words of the screen."""
    return {
        "id": str(item.id),
        "href": dataset_address(item.id),
        "download": f"/api/ml/v1/files/{item.file_id}/download",
        "name": item.name,
        "format": wording.format_name(item.format),
        "about": about(item),
        "team": item.visibility is Visibility.TEAM,
        "matched": matched(item.matched_columns),
        "tags": list(item.tags),
        "shape": wording.shape(item.rows, item.columns),
        "shape_title": "" if item.rows is None else wording.counted(item.rows, "row"),
        "size": wording.size(item.size),
        "updated": wording.ago(item.updated_at, now=now, zone=zone),
        "updated_title": wording.moment(item.updated_at, zone=zone),
    }


def about(item: DatasetSummary) -> str:
    """`Where planes land · Ann`: what it is, and whose."""
    return f"{' '.join(item.description.split()) or item.file_name} · {item.owner}"


def matched(columns: Sequence[str]) -> str:
    """Why a search found a dataset whose name does not have its words: `column customer_id`, `columns a, b`."""
    return f"column{'' if len(columns) == 1 else 's'} {', '.join(columns)}" if columns else ""


def dataset_list(items: Sequence[DatasetSummary], *, summary: str, now: datetime, zone: tzinfo, key: str) -> None:
    """Draw the rows under a heading that begins with `summary`."""
    _component()(key=key, data={"summary": summary, "items": [row(item, now=now, zone=zone) for item in items]})


@cache
def _component() -> ComponentRenderer:
    return st.components.v2.component(
        "datashelf_dataset_list",
        html='<div class="list" role="table" aria-label="Datasets"></div>',
        css=read("dataset_list.css"),
        js=read("icons.js", "goto.js", "download.js", "dataset_list.js"),
    )
