"""What every screen says while the configured store does not answer: what works, what does not, what comes next."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

import services
from pages import wording
from pages.identity import caller_of_run
from pages.navigation import draw_anew
from settings import Settings
from storage import Backend, StorageState


@dataclass(frozen=True, slots=True)
class Outage:
    """A store that is away. `files` lie in it; `free` bytes are left on this server's disk, where that is known.

    `refusal` is what a store says that answers and cannot be used all the same; empty for one that does not answer.
    """

    place: str
    fallen_back: bool
    files: int
    free: int | None
    every: int
    """Seconds between two tries."""
    refusal: str = ""

    @property
    def title(self) -> str:
        place = f"{self.place[0].upper()}{self.place[1:]}"
        return f"{place} cannot be used" if self.refusal else f"{place} does not answer"

    @property
    def sentence(self) -> str:
        room = "" if self.free is None else f" ({wording.size(self.free)} free)"
        new = (
            f"New files are kept on this server’s disk{room}."
            if self.fallen_back
            else "Uploads wait and go on when it is back."
        )
        # Of a store that lost its bucket nobody here knows what is left.
        safe = "" if self.refusal else ", and none is lost"
        kept = f" {wording.counted(self.files, 'file')} there cannot be read or downloaded until then{safe}."
        said = f"{self.refusal} " if self.refusal else ""
        return f"{said}{new}{kept if self.files else ''} It is tried again every {self.every} s."


def place(backend: Backend, settings: Settings) -> str:
    """Where a backend keeps its bytes, as people say it."""
    if backend is Backend.LOCAL:
        return "this server’s disk"
    return f"the store at {settings.minio.endpoint}"


def outage(state: StorageState) -> Outage:
    running = services.current()
    totals = running.datasets.totals(caller_of_run())
    fallen_back = state.active is not state.configured
    return Outage(
        place=place(state.configured, running.settings),
        fallen_back=fallen_back,
        files=sum(use.files for use in totals.by_backend if use.backend is state.configured),
        free=running.storages.local.check_health().free_bytes if fallen_back else None,
        every=int(services.STORE_CHECK_EVERY.total_seconds()),
        refusal=state.reason if state.answers else "",
    )


def banner() -> None:
    """Draw it while it is needed. It goes by itself, and the page is drawn anew, once the store is back."""
    state = services.current().storages.state
    if not state.degraded:
        return
    try:
        away = outage(state)
    except ConnectionError:
        return  # the database is away as well, and the page says so
    st.warning(wording.plain(away.sentence), title=wording.plain(away.title), icon=":material/cloud_off:")
    watch(state)


@st.fragment(run_every=services.STORE_CHECK_EVERY / 2, key="store-watch")
def watch(state: StorageState) -> None:
    now = services.current().storages.state
    if (now.active, now.reachable, now.answers) != (state.active, state.reachable, state.answers):
        draw_anew()
