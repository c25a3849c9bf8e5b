"""What was done just now, said in a quiet line where it happened, with Undo as long as there is a way back."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

import services
from catalog.errors import CatalogError
from pages import wording
from pages.identity import current_caller

HERE = Path(__file__).parent
KEY = "told"
LIST = "datasets"
"""The place of the list."""


@dataclass(frozen=True, slots=True)
class Told:
    """A sentence, in Markdown, for the screen `place`. `trashed` is what Undo puts back, `dataset` what opens."""

    place: str
    sentence: str
    trashed: uuid.UUID | None = None
    dataset: uuid.UUID | None = None


def tell(told: Told) -> None:
    st.session_state[KEY] = told


def deleted(place: str, what: str, trashed: uuid.UUID | None) -> None:
    """`what` was deleted: a name in Markdown. `trashed` names it in the trash; None: it is gone for good."""
    where = "is in the Trash" if trashed else "was deleted for good"
    tell(Told(place, f"{what} {where}.", trashed=trashed))


def restore(place: str, item_id: uuid.UUID) -> None:
    """Put a thing back, and say so, or why not."""
    try:
        item = services.current().trash.find(current_caller(), item_id)
        restored = services.current().trash.restore(current_caller(), item_id)
    except CatalogError as error:
        tell(Told(place, wording.plain(str(error))))
        return
    except ConnectionError:
        tell(Told(place, "The database does not answer. Nothing was changed; try again in a moment.", trashed=item_id))
        return
    name = wording.plain(restored.detail.summary.name)
    what = f"“{name}”" if item.version is None else f"Version {item.version} of “{name}”"
    sentence = f"{what} is back on the shelf."
    if restored.was is not None:
        sentence = f"“{wording.plain(restored.was)}” is back as “{name}”: another dataset has its name by now."
    tell(Told(place, sentence, dataset=restored.detail.summary.id))


def line(place: str) -> None:
    """Draw what is to be told at this place; what was told at another is forgotten."""
    told: Told | None = st.session_state.get(KEY)
    if told is None:
        return
    if told.place != place:
        forget()
        return
    with st.container(key="told", horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(told.sentence, width="content")
        if told.trashed is not None:
            st.button(
                "Undo",
                icon=":material/undo:",
                type="tertiary",
                key="undo",
                on_click=restore,
                args=(place, told.trashed),
            )
        if told.dataset is not None and place != str(told.dataset):
            st.page_link(HERE / "dataset.py", label="Open", query_params={"id": str(told.dataset)})
        st.button("Dismiss", type="tertiary", key="told-dismiss", on_click=forget)


def forget() -> None:
    st.session_state.pop(KEY, None)
