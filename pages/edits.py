"""Changing a dataset: its name, description and tags, and taking it off the shelf. A dialog for each."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import NoReturn

import streamlit as st

import services
from catalog.errors import CatalogError, DatasetNotFound, FileNotFound, NotInTrash
from catalog.views import DatasetDetail, FileVersion
from pages import undo, wording
from pages.identity import current_caller, now, zone
from pages.navigation import go, open_dialog


def rename(detail: DatasetDetail) -> None:
    open_dialog("Rename", _rename, detail)


def _rename(detail: DatasetDetail) -> None:
    with st.form("rename-form", border=False):
        name = st.text_input("Name", value=detail.summary.name, max_chars=200, key="new-name")
        saved = st.form_submit_button("Rename", type="primary", key="save-name")
    if saved:
        _save(detail, name=name)


def edit_description(detail: DatasetDetail) -> None:
    open_dialog("Edit description", _edit_description, detail)


def _edit_description(detail: DatasetDetail) -> None:
    with st.form("description-form", border=False):
        text = st.text_area(
            "Description",
            value=detail.summary.description,
            max_chars=10_000,
            height=160,
            placeholder="What it holds, where it comes from, what to mind",
            key="new-description",
        )
        saved = st.form_submit_button("Save", type="primary", key="save-description")
    if saved:
        _save(detail, description=text)


def edit_tags(detail: DatasetDetail) -> None:
    open_dialog("Edit tags", _edit_tags, detail)


def _edit_tags(detail: DatasetDetail) -> None:
    known = [tag for tag, _ in services.current().datasets.tags(current_caller())]
    # Side by side: the list of tags opens downwards and would lie over a button below.
    with st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall"):
        chosen = st.multiselect(
            "Tags",
            list(dict.fromkeys([*detail.summary.tags, *known])),
            default=list(detail.summary.tags),
            accept_new_options=True,
            select_all=False,
            placeholder="Choose, or type a new one",
            key="new-tags",
        )
        saved = st.button("Save", type="primary", key="save-tags")
    if saved:
        _save(detail, tags=tuple(chosen))


def delete(detail: DatasetDetail) -> None:
    """Ask once, naming the dataset and what goes with it."""
    open_dialog(f"Delete {wording.plain(detail.summary.name)}?", _ask_to_delete, detail)


def delete_version(detail: DatasetDetail, file: FileVersion) -> None:
    """Ask once, naming the version; the newest of the others speaks for the dataset then."""
    name = wording.plain(detail.summary.name)
    others = any(one.id != file.id for one in (*detail.files, *detail.failed))
    open_dialog(f"Delete version {file.version} of {name}?", _ask_to_delete_version, (file, others))


def _ask_to_delete(detail: DatasetDetail) -> None:
    count = len(detail.files)
    what = "Its only version" if count == 1 else f"All {count} versions"
    size = wording.size(sum(file.size for file in detail.files))
    st.markdown(f"{what}, {size}, {_what_follows(several=count > 1)}")
    if _sure():
        _delete(detail)


def _ask_to_delete_version(about: tuple[FileVersion, bool]) -> None:
    file, others = about
    name = wording.plain(file.file_name)
    stays = " The other versions stay." if others else ""
    st.markdown(f"{name}, {wording.size(file.size)}, {_what_follows(several=False)}{stays}")
    if _sure():
        _delete_version(file)


def _what_follows(*, several: bool) -> str:
    days = services.current().settings.trash_days
    if not days:
        return "will be removed from the shelf and from the store. This cannot be undone."
    until = wording.day(now() + timedelta(days=days), now=now(), zone=zone())
    return f"{'go' if several else 'goes'} to the Trash and can be put back until {until}."


def _sure() -> bool:
    """Two buttons; whether it is to be done."""
    with st.container(horizontal=True, horizontal_alignment="right", gap="xsmall"):
        if st.button("Keep it", key="keep"):
            st.rerun()
        return st.button("Delete", type="primary", key="delete")


def _save(
    detail: DatasetDetail,
    *,
    name: str | None = None,
    description: str | None = None,
    tags: tuple[str, ...] | None = None,
) -> None:
    try:
        services.current().datasets.update(
            current_caller(), detail.summary.id, name=name, description=description, tags=tags
        )
    except CatalogError as error:
        st.error(wording.plain(str(error)), icon=":material/error:")
        return
    except ConnectionError:
        st.error(
            "The database does not answer. Nothing was changed; try again in a moment.", icon=":material/cloud_off:"
        )
        return
    st.rerun()


def _delete(detail: DatasetDetail) -> None:
    try:
        services.current().datasets.delete(current_caller(), detail.summary.id)
    except DatasetNotFound:
        pass  # somebody else was faster: it is gone, which is what was asked for
    except CatalogError as error:
        st.error(wording.plain(str(error)), icon=":material/error:")
        return
    except ConnectionError:
        _nothing_deleted()
        return
    _leave(detail.summary.id, f"“{wording.plain(detail.summary.name)}”")


def _delete_version(file: FileVersion) -> None:
    caller = current_caller()
    try:
        services.current().files.delete(caller, file.id)
    except (FileNotFound, DatasetNotFound):
        pass  # as above
    except CatalogError as error:
        st.error(wording.plain(str(error)), icon=":material/error:")
        return
    except ConnectionError:
        _nothing_deleted()
        return
    what = f"Version {file.version}"
    try:
        services.current().datasets.get(caller, file.dataset_id)
    except DatasetNotFound:
        # It was the last one by now, and took its dataset along.
        _leave(file.dataset_id, what)
    undo.deleted(str(file.dataset_id), what, _in_trash(file.id))
    st.query_params.pop("v", None)
    st.rerun()


def _leave(dataset_id: uuid.UUID, what: str) -> NoReturn:
    undo.deleted(undo.LIST, what, _in_trash(dataset_id))
    go("/", **st.session_state.get("listing", {}))


def _in_trash(item_id: uuid.UUID) -> uuid.UUID | None:
    try:
        return services.current().trash.find(current_caller(), item_id).id
    except NotInTrash:
        return None


def _nothing_deleted() -> None:
    st.error("The database does not answer. Nothing was deleted; try again in a moment.", icon=":material/cloud_off:")
