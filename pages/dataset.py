"""One dataset: what it is, its versions, its rows, and how to take it along."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import streamlit as st

import services
from catalog.access import Need, allows
from catalog.caller import Caller
from catalog.errors import CatalogError, DatabaseUnavailable, DatasetNotFound, NotInTrash
from catalog.share_links import ShareLinkView
from catalog.snippets import snippets
from catalog.trash_items import TrashItem
from catalog.views import DatasetDetail, FileVersion
from pages import edits, failures, undo, wording
from pages.chart_tab import chart_tab
from pages.columns_tab import columns_tab
from pages.dataset_activity import show_activity
from pages.identity import base_url, caller_of_run, current_caller, now, zone
from pages.navigation import draw_anew, go
from pages.preview_tab import preview_tab
from pages.query_tab import query_tab
from pages.share_tab import active, may_share, share_tab
from pages.who_sees import hand_over
from pages.widgets.facts import facts
from pages.widgets.file_actions import file_actions

HERE = Path(__file__).parent
FRESH = timedelta(hours=1)
LOOK_AGAIN = timedelta(seconds=1)
NEW_VERSION = ":material/upload: Upload a new version"
HAND_OVER = ":material/move_up: Hand over"
ACTIVITY = ":material/receipt_long: Activity"
DELETE = ":material/delete: Delete"
RENAME = ":material/edit: Rename"
EDITS = {
    RENAME: edits.rename,
    ":material/notes: Edit description": edits.edit_description,
    ":material/sell: Edit tags": edits.edit_tags,
}


def asked_for(caller: Caller) -> DatasetDetail | None:
    """The dataset the address names; None where there is none, or none of that id."""
    try:
        dataset_id = uuid.UUID(st.query_params.get("id", ""))
        return services.current().datasets.get(caller, dataset_id)
    except (ValueError, DatasetNotFound):
        return None


def version_of(detail: DatasetDetail) -> FileVersion:
    """The version the address names; the newest where it names none, or one that is gone."""
    asked = st.query_params.get("v")
    return next((file for file in detail.files if str(file.version) == asked), detail.files[0])


def back() -> None:
    """To the list as it was left: the same search, filters and page."""
    with st.container(key="back"):
        st.page_link(
            HERE / "datasets.py",
            label="Datasets",
            icon=":material/arrow_back:",
            query_params=st.session_state.get("listing"),
        )


def in_trash(caller: Caller) -> TrashItem | None:
    """What the address names, where it lies in the trash."""
    try:
        return services.current().trash.find(caller, uuid.UUID(st.query_params.get("id", "")))
    except (ValueError, NotInTrash):
        return None


def resting(item: TrashItem) -> None:
    back()
    undo.line(str(item.id))
    with st.container(key="nothing", horizontal_alignment="center", gap="xsmall"):
        st.markdown(f"**“{wording.plain(item.name)}” is in the Trash**", width="content")
        until = wording.day(item.purge_at, now=now(), zone=zone())
        st.markdown(f":gray[It can be put back until {until}.]", width="content", text_alignment="center")
        with st.container(horizontal=True, horizontal_alignment="center", gap="xsmall"):
            st.button("Restore", key="restore", on_click=undo.restore, args=(str(item.id), item.id))
            if st.button("Show all datasets", type="tertiary", key="show-all"):
                go("/")


def not_here() -> None:
    back()
    with st.container(key="nothing", horizontal_alignment="center", gap="xsmall"):
        st.markdown("**This dataset is not on the shelf**", width="content")
        st.markdown(
            ":gray[The address may be mistyped, or somebody deleted the dataset.]",
            width="content",
            text_alignment="center",
        )
        if st.button("Show all datasets", key="show-all"):
            go("/")


def choose_version() -> None:
    chosen, newest = st.session_state["version"], st.session_state["newest"]
    st.query_params.pop("error", None)
    st.session_state["rows"] = 1
    if chosen == newest:
        st.query_params.pop("v", None)
    else:
        st.query_params["v"] = str(chosen)


def versions(detail: DatasetDetail, file: FileVersion) -> None:
    at, here, newest = now(), zone(), detail.files[0].version
    label = {
        one.version: f"v{one.version} · {wording.ago(one.created_at, now=at, zone=here)}"
        + (" · latest" if one.version == newest else "")
        for one in detail.files
    }
    # The address decides; the widget only shows it.
    st.session_state.update(version=file.version, newest=newest)
    st.selectbox(
        "Version",
        list(label),
        format_func=lambda number: label.get(number, f"v{number}"),
        label_visibility="collapsed",
        width=190,
        key="version",
        on_change=choose_version,
    )


def download_failed() -> None:
    for key in ("actions", "second-way"):
        reason = st.session_state.get(key, {}).get("failed")
        if reason is not None:
            st.query_params["error"] = str(reason)


def acts(detail: DatasetDetail, caller: Caller, *delete_version: str) -> list[str]:
    """What More offers: what the caller may do with the dataset, and no more."""
    access = detail.summary.access if caller.writes else "reader"
    if access == "reader":
        return [ACTIVITY]
    may_edit = [act for act in EDITS if access == "owner" or act != RENAME]
    found = [*may_edit, NEW_VERSION, ACTIVITY, *(delete_version if len(detail.files) > 1 else ())]
    if access == "owner":
        found += [DELETE] if caller.alone else [HAND_OVER, DELETE]
    return found


def open_share() -> None:
    st.session_state["tab"] = "Share"


def head(detail: DatasetDetail, file: FileVersion, caller: Caller) -> None:
    summary = detail.summary
    badges = [wording.format_name(file.format), *summary.tags]
    delete_version = f":material/history: Delete version {file.version}"
    with st.container(key="dataset-head", gap="xxsmall"):
        with st.container(key="dataset-line", horizontal=True, vertical_alignment="center", gap="xsmall"):
            with st.container(key="main-title", horizontal=True, vertical_alignment="center", gap="small"):
                st.title(wording.plain(summary.name), anchor=False, width="content")
                st.markdown(" ".join(f":gray-badge[{wording.plain(badge)}]" for badge in badges), width="content")
            with st.container(
                key="dataset-actions", horizontal=True, width="content", vertical_alignment="center", gap="xsmall"
            ):
                versions(detail, file)
                if may_share(detail, caller):
                    st.button("Share", icon=":material/ios_share:", key="share", on_click=open_share)
                file_actions(file, on_failed=download_failed, key="actions")
                offered = acts(detail, caller, delete_version)
                act = st.menu_button("More", offered, key="more")
        if summary.description:
            st.markdown("  \n".join(wording.plain(line) for line in summary.description.splitlines()))
        facts(detail, file, key="facts")
        same_content(detail, file)
    if act == NEW_VERSION:
        go("/upload", dataset=str(summary.id))
    if act == delete_version:
        edits.delete_version(detail, file)
    if act == ACTIVITY:
        show_activity(detail)
    if act == HAND_OVER:
        hand_over(detail)
    if act == DELETE:
        edits.delete(detail)
    if act in EDITS:
        EDITS[act](detail)


def same_content(detail: DatasetDetail, file: FileVersion) -> None:
    """Which other version, of this or another dataset, holds the very same bytes."""
    if not detail.same_as or file.id != detail.summary.file_id:
        return
    one, more = detail.same_as[0], len(detail.same_as) - 1
    others = f" and {wording.counted(more, 'other file')}" if more else ""
    st.page_link(
        HERE / "dataset.py",
        label=f"Same content as {wording.plain(one.dataset_name)}, version {one.version}{others}",
        icon=":material/file_copy:",
        query_params={"id": str(one.dataset_id), "v": str(one.version)},
        width="content",
    )


def failed_download(file: FileVersion) -> None:
    """Where a download did not come: what happened, and a second way."""
    slug = st.query_params.get("error")
    if slug is None:
        return
    st.error(
        failures.download_sentence(slug),
        title=f"{wording.plain(file.file_name)} was not downloaded",
        icon=":material/error:",
    )
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        file_actions(file, on_failed=download_failed, second_way=True, key="second-way")
        st.button("Dismiss", type="tertiary", key="dismiss", on_click=failures.forget_download)


def failed_versions(detail: DatasetDetail, caller: Caller) -> None:
    """Versions whose bytes are not what was sent are said, not shown, with what can be done about each."""
    for file in detail.failed:
        why = file.failure or "The stored bytes differ from what was announced, so it is not served; upload it again."
        st.warning(
            f"{wording.plain(file.file_name)}: {wording.plain(why)}",
            title=f"Version {file.version} failed its check",
            icon=":material/warning:",
        )
        if not allows(caller, detail.summary.access, Need.EDIT):
            continue
        with st.container(horizontal=True, gap="xsmall"):
            if st.button("Upload it again", icon=":material/upload:", key=f"again-{file.version}"):
                go("/upload", dataset=str(detail.summary.id))
            if st.button(f"Delete version {file.version}", type="tertiary", key=f"drop-{file.version}"):
                edits.delete_version(detail, file)


def nothing_served(detail: DatasetDetail, caller: Caller) -> None:
    """A dataset none of whose versions is good: it stands in no list, and its page says why."""
    st.title(wording.plain(detail.summary.name), anchor=False)
    failed_versions(detail, caller)


def settling(file: FileVersion) -> bool:
    """Whether the background reader will soon know more of a file: its rows, or its checksum."""
    return file.rows_counted == "counting" or (file.sha256 is None and file.created_at > now() - FRESH)


@st.fragment(run_every=LOOK_AGAIN, key="watch")
def watch(file: FileVersion) -> None:
    """Draw the page again once more is known."""
    try:
        known = services.current().files.get(current_caller(), file.id)
    except (CatalogError, DatabaseUnavailable):
        return
    if known != file:
        draw_anew()


def use_tab(file: FileVersion, caller: Caller) -> None:
    code = snippets(base_url(), file, with_token=not caller.alone)
    chosen = st.segmented_control(
        "Language", list(code), default=next(iter(code)), required=True, label_visibility="collapsed", key="language"
    )
    shell = chosen == "curl"
    st.code(code[chosen], language=None if shell else "python", wrap_lines=True)
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.markdown(f":small[:gray[Pinned to v{file.version}, so results can be repeated.]]", width="content")
        if not caller.alone:
            st.page_link(HERE / "account.py", label="Make a token", icon=":material/key:", width="content")


def tabs(detail: DatasetDetail, file: FileVersion, caller: Caller, links: Sequence[ShareLinkView]) -> None:
    """Draw the tab that is open, and only that."""
    parts: dict[str, Callable[[], None]] = {
        "Preview": lambda: preview_tab(file, caller, changes=allows(caller, detail.summary.access, Need.EDIT)),
        "Columns": lambda: columns_tab(detail, file),
        "Chart": lambda: chart_tab(detail, file),
        "Query": lambda: query_tab(detail, file),
        "Share": lambda: share_tab(detail, file, caller, links),
        "Use it": lambda: use_tab(file, caller),
    }
    # The counts are no part of the labels: those are what the address says.
    count = "" if file.columns is None else wording.exact(file.columns)
    shared = wording.exact(good) if (good := active(links)) else ""
    st.html(f'<style>.st-key-tab {{ --ds-columns: "{count}"; --ds-links: "{shared}" }}</style>')
    for tab, draw_tab in zip(st.tabs(list(parts), key="tab", bind="query-params"), parts.values(), strict=True):
        if tab.open:
            with tab:
                draw_tab()


def draw() -> None:
    with failures.shown("The dataset cannot be read", key="dataset"):
        caller = caller_of_run()
        detail = asked_for(caller)
        if detail is None or not (detail.files or detail.failed):
            lying = in_trash(caller)
            not_here() if lying is None else resting(lying)
            return
        st.set_page_config(page_title=f"{detail.summary.name} · Datashelf")
        back()
        undo.line(str(detail.summary.id))
        if not detail.files:
            nothing_served(detail, caller)
            return
        file = version_of(detail)
        failed_download(file)
        failed_versions(detail, caller)
        head(detail, file, caller)
        tabs(detail, file, caller, services.current().shares.list(caller, dataset_id=detail.summary.id))
        if settling(file):
            watch(file)


draw()
