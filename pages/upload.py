"""Upload: drop files and see them arrive; or, for one dataset, a new version."""

from __future__ import annotations

import uuid
from pathlib import Path

import streamlit as st

import services
from catalog.access import Need, allows
from catalog.errors import DatasetNotFound
from catalog.views import DatasetDetail
from pages import failures, wording
from pages.identity import caller_of_run
from pages.widgets.uploader import uploader

HERE = Path(__file__).parent


def dataset() -> DatasetDetail | None:
    """The dataset whose new version is wanted, where the address names one that exists."""
    try:
        return services.current().datasets.get(caller_of_run(), uuid.UUID(st.query_params.get("dataset", "")))
    except (ValueError, DatasetNotFound):
        return None


def refusal(target: DatasetDetail | None) -> str | None:
    """Why the caller cannot upload here; None where they can."""
    caller = caller_of_run()
    if not caller.writes:
        return "Your role is viewer, which looks and downloads. An admin can make you an editor."
    if target is None or allows(caller, target.summary.access, Need.EDIT):
        return None
    return f"You may look at this dataset and download it. {target.summary.owner} can share it with you as editor."


def draw() -> None:
    target, refused = None, None
    with failures.shown("The page cannot be shown", key="upload-page"):
        target = dataset()
        refused = refusal(target)
        # What is dropped here is looked into at once.
        services.current().previewer.warm()
    if refused is not None:
        with st.container(key="head", horizontal=True):
            st.title("Upload", anchor=False)
        st.info(wording.plain(refused), title="You cannot upload here", icon=":material/lock:")
    elif target is None:
        with st.container(key="head", horizontal=True):
            st.title("Upload", anchor=False)
        uploader(key="uploader")
    else:
        name = wording.plain(target.summary.name)
        with st.container(key="back"):
            st.page_link(
                HERE / "dataset.py",
                label=name,
                icon=":material/arrow_back:",
                query_params={"id": str(target.summary.id)},
            )
        with st.container(key="head", horizontal=True):
            st.title(f"New version of {name}", anchor=False)
        uploader(dataset_id=str(target.summary.id), dataset_name=target.summary.name, key="version-uploader")


draw()
