"""What is different from another version: one line on top of the columns, and all of it where it is opened."""

from __future__ import annotations

from datetime import timedelta

import streamlit as st

import services
from catalog.comparisons import Drift, Side
from catalog.errors import CatalogError
from catalog.views import DatasetDetail, FileVersion
from pages import column_words, failures, wording
from pages.identity import current_caller

LOOK_AGAIN = timedelta(seconds=1)
NAMED = 12
"""Columns, or sentences, that are named; the rest is counted."""


def drift_card(detail: DatasetDetail, file: FileVersion) -> None:
    """Draw the card where there is another version to compare with."""
    if len(detail.files) < 2:
        return
    # Looked at again only while something is computed; what drew it last knows.
    again = LOOK_AGAIN if st.session_state.get("drift-computing") == file.id else None
    st.fragment(_card, run_every=again, key="drift")(detail, file, watched=again is not None)


def _card(detail: DatasetDetail, file: FileVersion, *, watched: bool) -> None:
    with failures.shown("The versions cannot be compared", key="drift-failed"):
        other = other_version(detail, file, st.query_params.get("against"))
        try:
            drift = services.current().comparisons.compare(
                current_caller(), detail.summary.id, old=other, new=file.version
            )
        except CatalogError as error:
            st.markdown(f":small[:gray[{wording.plain(str(error))}]]")
            return
        with st.expander(f"Compared with v{other}: {wording.plain(headline(drift))}", key="drift-card"):
            _choose(detail, file, other)
            for line in details(drift):
                st.markdown(f":small[{line}]")
    st.session_state["drift-computing"] = file.id if drift.computing else None
    if drift.computing != watched:
        # Only the whole page can begin, or end, to draw this part again by itself.
        st.rerun()


def other_version(detail: DatasetDetail, file: FileVersion, asked: str | None) -> int:
    """The version to compare with: the one asked for, else the one before, else the one after."""
    numbers = sorted(one.version for one in detail.files if one.version != file.version)
    if asked in {str(number) for number in numbers}:
        return int(str(asked))
    return max((number for number in numbers if number < file.version), default=numbers[0])


def _choose(detail: DatasetDetail, file: FileVersion, other: int) -> None:
    others = [one.version for one in detail.files if one.version != file.version]
    if len(others) < 2:
        return
    st.session_state["drift-version"] = other
    st.selectbox(
        "Compare with",
        others,
        format_func=lambda number: f"v{number}",
        width=140,
        key="drift-version",
        on_change=_keep,
    )


def _keep() -> None:
    st.query_params["against"] = str(st.session_state["drift-version"])


def headline(drift: Drift) -> str:
    """`+1 column, rows 3,376 → 3,402, 2 columns moved`."""
    parts = []
    if drift.added:
        parts.append(f"+{wording.counted(len(drift.added), 'column')}")
    if drift.lost:
        parts.append(f"−{wording.counted(len(drift.lost), 'column')}")
    if drift.retyped:
        parts.append(f"{wording.counted(len(drift.retyped), 'column')} of another type")
    if drift.old.rows is not None and drift.new.rows is not None and drift.old.rows != drift.new.rows:
        parts.append(f"rows {drift.old.rows:,} → {drift.new.rows:,}")
    if moved := len({one.column for one in drift.moved}):
        parts.append(f"{wording.counted(moved, 'column')} moved")
    if drift.computing:
        parts.append("still counting" if parts or drift.compared is not None else "counting…")
    elif drift.compared is None:
        parts.append("columns not compared")
    return ", ".join(parts) or "the same columns and rows, and nothing moved"


def details(drift: Drift) -> list[str]:
    """All of it, a line of Markdown each."""
    lines = [_rows(drift.old, drift.new)]
    for title, columns in (("Added", drift.added), ("Lost", drift.lost)):
        if columns:
            named = [f"{wording.plain(one.name)} :gray[{column_words.type_name(one.type)}]" for one in columns[:NAMED]]
            lines.append(f"**{title}** {', '.join(named)}{_more(len(columns))}")
    if drift.retyped:
        named = [
            f"{wording.plain(one.name)} :gray[{column_words.type_name(one.old)} → {column_words.type_name(one.new)}]"
            for one in drift.retyped[:NAMED]
        ]
        lines.append(f"**Another type** {', '.join(named)}{_more(len(drift.retyped))}")
    lines += [wording.plain(one.text) for one in drift.moved[:NAMED]]
    if len(drift.moved) > NAMED:
        lines.append(f":gray[and {wording.counted(len(drift.moved) - NAMED, 'smaller change')}]")
    if drift.compared is not None and not drift.moved:
        lines.append(f":gray[Nothing moved in the {wording.counted(drift.compared, 'column')} that both have.]")
    return [*lines, *(f":gray[{wording.plain(note)}]" for note in drift.notes)]


def _rows(old: Side, new: Side) -> str:
    if old.rows is None or new.rows is None:
        return ":gray[The rows of both versions are not counted yet.]"
    if old.rows == new.rows:
        return f"{wording.counted(new.rows, 'row')}, as many as before"
    by = new.rows - old.rows
    sign = "+" if by > 0 else "−"
    share = f", {sign}{column_words.share(abs(by), old.rows)}" if 0 < abs(by) < old.rows else ""
    return f"{old.rows:,} → {wording.counted(new.rows, 'row')} :gray[({sign}{abs(by):,}{share})]"


def _more(count: int) -> str:
    return f" :gray[and {count - NAMED:,} more]" if count > NAMED else ""
