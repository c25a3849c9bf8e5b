"""The drop zone and the list of uploads, as a Streamlit component.

The bytes never come here: the browser's upload queue (`uploader/queue.js`, one a tab, on `window.__datashelf`) sends
them to the store's signed URLs and goes on while the user moves between screens. Python learns what was completed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

SOURCES = Path(__file__).parent / "uploader"
QUEUE_SCRIPTS = (
    "format.js",
    "shapes.js",
    "states.js",
    "failure.js",
    "transfer.js",
    "look.js",
    "attempts.js",
    "lanes.js",
    "tabs.js",
    "records.js",
    "digests.js",
    "recognise.js",
    "routes.js",
    "same_content.js",
    "beginning.js",
    "parts.js",
    "part_urls.js",
    "sending.js",
    "upload.js",
    "unfinished.js",
    "queue.js",
)
"""The upload queue, without a view; in the order they need each other."""
LIST_SCRIPTS = ("files.js", "look_view.js", "row_words.js", "row.js", "picker.js")
"""What shows it: the drop zone and the list."""
SCRIPTS = (*QUEUE_SCRIPTS, *LIST_SCRIPTS, "own.js")

OPEN = "datashelf-open-dataset"
"""The place in the session where a wish to open a page waits for the script."""


@dataclass(frozen=True, slots=True)
class CompletedUpload:
    """A file that is on the shelf now."""

    dataset_id: str
    file_id: str
    name: str


def read_sources(*names: str) -> str:
    """The named files of `uploader/`, one after the other. They share one module scope in the browser."""
    return "\n".join((SOURCES / name).read_text(encoding="utf-8") for name in names)


def uploader(
    *, dataset_id: str | None = None, dataset_name: str | None = None, key: str
) -> tuple[CompletedUpload, ...]:
    """Draw the drop zone, and below it the files of this tab's upload queue.

    With `dataset_id` every file becomes a new version of that dataset (`dataset_name` is what it is called on the
    zone) and only its uploads are listed.

    Returns every file this tab has uploaded since it was opened, oldest first. The list only grows, so a page keeps the
    length it has seen; it arrives when nothing is under way any more, not after each file. What the user wants to see
    next is `page_to_open()`.
    """
    answer = _component()(
        key=key,
        data={"dataset_id": dataset_id, "dataset_name": dataset_name},
        on_completed_change=_rerun_only,
        on_open_change=lambda: _remember_open(st.session_state.get(key)),
    )
    return read_completed(answer)


def page_to_open() -> tuple[str, dict[str, str]] | None:
    """The page the user asked for in the uploader, once: its path and what its address says.

    A dataset’s page, where the only file dropped is complete or the user wants to see one (with `change` where it is to
    be read in another way); or Storage, which tells why the bytes go the slower way.

    Ask for it in the frame, before the page runs: the first file on an empty shelf fills it, and the page that held the
    uploader does not draw it any more.
    """
    wanted = st.session_state.pop(OPEN, None)
    return wanted if isinstance(wanted, tuple) else None


def read_completed(answer: Mapping[str, Any]) -> tuple[CompletedUpload, ...]:
    """The component's list of completed uploads; what a tampered browser sends in another shape is left out."""
    completed = answer.get("completed")
    return tuple(
        CompletedUpload(item["dataset_id"], item["file_id"], item["name"])
        for item in (completed if isinstance(completed, list) else ())
        if isinstance(item, dict) and all(isinstance(item.get(k), str) for k in ("dataset_id", "file_id", "name"))
    )


def _remember_open(answer: Mapping[str, Any] | None) -> None:
    # A callback runs before the script, which may find the shelf filled and draw something else than the uploader:
    # the trigger's value would be gone with it.
    wanted = (answer or {}).get("open")
    if not isinstance(wanted, dict):
        return
    if wanted.get("page") == "storage":
        st.session_state[OPEN] = ("/storage", {})
    elif isinstance(dataset_id := wanted.get("dataset_id"), str):
        st.session_state[OPEN] = ("/dataset", {"id": dataset_id} | ({"change": "1"} if wanted.get("change") else {}))


@cache
def _component() -> ComponentRenderer:
    return st.components.v2.component(
        "datashelf_uploader",
        html=read_sources("picker.html"),
        css=read_sources("controls.css", "picker.css"),
        js=read_sources(*SCRIPTS),
    )


def _rerun_only() -> None:
    """Streamlit fills in only those values a callback is registered for."""
