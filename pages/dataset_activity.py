"""What was done to a dataset, in a dialog of its page."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

import services
from catalog.activity import ActivityQuery
from catalog.errors import CatalogError
from catalog.views import DatasetDetail
from pages import wording
from pages.identity import current_caller, now, zone
from pages.navigation import open_dialog
from pages.widgets.activity_list import activity_list

HERE = Path(__file__).parent
AFTER = "dataset-activity-after"
"""Where the page that is open begins; none for the newest."""


def show_activity(detail: DatasetDetail) -> None:
    st.session_state.pop(AFTER, None)
    open_dialog("Activity", _activity, detail, width="large")


def _activity(detail: DatasetDetail) -> None:
    running, after = services.current(), st.session_state.get(AFTER)
    try:
        caller = current_caller()
        page = running.activity.of(caller, detail.summary.id, ActivityQuery(cursor=after))
    except CatalogError as error:
        st.error(wording.plain(str(error)), icon=":material/error:")
        return
    except ConnectionError:
        st.error("The database does not answer. Try again in a moment.", icon=":material/cloud_off:")
        return
    name = wording.plain(detail.summary.name)
    if not page.whole:
        st.markdown(f":gray[What changed of “{name}”. Who downloads it, its owner and editors see.]")
    if not page.items:
        st.markdown(f"Nothing of what was done to “{name}” is written down any more.")
    else:
        at, summary = now(), "Older" if after else "Newest first"
        activity_list(page.items, summary=summary, now=at, zone=zone(), linked=False, key="dataset-activity")
    with st.container(key="dataset-activity-paging", horizontal=True, vertical_alignment="center", gap="small"):
        if after is not None and st.button("Newest", icon=":material/first_page:", key="activity-newest"):
            st.session_state.pop(AFTER, None)
            st.rerun(scope="fragment")
        if page.next_cursor is not None and st.button("Older", icon=":material/chevron_right:", key="activity-older"):
            st.session_state[AFTER] = page.next_cursor
            st.rerun(scope="fragment")
        if caller.is_admin:
            st.page_link(
                HERE / "activity.py",
                label="Search in all activity",
                icon=":material/receipt_long:",
                query_params={"dataset": str(detail.summary.id)},
                width="content",
            )
