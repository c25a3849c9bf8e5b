"""Which columns the Preview shows: `cols=` in the address, chosen by name where a file has many."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from preview.result import Preview

KEY = "cols"
MOST = 200
"""Columns chosen by name: more are not read side by side, and would not fit into an address."""

SIDE_BY_SIDE = 1000
"""Columns shown where none are chosen."""


def chosen() -> tuple[str, ...]:
    """The columns the address or the form asks for; none: all of them."""
    asked = st.session_state[KEY] if KEY in st.session_state else st.query_params.get_all(KEY)
    return tuple(dict.fromkeys(asked))[:MOST]


def choose(names: Sequence[str], *, picked: Sequence[str]) -> None:
    """The popover with the names to choose from. The names are only sent while it is open: there may be thousands."""
    popover = st.popover("Columns", type="tertiary", key="choose-columns", on_change="rerun")
    with popover:
        st.multiselect(
            "Columns to show",
            list(dict.fromkeys([*picked, *(names if popover.open else ())])),
            placeholder="All columns",
            max_selections=MOST,
            select_all=False,
            width=340,
            key=KEY,
            bind="query-params",
        )


def forget() -> None:
    st.session_state[KEY] = []


def narrowed(preview: Preview) -> Preview:
    """The preview with no more columns than a browser draws quickly; all of them can still be chosen by name."""
    if len(preview.columns) <= SIDE_BY_SIDE:
        return preview
    rows = [row[:SIDE_BY_SIDE] for row in preview.json_rows()]
    return replace(
        preview,
        columns=preview.columns[:SIDE_BY_SIDE],
        rows_json=json.dumps(rows).encode(),
        all_columns=names_of(preview),
    )


def names_of(preview: Preview) -> tuple[str, ...]:
    """Every column that can be chosen."""
    return preview.all_columns or tuple(column.name for column in preview.columns)


def coverage(preview: Preview, *, picked: Sequence[str]) -> str:
    """`all 7 columns`, `12 of 5,000 columns`, `the first 1,000 of 5,000 columns`."""
    shown, count = len(preview.columns), preview.column_count
    if shown == count:
        return "1 column" if shown == 1 else f"all {shown:,} columns"
    return f"{shown:,} of {count:,} columns" if picked else f"the first {shown:,} of {count:,} columns"
