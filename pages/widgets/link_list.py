"""The rows of the Shared links screen: whom each link is for, what it leads to, how far it is used, and taking it back.

Share links and upload requests are drawn by the same component: both are addresses that people without an account have.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

import streamlit as st

from pages.widgets.assets import read

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

Act = Literal["revoke", "renew"]


@dataclass(frozen=True, slots=True)
class LinkRow:
    """One row, in the words of the screen."""

    id: str
    name: str
    about: str
    """What it leads to, and what else is to be known of it."""
    href: str = ""
    """Where a click on the row goes; nowhere where it is empty."""
    url: str = ""
    """The address that is copied; empty where it cannot be told any more, or leads nowhere."""
    shown: str = ""
    """The address as it is shown, without its scheme."""
    ended: str = ""
    """Why it does not work any more, as a badge."""
    used: str = ""
    ends: str = ""
    ends_title: str = ""
    urgent: bool = False
    last: str = ""
    last_title: str = ""
    act: Act | Literal[""] = ""
    fresh: bool = False
    """Made just now: it stands out."""


def link_list(
    rows: Sequence[LinkRow],
    *,
    summary: str,
    heads: tuple[str, str, str],
    on_act: Callable[[], None],
    label: str,
    key: str,
) -> None:
    """Draw the rows under a heading that begins with `summary`; `heads` are the names of the columns of what is used,
    when it ends and when it was used last.

    `on_act` is a callback; the id and the act of the row pressed are then in `st.session_state[key]["act"]`.
    """
    _list()(
        key=key,
        data={"summary": summary, "heads": list(heads), "label": label, "rows": [asdict(row) for row in rows]},
        on_act_change=on_act,
    )


def link_cards(rows: Sequence[LinkRow], *, on_act: Callable[[], None], label: str, key: str) -> None:
    """The same rows where there is less room, and every one leads to what is on the screen: name and state, one line of
    facts (`about`), the address. `on_act` as in `link_list`."""
    _cards()(key=key, data={"label": label, "rows": [asdict(row) for row in rows]}, on_act_change=on_act)


def pressed(key: str) -> tuple[str, Act] | None:
    """In `on_act`: the id and the act; None where a tampered browser sent something else."""
    answer = st.session_state.get(key, {}).get("act")
    if not isinstance(answer, dict) or not isinstance(answer.get("id"), str):
        return None
    act = answer.get("act")
    return (answer["id"], act) if act in ("revoke", "renew") else None


@cache
def _list() -> ComponentRenderer:
    return st.components.v2.component(
        "datashelf_link_list",
        html='<div class="list" role="table"></div>',
        css=read("quiet_buttons.css", "dataset_list.css", "link_parts.css", "link_list.css"),
        js=read("icons.js", "clipboard.js", "goto.js", "link_parts.js", "link_list.js"),
    )


@cache
def _cards() -> ComponentRenderer:
    return st.components.v2.component(
        "datashelf_link_cards",
        html='<ul class="cards"></ul>',
        css=read("quiet_buttons.css", "link_parts.css", "link_cards.css"),
        js=read("icons.js", "clipboard.js", "link_parts.js", "link_cards.js"),
    )
