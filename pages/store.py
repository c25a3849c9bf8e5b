"""Storage, for whoever runs the shelf: what is where, whether the store works for app and browsers, what to mend."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import streamlit as st

import services
from catalog.reports import ReportKind
from pages import failures, wording
from pages.findings import OLD_DAYS, Line, checks, home, in_trash, places, usage
from pages.identity import caller_of_run, now, zone
from pages.no_entry import for_admins
from pages.widgets.doctor import doctor

HERE = Path(__file__).parent
RUN = "doctor-run"
ICONS = {
    True: ":green[:material/check_circle:]",
    False: ":red[:material/cancel:]",
    None: ":gray[:material/database:]",
}


def line(told: Line, *, key: str) -> None:
    with st.container(key=key, horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.markdown(ICONS[told.good], width=27)
        st.markdown(f"**{wording.plain(told.title)}**", width=237)
        text = wording.plain(told.text)
        st.markdown(f":small[{text}]" if told.good is False else f":small[:gray[{text}]]", width="stretch")


def again() -> None:
    st.session_state[RUN] = st.session_state.get(RUN, 0) + 1


def draw_totals() -> None:
    running, caller = services.current(), caller_of_run()
    old = running.overview.old_versions(caller, timedelta(days=OLD_DAYS))
    st.markdown(f":small[{usage(running.datasets.totals(caller), old)}]")


def draw_shelf() -> None:
    """What is known without asking the store: the checks that run by themselves, the trash, what lies where."""
    running, caller = services.current(), caller_of_run()
    last = {kind: running.reports.last(kind) for kind in ReportKind}
    trash = running.trash.list(caller, most=1)
    lines = [
        *checks(last, now=now()),
        *filter(None, [in_trash(trash.total, trash.total_size, running.settings.trash_days)]),
        *places(running.datasets.totals(caller), running.settings),
    ]
    with st.container(key="shelf-head", horizontal=True):
        st.subheader("The shelf", anchor=False)
    with st.container(key="findings", gap=None):
        for number, told in enumerate(lines):
            line(told, key=f"finding-{number}")
    with st.container(key="shelf-links", horizontal=True, gap="small"):
        if trash.total:
            st.page_link(HERE / "trash.py", label="Show the Trash", icon=":material/delete:", width="content")
        st.page_link(HERE / "activity.py", label="Show the activity", icon=":material/receipt_long:", width="content")
        if caller.alone:
            st.page_link(HERE / "account.py", label="API tokens", icon=":material/key:", width="content")


def draw() -> None:
    running = services.current()
    with st.container(key="head", horizontal=True, vertical_alignment="center"):
        st.title("Storage", anchor=False, width="stretch")
        st.button("Check again", icon=":material/refresh:", type="primary", key="check-again", on_click=again)
    with st.container(key="store", gap="xsmall"):
        where = wording.plain(home(running.storages.state.configured, running.settings))
        st.markdown(f":small[:gray[{where} · checked at {wording.clock(now(), zone=zone())}]]")
        with failures.shown("The counts cannot be read", key="counts"):
            draw_totals()
    doctor(run=st.session_state.get(RUN, 0), key="doctor")
    with failures.shown("The last checks cannot be read", key="last-checks"):
        draw_shelf()


if caller_of_run().is_admin:
    draw()
else:
    for_admins("Storage")
