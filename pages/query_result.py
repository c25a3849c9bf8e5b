"""What can be done with a query's answer: looked at as a table or a chart, copied, downloaded, kept as a dataset."""

from __future__ import annotations

import uuid
from typing import Literal

import streamlit as st

import services
from catalog.errors import CatalogError
from catalog.views import DatasetDetail, FileVersion
from pages import jobs, query_words, vega, wording
from pages.identity import base_url, caller_of_run, current_caller
from pages.navigation import go, open_dialog
from pages.rows_table import ROW, SHOWN, as_shown
from pages.widgets.chart_export import chart_export
from pages.widgets.query_actions import query_actions
from pages.widgets.ready_file import ready_file
from preview.asking import Cancel, QueryResult
from preview.errors import Cancelled, PreviewError
from storage import StorageError, link_base

EXPORT, SAVE = "query-export", "query-save"
FORMATS: dict[str, Literal["parquet", "csv"]] = {"Parquet": "parquet", "CSV": "csv"}


def keep_watch() -> bool:
    """Whether a file is being made of a result, or one that was made is not told of yet."""
    return jobs.running(EXPORT) or jobs.running(SAVE)


def result_actions(detail: DatasetDetail, file: FileVersion, sql: str, result: QueryResult, *, link: str) -> None:
    """Draw the buttons beside the result; `link` is its address, "" where it is too long for one."""
    query_actions(link=link, csv=query_words.as_csv(result.preview), key="query-actions")
    picked = st.menu_button(
        "Download", list(FORMATS), type="tertiary", icon=":material/download:", key="download-result"
    )
    if picked in FORMATS:
        _export(file, sql, picked)
        st.rerun()
    if caller_of_run().writes and st.button(
        "Save as dataset", type="tertiary", icon=":material/database:", key="save-result"
    ):
        st.session_state["sql-to-save"] = (file.id, sql)
        open_dialog("Save the result as a dataset", _ask_name, detail)


def result_body(detail: DatasetDetail, result: QueryResult) -> None:
    """Draw the result, and what became of it."""
    _exported()
    _saved()
    chart = query_words.result_chart(result)
    view = "Table"
    if chart is not None and chart.records:
        view = st.segmented_control(
            "Show the result as",
            ["Table", "Chart"],
            default="Table",
            required=True,
            label_visibility="collapsed",
            key="result-view",
        )
    if view == "Chart" and chart is not None:
        title = f"{chart.spec.y} by {chart.spec.x}"
        with st.container(key="result-figure"):
            st.vega_lite_chart(vega.specification(chart, y_title=chart.spec.y), alt=f"{title}. {chart.how}")
        with st.container(key="result-below", horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f":small[:gray[{wording.plain(chart.how)}]]", width="stretch")
            name = f"{detail.summary.name} {title}"
            caption = f"{detail.summary.name} · {title} · {chart.how}"
            chart_export(name=name, caption=caption, figure="result-figure", key="result-export")
        return
    _table(result)


def _table(result: QueryResult) -> None:
    frame = result.preview.frame
    if frame.empty:
        st.markdown(":gray[No row meets it.]")
        return
    frame, formats = as_shown(frame, result.preview.columns)
    st.dataframe(
        frame,
        hide_index=True,
        height=ROW * (min(len(frame), SHOWN) + 1) + 2,
        row_height=ROW,
        column_config={**formats, **query_words.bars_of_counts(result.preview, frame)},
        placeholder="",
        key="query-rows",
    )
    if result.preview.notes:
        st.markdown(f":small[:gray[{wording.plain(' '.join(result.preview.notes))}]]")


def _export(file: FileVersion, sql: str, picked: str) -> None:
    caller, file_id, base = current_caller(), file.id, base_url()

    def make(cancel: Cancel) -> str:
        link_base.set(base)  # this thread is of no request that would have said it
        return services.current().queries.export(caller, file_id, sql, format=FORMATS[picked], cancel=cancel)

    jobs.forget(EXPORT)
    jobs.ask(EXPORT, (uuid.uuid4(), picked, file_id, sql), make)


def _exported() -> None:
    job: jobs.Job[str] | None = st.session_state.get(EXPORT)
    if job is None or job.key[2:] != st.session_state["query-job"].key:  # type: ignore[index]  # our own key
        return
    token, picked = str(job.key[0]), str(job.key[1])  # type: ignore[index]  # our own key
    if not job.done:
        _under_way(f"Writing {picked}… {job.seconds:.0f} s", EXPORT)
        return
    try:
        url = job.result()
    except Cancelled:
        jobs.forget(EXPORT)
    except (PreviewError, CatalogError, StorageError) as error:
        st.error(wording.plain(str(error)), title=f"No {picked} file was made", icon=":material/error:")
    else:
        ready_file(url, f"The result as {picked}", token=token, key="ready-file")


def _ask_name(detail: DatasetDetail) -> None:
    with st.form("save-result-form", border=False):
        name = st.text_input("Name", value=f"{detail.summary.name} result", max_chars=200, key="result-name")
        st.markdown(":small[:gray[The whole result is kept as a Parquet file, not only the rows shown.]]")
        saved = st.form_submit_button("Save", type="primary", key="keep-result")
    if not saved:
        return
    if not name.strip():
        st.error("A dataset needs a name.", icon=":material/error:")
        return
    caller = current_caller()
    file_id, sql = st.session_state["sql-to-save"]

    def save(cancel: Cancel) -> uuid.UUID:
        return services.current().queries.save(caller, file_id, sql, name=name.strip(), cancel=cancel)

    jobs.forget(SAVE)
    jobs.ask(SAVE, (name.strip(), file_id, sql), save)
    st.rerun()


def _saved() -> None:
    job: jobs.Job[uuid.UUID] | None = st.session_state.get(SAVE)
    if job is None or job.key[1:] != st.session_state["query-job"].key:  # type: ignore[index]  # our own key
        return
    name = wording.plain(str(job.key[0]))  # type: ignore[index]  # our own key
    if not job.done:
        _under_way(f"Saving as {name}… {job.seconds:.0f} s", SAVE)
        return
    try:
        dataset_id = job.result()
    except Cancelled:
        jobs.forget(SAVE)
    except (PreviewError, CatalogError, StorageError) as error:
        st.error(wording.plain(str(error)), title=f"{name} was not saved", icon=":material/error:")
    else:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f":green[:material/check_circle:] Saved as **{name}**", width="content")
            if st.button("Open it", type="tertiary", icon=":material/database:", key="open-saved"):
                go("/dataset", id=str(dataset_id))


def _under_way(words: str, slot: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f":small[:gray[{words}]]", width="content")
        st.button(
            "Stop", type="tertiary", icon=":material/close:", key=f"stop-{slot}", on_click=jobs.stop, args=(slot,)
        )
