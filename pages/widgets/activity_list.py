"""The rows of the activity: who did what to which dataset, from where and when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from functools import cache
from typing import TYPE_CHECKING

import streamlit as st

from catalog.activity import ActivityEntry
from pages import wording
from pages.activity_words import agent_name, said
from pages.navigation import dataset_address
from pages.widgets.assets import read

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer


def row(entry: ActivityEntry, *, linked: bool, now: datetime, zone: tzinfo) -> dict[str, object]:
    """What one row shows. `linked`: the dataset's name leads to its page, where the caller sees it."""
    who, did, what, more = said(entry)
    operator = entry.by == "operator"
    return {
        "who": who,
        "did": did,
        "what": what,
        "more": more,
        "href": dataset_address(entry.dataset_id) if linked and entry.linked else "",
        "address": entry.address or "",
        "agent": (entry.agent or "") if operator else agent_name(entry.agent) if entry.agent else "",
        "agent_title": entry.agent or "",
        "when": wording.ago(entry.at, now=now, zone=zone),
        "when_title": wording.moment(entry.at, zone=zone),
    }


def activity_list(
    entries: Sequence[ActivityEntry],
    *,
    summary: str,
    now: datetime,
    zone: tzinfo,
    exports: Mapping[str, str] | None = None,
    linked: bool = True,
    key: str,
) -> None:
    """Draw the rows under a heading that begins with `summary`; `exports` are addresses of files, by their label."""
    _component()(
        key=key,
        data={
            "summary": summary,
            "exports": [{"label": label, "href": href} for label, href in (exports or {}).items()],
            "items": [row(entry, linked=linked, now=now, zone=zone) for entry in entries],
        },
    )


@cache
def _component() -> ComponentRenderer:
    return st.components.v2.component(
        "datashelf_activity_list",
        html='<div class="list" role="table" aria-label="Activity"></div>',
        css=read("dataset_list.css", "activity_list.css"),
        js=read("icons.js", "goto.js", "activity_list.js"),
    )
