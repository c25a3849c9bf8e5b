"""The rows of the Trash screen: what lies there, since when and for how long, and what can be done with each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo
from functools import cache
from typing import TYPE_CHECKING

import streamlit as st

from catalog.trash_items import TrashItem
from pages import wording
from pages.widgets.assets import read

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer


def row(item: TrashItem, *, now: datetime, zone: tzinfo, may_change: bool = True) -> dict[str, object]:
    """What one row shows, in the words of the screen; without `may_change` nothing can be done with it."""
    return {
        "id": str(item.id),
        "name": item.name,
        "what": item.name if item.version is None else f"version {item.version} of {item.name}",
        "about": about(item),
        "size": wording.size(item.size),
        "deleted": wording.ago(item.deleted_at, now=now, zone=zone),
        "deleted_title": wording.moment(item.deleted_at, zone=zone),
        "until": wording.day(item.purge_at, now=now, zone=zone),
        "until_title": wording.moment(item.purge_at, zone=zone),
        "restorable": may_change,
        "can_restore": not item.in_trashed,
        "can_purge": may_change and item.owner is None,
    }


def about(item: TrashItem) -> str:
    """`Dataset with 3 versions · airports.csv`, `Version 2 · airports.csv · Ann`: its owner, where that is another."""
    what = f"Version {item.version}"
    if item.version is None:
        what = "Dataset" if item.versions == 1 else f"Dataset with {item.versions:,} versions"
    later = " · restore its dataset first" if item.in_trashed else ""
    owner = "" if item.owner is None else f" · {item.owner}"
    return f"{what} · {item.file_name}{owner}{later}"


def trash_list(
    items: Sequence[TrashItem],
    *,
    summary: str,
    now: datetime,
    zone: tzinfo,
    may_change: bool,
    on_restore: Callable[[], None],
    on_purge: Callable[[], None],
    key: str,
) -> None:
    """Draw the rows under a heading that begins with `summary`.

    The callbacks find the id of the row pressed in `st.session_state[key]`, under `restore` or `purge`.
    """
    _component()(
        key=key,
        data={"summary": summary, "items": [row(item, now=now, zone=zone, may_change=may_change) for item in items]},
        on_restore_change=on_restore,
        on_purge_change=on_purge,
    )


@cache
def _component() -> ComponentRenderer:
    return st.components.v2.component(
        "datashelf_trash_list",
        html='<div class="list" role="table" aria-label="Trash"></div>',
        css=read("quiet_buttons.css", "dataset_list.css", "trash_list.css"),
        js=read("icons.js", "trash_list.js"),
    )
