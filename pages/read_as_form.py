"""Saying how a dataset's files are read where what was detected is wrong: a form under "Change", and the choice of a
sheet or of a file in a zip right beside the facts."""

from __future__ import annotations

import uuid
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

import services
from catalog.errors import CatalogError, DatabaseUnavailable
from pages import chosen_columns, wording
from pages.column_words import type_name
from pages.identity import current_caller
from preview.dialect import DELIMITERS
from preview.encoding import CHOICES
from preview.errors import PreviewError
from preview.read_as import AS_DETECTED, TYPES_TO_CHOOSE, Detected, ReadAs
from storage import StorageError

FORM = "read-as"
"""The popover's key: whether it is open."""
WRONG = "read-as-wrong"
"""Why the last choice was not taken."""
FIELD = "read-as-field-"
DETECTED = "\0"
"""The option that says nothing: no delimiter, no encoding and no quote is called so."""
QUOTES = {'"': 'Double "', "'": "Single '", "": "None"}
HEADERS = {True: "Column names", False: "Values"}
MOST_SKIPPED = 1000


@dataclass(frozen=True, slots=True)
class Choice:
    """One field of `ReadAs` to choose: what it is called, what there is, and what was detected."""

    field: str
    label: str
    options: Mapping[Hashable, str]
    detected: str = ""
    free: bool = False
    """Whether something else can be typed."""


def choices(detected: Detected, kept: ReadAs) -> tuple[Choice, ...]:
    """What can be said of a file that was read so; nothing of one that says all of it itself, as a Parquet does."""
    found: list[Choice] = []

    def offer(field: str, label: str, options: Mapping[Any, str], *, free: bool = False) -> None:
        now = getattr(detected, field)
        chosen = getattr(kept, field)
        known = {**options, **{one: f"“{one}”" for one in (now, chosen) if one is not None and one not in options}}
        # What would be detected is only known where nothing was chosen.
        found.append(Choice(field, label, known, known[now] if now is not None and chosen is None else "", free))

    if detected.delimiter is not None:
        offer(
            "delimiter",
            "Delimiter",
            {**{one: name.capitalize() for one, name in DELIMITERS.items()}, "": "One column"},
            free=True,
        )
    if detected.encoding is not None:
        offer("encoding", "Encoding", CHOICES)
    if detected.header is not None:
        offer("header", "First row", HEADERS)
    if detected.quote is not None:
        offer("quote", "Quotes", QUOTES)
    return tuple(found)


UNREAD = Detected(delimiter="", encoding="", header=True, quote="", skip=0)
"""Of a file that could not be read: a text is what can be read otherwise."""


def change(dataset_id: uuid.UUID, kept: ReadAs, detected: Detected | None, columns: Sequence[str]) -> None:
    """The popover with the form. `detected` is None where the file could not be read; `columns` are those shown."""
    if st.query_params.pop("change", None):
        st.session_state[FORM] = True
    known = detected or UNREAD
    offered = choices(known, kept)
    if not offered and kept == AS_DETECTED:
        return
    popover = st.popover(
        "Change" if detected else "Read it in another way", type="tertiary", key=FORM, on_change=forget
    )
    if not popover.open:
        return
    with popover, st.container(key="read-as-form", gap="small", width=420):
        typed = known.encoding is not None or known.sheet is not None
        _form(dataset_id, kept, replace(known, encoding=known.encoding or None), offered, columns if typed else ())


def forget() -> None:
    """What was wrong the last time is over when the form is opened again."""
    st.session_state.pop(WRONG, None)


def _form(
    dataset_id: uuid.UUID, kept: ReadAs, known: Detected, offered: Sequence[Choice], columns: Sequence[str]
) -> None:
    # Another way of reading is another form: what a widget held before would win over what is kept now.
    mark = f"-{kept.key}"
    with st.form(f"{FORM}-form{mark}", border=False):
        with st.container(horizontal=True, gap="small"):
            for choice in offered:
                _select(choice, getattr(kept, choice.field), mark)
            if known.skip is not None:
                st.number_input(
                    "Rows before the table",
                    min_value=0,
                    max_value=MOST_SKIPPED,
                    value=kept.skip,
                    step=1,
                    format="%d",
                    placeholder=f"{known.skip} (detected)" if kept.skip is None else "As detected",
                    width=200,
                    key=f"{FIELD}skip{mark}",
                )
        if columns or kept.types:
            _types(kept, columns, mark)
        if wrong := st.session_state.get(WRONG):
            st.markdown(f":red[{wording.plain(wrong)}]")
        with st.container(horizontal=True, gap="xsmall"):
            st.form_submit_button("Apply", key=f"{FORM}-apply", on_click=apply, args=(dataset_id, kept, offered, mark))
            if kept != AS_DETECTED:
                st.form_submit_button(
                    "As detected", type="tertiary", key=f"{FORM}-reset", on_click=keep, args=(dataset_id, AS_DETECTED)
                )
    st.markdown(":small[:gray[Kept for every version of this dataset. The file itself is not changed.]]")


def _select(choice: Choice, kept: Hashable, mark: str) -> None:
    first = f"{choice.detected} (detected)" if choice.detected else "As detected"
    st.selectbox(
        choice.label,
        [DETECTED, *choice.options],
        index=0 if kept is None else 1 + list(choice.options).index(kept),
        format_func=lambda one: first if one == DETECTED else choice.options.get(one, one),
        accept_new_options=choice.free,
        width=200,
        key=f"{FIELD}{choice.field}{mark}",
    )


def _types(kept: ReadAs, columns: Sequence[str], mark: str) -> None:
    """Columns one after the other: their number is not known, and a table of them would close the popover."""
    said = dict(kept.types)
    if said:
        st.multiselect(
            "Types chosen",
            list(said),
            default=list(said),
            format_func=lambda name: f"{name}: {type_name(said[name]).lower()}",
            key=f"{FIELD}types{mark}",
        )
    with st.container(horizontal=True, gap="small"):
        st.selectbox(
            "Column" if not said else "Another column",
            [name for name in columns if name not in said],
            index=None,
            placeholder="Choose a column",
            width=200,
            key=f"{FIELD}column{mark}",
        )
        st.selectbox(
            "Is of type",
            TYPES_TO_CHOOSE,
            index=None,
            format_func=type_name,
            placeholder="As detected",
            width=200,
            key=f"{FIELD}type{mark}",
        )


def apply(dataset_id: uuid.UUID, kept: ReadAs, offered: Sequence[Choice], mark: str) -> None:
    """Keep what the form says. What it does not ask for stays as it was."""
    state = st.session_state
    said = {choice.field: state.get(f"{FIELD}{choice.field}{mark}", DETECTED) for choice in offered}
    said = {field: None if value == DETECTED else value for field, value in said.items()}
    types = {name: kind for name, kind in kept.types if name in state.get(f"{FIELD}types{mark}", ())}
    column, kind = state.get(f"{FIELD}column{mark}"), state.get(f"{FIELD}type{mark}")
    if column is not None and kind is not None:
        types[column] = kind
    skip = state.get(f"{FIELD}skip{mark}", kept.skip)
    keep(dataset_id, replace(kept, **said, skip=skip, types=tuple(sorted(types.items()))))


def keep(dataset_id: uuid.UUID, read_as: ReadAs) -> None:
    """Read the dataset's files so from now on and close the form; where that cannot be, say why in it."""
    try:
        caller, previews = current_caller(), services.current().previews
        previews.try_read_as(caller, dataset_id, read_as)
        previews.set_read_as(caller, dataset_id, read_as)
    except (PreviewError, CatalogError, StorageError, DatabaseUnavailable) as error:
        st.session_state[WRONG] = str(error)
        return
    st.session_state.pop(WRONG, None)
    st.session_state[FORM] = False
    # Other rows and other columns than those the address was made for.
    st.session_state["rows"] = 1
    chosen_columns.forget()
    for name in ("where", "row"):
        st.query_params.pop(name, None)


def part(dataset_id: uuid.UUID, kept: ReadAs, detected: Detected) -> None:
    """Which sheet of a workbook, or which file of a zip, where there are several."""
    for field, label, options in (("member", "File", detected.members), ("sheet", "Sheet", detected.sheets)):
        shown = getattr(detected, field)
        if len(options) < 2:
            continue
        key = f"{FIELD}{field}"
        # What is shown decides; the widget only shows it.
        st.session_state[key] = shown
        st.selectbox(
            label,
            [*options, *({shown} - {*options, None})],
            label_visibility="collapsed",
            help=f"{label} shown: {len(options):,} to choose from",
            width=220,
            key=key,
            on_change=_choose_part,
            args=(dataset_id, kept, field),
        )


def _choose_part(dataset_id: uuid.UUID, kept: ReadAs, field: str) -> None:
    chosen = st.session_state[f"{FIELD}{field}"]
    # Another file of a zip has sheets of its own.
    other = {"member": chosen, "sheet": None} if field == "member" else {"sheet": chosen}
    keep(dataset_id, replace(kept, **other))
