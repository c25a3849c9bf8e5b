"""Storage, for whoever runs the shelf: whether the store answers, where new files go, and what lies where."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

import streamlit as st

import services
from catalog.datasets import ShelfTotals, StoreUse
from pages import failures, wording
from pages.banner import place
from pages.identity import current_caller, now, zone
from settings import Settings
from storage import Backend, Health, StorageState


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the screen: good, bad, or (None) merely told."""

    title: str
    text: str
    good: bool | None = None


def home(backend: Backend, settings: Settings) -> str:
    """Where a backend's bytes are, in full: the bucket and its server, or the folder."""
    if backend is Backend.LOCAL:
        return f"{settings.data_dir.resolve() / 'objects'} on this server’s disk"
    buckets = dict.fromkeys(settings.minio.bucket_for(role) for role in ("datasets", "models", "temp"))
    return ", ".join(f"s3://{bucket}" for bucket in buckets) + f" on {settings.minio.endpoint}"


def lies_in(use: StoreUse, settings: Settings) -> str:
    if use.backend is Backend.LOCAL:
        return f"On this server’s disk, {use.role}"
    return f"In bucket {use.bucket}, {use.role}"


def took(latency: timedelta | None) -> str:
    return "" if latency is None else f" in {max(1, round(latency.total_seconds() * 1000))} ms"


def verdict(state: StorageState, settings: Settings) -> tuple[bool, str, str]:
    """Whether all is well, the sentence that says so, and what it means."""
    where = place(state.configured, settings)
    if not state.degraded:
        return True, "All is well", f"{where} answers, and new files go there"
    if state.active is not state.configured:
        return (
            False,
            f"{where[0].upper()}{where[1:]} does not answer",
            "new files go to this server’s disk until it does",
        )
    return False, f"{where[0].upper()}{where[1:]} does not answer", "uploads wait until it does"


def findings(
    state: StorageState, health: Health, local: Health, uses: Iterable[StoreUse], settings: Settings
) -> list[Finding]:
    """What was found, what is wrong first."""
    configured = state.configured
    lines = [
        Finding(
            "Store answers", f"Asked and answered{took(health.latency)}." if health.ok else health.detail, health.ok
        ),
        Finding(
            "New files go to",
            home(state.active, settings),
            state.active is configured and state.reachable,
        ),
    ]
    if configured is Backend.MINIO and not local.ok:
        lines.append(Finding("This server’s disk", local.detail, good=False))
    free = health.free_bytes if configured is Backend.LOCAL else local.free_bytes
    if free is not None:
        lines.append(Finding("Room left", f"{wording.size(free)} on this server’s disk.", free > 1_000_000_000))
    lines.sort(key=lambda line: line.good is not False)
    return lines + [
        Finding(lies_in(use, settings), f"{wording.counted(use.files, 'object')}, {wording.size(use.size)}")
        for use in uses
    ]


def usage(totals: ShelfTotals) -> str:
    return (
        f"**{wording.size(totals.size)}** :gray[in {wording.counted(totals.files, 'object')} · "
        f"{wording.counted(totals.datasets, 'dataset')}, {wording.counted(totals.files, 'version')}]"
    )


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


def checked(settings: Settings, state: StorageState, at: datetime, here: tzinfo) -> str:
    where = wording.plain(home(state.configured, settings))
    return f":small[:gray[{where} · checked at {wording.clock(at, zone=here)}]]"


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
    local = health if state.configured is Backend.LOCAL else running.storages.local.check_health()
    waiting.empty()
    good, sentence, meaning = verdict(state, running.settings)
    with place_of_all:
        st.markdown(checked(running.settings, state, now(), zone()))
        with failures.shown("The counts cannot be read", key="counts"):
            totals = running.datasets.totals(current_caller())
            st.markdown(f":small[{usage(totals)}]")
            colour = "green" if good else "red"
            with st.container(key="verdict"):
                st.markdown(f":{colour}[**{wording.plain(sentence)}**] :gray[· {wording.plain(meaning)}]")
            lines = findings(state, health, local, totals.by_backend, running.settings)
            with st.container(key="findings", gap=None):
                for number, finding in enumerate(lines):
                    line(finding, key=f"finding-{number}")


draw()
