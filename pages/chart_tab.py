"""A chart of one version's rows, aggregated where they lie: its kind, its columns, the picture, and what it covers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import streamlit as st

import services
from catalog.errors import CatalogError
from catalog.views import DatasetDetail, FileVersion
from pages import failures, jobs, vega, wording
from pages.chart_choice import KINDS, LABELS, choice, fitting, params_of, possible
from pages.identity import current_caller
from pages.no_rows import no_table
from pages.widgets.chart_export import chart_export
from preview.asking import Cancel, ChartData, ChartSpec
from preview.errors import Cancelled, PreviewError
from preview.result import Column
from storage import FileNotInStorage

SLOT = "chart-job"
PATIENCE = 0.7
"""Seconds a run waits for a chart before it shows that one is drawn."""
LOOK_AGAIN = timedelta(seconds=0.5)
WIDE, NARROW = 180, 150
"""Pixels of a picker; four narrow ones stand in one line beside the kinds."""
NONE = "None"
PARTS = ("kind", "x", "y", "measure", "color")
FIGURE = vega.HEIGHT + 40


@st.fragment(key="chart")
def chart_tab(detail: DatasetDetail, file: FileVersion) -> None:
    """Draw the tab: pickers, the picture, what it covers, and how to take it along."""
    with failures.shown("The chart cannot be drawn", key="chart-failed"):
        waiting = st.empty()
        if st.session_state.get("seen-chart") != file.id:
            waiting.skeleton(FIGURE)
        try:
            caller = current_caller()
            # One row is enough to know the columns; the rows themselves stay where they are.
            columns = services.current().previews.preview(caller, file.id, rows=1).columns
            suggested = services.current().charts.suggest(caller, file.id)
        except (PreviewError, FileNotInStorage, CatalogError) as error:
            waiting.empty()
            no_table(error)
            return
        waiting.empty()
        st.session_state["seen-chart"] = file.id
        spec = choice(st.query_params.to_dict(), columns, suggested)
        if spec is None:
            _nothing("Nothing to draw", "No column holds numbers, dates, or words to group by.")
            return
        _pickers(spec, columns)
        _figure(detail, file, spec)


def _pickers(spec: ChartSpec, columns: tuple[Column, ...]) -> None:
    # The address decides; the widgets only show it.
    st.session_state["chart-kind"] = spec.kind
    with st.container(key="chart-pickers", horizontal=True, vertical_alignment="top", gap="small"):
        st.segmented_control(
            "Kind",
            possible(columns),
            format_func=lambda kind: KINDS[kind],
            required=True,
            key="chart-kind",
            on_change=_keep(spec, "kind"),
            width="content",
        )
        parts = {
            part: label
            for part, label in LABELS[spec.kind].items()
            if part != "y" or spec.kind in ("scatter", "box") or spec.measure != "count"
        }
        width = NARROW if len(parts) > 3 else WIDE
        for part, label in parts.items():
            if part == "measure":
                _measure(spec, label, width)
            else:
                _column(spec, part, label, columns, width)


def _measure(spec: ChartSpec, label: str, width: int) -> None:
    st.session_state["chart-measure"] = spec.measure
    st.selectbox(
        label,
        list(vega.MEASURES),
        format_func=lambda measure: vega.MEASURES[measure],
        key="chart-measure",
        on_change=_keep(spec, "measure"),
        width=width,
    )


def _column(spec: ChartSpec, part: str, label: str, columns: tuple[Column, ...], width: int) -> None:
    optional = part == "color" or (spec.kind == "box" and part == "x")
    fit = fitting(columns, spec.kind, part, spec.measure)
    chosen = getattr(spec, part)
    key = f"chart-{part}"
    # A column may be called "None": no choice is a value of its own.
    options: list[str | None] = [None, *fit] if optional else list(fit)
    st.session_state[key] = chosen
    st.selectbox(
        label,
        options,
        format_func=lambda name: NONE if name is None else name,
        placeholder=NONE,
        key=key,
        on_change=_keep(spec, part),
        width=width,
    )


def _keep(spec: ChartSpec, part: str) -> Callable[[], None]:
    """Write what was picked into the address, beside the rest of the chart drawn; another kind begins anew."""

    def keep() -> None:
        picked = st.session_state[f"chart-{part}"]
        kept = {"kind": picked, "x": st.query_params.get("x", "")} if part == "kind" else params_of(spec)
        kept[part] = picked or ""
        for name in PARTS:
            if kept.get(name):
                st.query_params[name] = kept[name]
            else:
                st.query_params.pop(name, None)

    return keep


def _figure(detail: DatasetDetail, file: FileVersion, spec: ChartSpec) -> None:
    file_id = file.id

    def draw(cancel: Cancel) -> ChartData:
        return services.current().charts.draw(caller, file_id, spec, cancel=cancel)

    caller = current_caller()
    job = jobs.ask(SLOT, (file_id, spec), draw)
    # A fragment of its own looks again while the chart is drawn, so the pickers above stay still.
    again = None if job.wait(max(0, PATIENCE - job.seconds)) else LOOK_AGAIN
    st.fragment(_picture, run_every=again, key="chart-picture")(detail, file, job, watched=again is not None)


def _picture(detail: DatasetDetail, file: FileVersion, job: jobs.Job[ChartData], *, watched: bool) -> None:
    if not job.done:
        with st.container(key="chart-waiting", horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f":small[:gray[Drawing… {job.seconds:.0f} s]]", width="content")
            st.button("Stop", type="tertiary", icon=":material/close:", key="stop-chart", on_click=job.cancel.set)
        st.skeleton(FIGURE)
        return
    if watched:
        st.rerun()
    # Of its own: what fails inside a fragment is shown by Streamlit before anything around it hears of it.
    with failures.shown("The chart cannot be drawn", key="picture-failed"):
        _drawn(detail, file, job)


def _drawn(detail: DatasetDetail, file: FileVersion, job: jobs.Job[ChartData]) -> None:
    try:
        data = job.result()
    except Cancelled:
        _nothing("Stopped", "The chart was not drawn.", again="Draw it")
        return
    except (PreviewError, FileNotInStorage, CatalogError) as error:
        _nothing(error.title if isinstance(error, PreviewError) else "No chart", str(error), again="Try again")
        return
    if not data.records:
        _nothing("Nothing to draw", "No row has a value in these columns.")
        return
    title = vega.title(data.spec)
    with st.container(key="chart-figure"):
        st.vega_lite_chart(vega.specification(data), alt=f"{title}. {data.how}", key="chart-drawn")
    with st.container(key="chart-below", horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f":small[:gray[{wording.plain(data.how)}]]", width="stretch")
        chart_export(
            name=f"{detail.summary.name} {title}",
            caption=f"{detail.summary.name} v{file.version} · {title} · {data.how}",
            figure="chart-figure",
            key="chart-export",
        )


def _nothing(title: str, sentence: str, *, again: str = "") -> None:
    with st.container(key="nothing", horizontal_alignment="center", gap="xsmall"):
        st.markdown(f"**{wording.plain(title)}**", width="content")
        st.markdown(f":gray[{wording.plain(sentence)}]", width="content", text_alignment="center")
        if again and st.button(again, icon=":material/refresh:", key="draw-again", on_click=jobs.forget, args=(SLOT,)):
            st.rerun()
