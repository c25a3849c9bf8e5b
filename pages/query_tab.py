"""SQL over one version: examples, an editor, the answer, and what can be done with it.

What is asked stands in the address, so a link shows the same answer, and the browser's Back the one before.
"""

from __future__ import annotations

from datetime import timedelta

import streamlit as st

import services
from catalog.errors import CatalogError
from catalog.views import DatasetDetail, FileVersion
from pages import failures, jobs, query_words, wording
from pages.identity import current_caller
from pages.navigation import dataset_address
from pages.no_rows import no_table
from pages.query_result import keep_watch, result_actions, result_body
from preview.asking import Cancel, QueryResult
from preview.errors import AboutQuery, Cancelled, PreviewError
from storage import FileNotInStorage, StorageError

SLOT = "query-job"
PATIENCE = 0.5
"""Seconds a run waits for an answer before it shows that one is on its way."""
LOOK_AGAIN = timedelta(seconds=0.5)
ROWS = 1000
LONGEST_ADDRESS = 4000
"""Characters of SQL that an address carries; proxies refuse much longer ones."""


def query_tab(detail: DatasetDetail, file: FileVersion) -> None:
    """Draw the tab; while something is under way it is drawn again and again, and nothing else is."""
    again = LOOK_AGAIN if jobs.running(SLOT) or keep_watch() else None
    st.fragment(_query, run_every=again, key="query")(detail, file, watched=again is not None)


def _query(detail: DatasetDetail, file: FileVersion, *, watched: bool) -> None:
    with failures.shown("The query cannot be asked", key="query-failed"):
        try:
            caller = current_caller()
            known = services.current().previews.preview(caller, file.id, rows=1)
            examples = {one.label: one.sql for one in services.current().queries.examples(caller, file.id)}
        except (PreviewError, FileNotInStorage, CatalogError) as error:
            no_table(error)
            return
        first = next(iter(examples.values()), "SELECT *\nFROM data\nLIMIT 100")
        _take_address(file, first)
        _editor(
            detail,
            file,
            examples,
            query_words.tables(
                [column.name for column in known.columns],
                known.column_count,
                file.version,
                [one.version for one in detail.files],
            ),
        )
        _answer(detail, file)
    underway = jobs.running(SLOT) or keep_watch()
    if underway != watched:
        # Only the whole page can begin, or end, to draw this part again by itself.
        st.rerun()


def _take_address(file: FileVersion, first: str) -> None:
    """What the address asks goes into the editor and is asked; the editor keeps what was typed between tabs."""
    state, asked = st.session_state, st.query_params.get("sql")
    if state.get("sql-of") != file.dataset_id:
        jobs.forget(SLOT)
        state.update({"sql-of": file.dataset_id, "sql-address": None, "sql-draft": first, "sql-asked": None})
    if asked is not None and asked != state["sql-address"]:
        state.update({"sql": asked, "sql-draft": asked, "sql-asked": asked})
    state["sql-address"] = asked
    if "sql" not in state:
        state["sql"] = state["sql-draft"]


def _ask() -> None:
    """Ask what the editor holds, anew even where it was asked before."""
    text = st.session_state["sql"]
    jobs.forget(SLOT)
    st.session_state.update({"sql-draft": text, "sql-asked": text})
    if len(text) <= LONGEST_ADDRESS:
        st.query_params["sql"] = st.session_state["sql-address"] = text
    else:
        st.query_params.pop("sql", None)
        st.session_state["sql-address"] = None


def _keep_draft() -> None:
    st.session_state["sql-draft"] = st.session_state["sql"]


def _editor(detail: DatasetDetail, file: FileVersion, examples: dict[str, str], tables: str) -> None:
    def take_example() -> None:
        # A click on the pill that is lit takes its light away: it is the one the editor holds, and asks it.
        picked = st.session_state["sql-example"]
        if picked in examples:
            st.session_state["sql"] = examples[picked]
        _ask()

    shown = next((label for label, sql in examples.items() if sql == st.session_state["sql"]), None)
    st.session_state["sql-example"] = shown
    st.pills("Examples", list(examples), key="sql-example", on_change=take_example, label_visibility="collapsed")
    lines = st.session_state["sql"].count("\n") + 1
    st.text_area(
        "SQL",
        key="sql",
        height=24 * min(max(lines + 1, 5), 14) + 20,
        label_visibility="collapsed",
        on_change=_keep_draft,
    )
    st.markdown(f":small[{tables}]")


def _answer(detail: DatasetDetail, file: FileVersion) -> None:
    asked = st.session_state["sql-asked"]
    job: jobs.Job[QueryResult] | None = None
    if asked is not None:
        caller, file_id = current_caller(), file.id

        def run(cancel: Cancel) -> QueryResult:
            return services.current().queries.run(caller, file_id, asked, limit=ROWS, cancel=cancel)

        job = jobs.ask(SLOT, (file_id, asked), run)
        # Only the run that asks waits; those that look again must not keep the screen busy.
        job.wait(max(0, PATIENCE - job.seconds))
    result, error = _outcome(job)
    with st.container(key="query-line", horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            "Run", type="primary", icon=":material/play_arrow:", shortcut="Mod+Enter", key="run-query", on_click=_ask
        )
        if job is not None and not job.done:
            st.button("Stop", icon=":material/close:", key="stop-query", on_click=job.cancel.set)
        st.markdown(f":small[:gray[{wording.plain(_status(job, result))}]]", width="stretch")
        if result is not None and asked is not None:
            newest = detail.files[0].version
            version = {} if file.version == newest else {"v": str(file.version)}
            link = dataset_address(detail.summary.id, **version, tab="Query", sql=asked)
            result_actions(detail, file, asked, result, link=link if len(asked) <= LONGEST_ADDRESS else "")
    if result is not None:
        result_body(detail, result)
    elif error is not None:
        _failed(error)
    elif job is not None:
        st.skeleton(200)


def _outcome(job: jobs.Job[QueryResult] | None) -> tuple[QueryResult | None, Exception | None]:
    if job is None or not job.done:
        return None, None
    try:
        return job.result(), None
    except (PreviewError, FileNotInStorage, CatalogError) as error:
        return None, error


def _status(job: jobs.Job[QueryResult] | None, result: QueryResult | None) -> str:
    limit = services.current().settings.preview.query_timeout
    if job is not None and not job.done:
        return f"Running… {job.seconds:.0f} s · stops after {limit:.0f} s"
    if result is None:
        return f"Read-only, stops after {limit:.0f} s"
    return query_words.told(result, stops_after=limit)


def _failed(error: Exception) -> None:
    """Why there is no answer, pointing at the place in the query where that is known."""
    if isinstance(error, Cancelled):
        st.markdown(":small[:gray[Stopped. Nothing was changed; Run asks again.]]")
        return
    title = error.title if isinstance(error, PreviewError) else "The query does not run"
    away = isinstance(error, StorageError)
    st.error(wording.plain(str(error)), title=title, icon=":material/cloud_off:" if away else ":material/error:")
    place = error.place if isinstance(error, AboutQuery) else None
    if place is not None:
        with st.container(key="query-place", gap="xxsmall"):
            st.markdown(f":small[:gray[Line {place.line}, character {place.column}]]")
            st.code(place.excerpt, language=None)
