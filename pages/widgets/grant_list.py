"""Who a dataset is shared with: its owner first, then groups and people, each with what they may do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import TYPE_CHECKING

import streamlit as st

from pages.widgets.assets import read

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer


@dataclass(frozen=True, slots=True)
class GrantRow:
    """One line. `kind` is user or group; without an `id` nothing can be changed about it here."""

    id: str
    kind: str
    name: str
    level: str = ""
    shown: str = ""
    """What they may do, in words."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """What was pressed: another level for somebody, or none, which takes them off the list."""

    id: str
    kind: str
    level: str


def grant_list(
    grants: Sequence[GrantRow],
    *,
    levels: Mapping[str, str],
    may_change: bool,
    on_change: Callable[[], None],
    key: str,
) -> None:
    """Draw the lines. `levels` are what may be chosen, with their words; in the callback, `changed(key)` says what was
    pressed."""
    _component()(
        key=key,
        data={
            "grants": [asdict(one) for one in grants],
            "levels": [list(level) for level in levels.items()],
            "may_change": may_change,
        },
        on_change_change=on_change,
    )


def changed(key: str) -> Change | None:
    """In the callback; None where a tampered browser sent something else."""
    answer = st.session_state.get(key, {}).get("change")
    if not isinstance(answer, dict):
        return None
    id_, kind, level = answer.get("id"), answer.get("kind"), answer.get("level")
    if isinstance(id_, str) and isinstance(kind, str) and isinstance(level, str):
        return Change(id_, kind, level)
    return None


@cache
def _component() -> ComponentRenderer:
    return st.components.v2.component(
        "datashelf_grant_list",
        html='<ul class="grants" aria-label="Shared with"></ul>',
        css=read("quiet_buttons.css", "grant_list.css"),
        js=read("icons.js", "grant_list.js"),
    )
