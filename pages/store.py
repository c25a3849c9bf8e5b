"""Storage, for whoever runs the shelf: whether the store answers, where new files go, and what lies where."""

from __future__ import annotations

import streamlit as st

import services
from pages import failures, wording
from pages.findings import Finding, findings, home, usage, uses_disk, verdict
from pages.identity import caller_of_run, now, zone
from storage import Backend, Health


def line(finding: Finding, *, key: str) -> None:
    icon = {
        True: ":green[:material/check_circle:]",
        False: ":red[:material/cancel:]",
        None: ":gray[:material/database:]",
    }
    with st.container(key=key, horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.markdown(icon[finding.good], width=27)
        st.markdown(f"**{wording.plain(finding.title)}**", width=237)
        text = wording.plain(finding.text)
        st.markdown(f":small[{text}]" if finding.good is False else f":small[:gray[{text}]]", width="stretch")


def draw() -> None:
    running = services.current()
    with st.container(key="head", horizontal=True, vertical_alignment="center"):
        st.title("Storage", anchor=False, width="stretch")
        st.button("Check again", icon=":material/refresh:", type="primary", key="check-again")
    place_of_all = st.container(key="store", gap="xsmall")
    waiting = st.empty()
    waiting.skeleton(220)
    state = running.storages.check()
    health = running.storages.of(state.configured).check_health()
    waiting.empty()
    with place_of_all:
        where = wording.plain(home(state.configured, running.settings))
        st.markdown(f":small[:gray[{where} · checked at {wording.clock(now(), zone=zone())}]]")
        with failures.shown("The counts cannot be read", key="counts"):
            totals = running.datasets.totals(caller_of_run())
            st.markdown(f":small[{usage(totals)}]")
            disk: Health | None = health
            if state.configured is not Backend.LOCAL:
                disk = running.storages.local.check_health() if uses_disk(state, totals.by_backend) else None
            lines = findings(state, health, disk, totals.by_backend, running.settings)
            good, sentence, meaning = verdict(state, lines, running.settings)
            colour = "green" if good else "red"
            with st.container(key="verdict"):
                st.markdown(f":{colour}[**{wording.plain(sentence)}**] :gray[· {wording.plain(meaning)}]")
            with st.container(key="findings", gap=None):
                for number, finding in enumerate(lines):
                    line(finding, key=f"finding-{number}")


draw()
