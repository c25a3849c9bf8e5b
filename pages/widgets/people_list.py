"""The rows of the People screen: people with their role and what they have there, and groups with their people."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, tzinfo
from functools import cache
from typing import TYPE_CHECKING
from uuid import UUID

import streamlit as st

from catalog.people import GroupView, PersonView
from pages import wording
from pages.widgets.assets import read

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

NAMES_SHOWN = 6
PEOPLE_HEAD = [["text", ""], ["", "Role"], ["in", "Groups"], ["number", "On the shelf"], ["number when", "Signed in"]]
GROUPS_HEAD = [["text", ""], ["number", "People"]]
ACTS = ["acts", "What can be done"]


def person_row(
    person: PersonView, groups: Sequence[str], *, me: UUID, now: datetime, zone: tzinfo
) -> dict[str, object]:
    """What one person's row shows, in the words of the screen."""
    badges = [
        badge
        for badge, holds in (
            ("you", person.id == me),
            ("disabled", person.disabled_at is not None),
            ("invited", person.disabled_at is None and person.signed_in_at is None),
        )
        if holds
    ]
    has = f"{wording.counted(person.datasets, 'dataset')} · {wording.size(person.size)}" if person.datasets else ""
    seen = person.signed_in_at
    return {
        "id": str(person.id),
        "name": person.name,
        "badges": badges,
        "about": person.email or "no e-mail address",
        "gone": person.disabled_at is not None,
        "cells": [
            ["", person.role.value.capitalize(), ""],
            ["in", ", ".join(groups), ", ".join(groups)],
            ["number", has, ""],
            [
                "number when",
                "not yet" if seen is None else wording.ago(seen, now=now, zone=zone),
                "" if seen is None else wording.moment(seen, zone=zone),
            ],
        ],
        "acts": [{"name": "edit", "label": f"Edit {person.name}", "text": "Edit"}],
    }


def group_row(group: GroupView) -> dict[str, object]:
    """What one group's row shows; the members of one from a directory are not changed here."""
    names = [member.name for member in group.members]
    more = f" and {len(names) - NAMES_SHOWN:,} more" if len(names) > NAMES_SHOWN else ""
    acts = [{"name": "delete", "label": f"Delete {group.name}", "text": "Delete"}]
    if not group.from_directory:
        acts.insert(0, {"name": "edit", "label": f"Edit {group.name}", "text": "Edit"})
    return {
        "id": str(group.id),
        "name": group.name,
        "badges": ["from the directory"] if group.from_directory else [],
        "about": (", ".join(names[:NAMES_SHOWN]) + more) or "nobody yet",
        "gone": False,
        "cells": [["number", wording.exact(len(names)), ""]],
        "acts": acts,
    }


def people_list(
    people: Sequence[PersonView],
    groups_of: Mapping[UUID, Sequence[str]],
    *,
    me: UUID,
    now: datetime,
    zone: tzinfo,
    on_edit: Callable[[], None],
    key: str,
) -> None:
    """Draw the people. The callback finds the id of the row pressed in `st.session_state[key]`, under `edit`."""
    rows = [person_row(one, groups_of.get(one.id, ()), me=me, now=now, zone=zone) for one in people]
    head = [["text", wording.counted(len(rows), "person", "people")], *PEOPLE_HEAD[1:], ACTS]
    _draw(rows, head, groups=False, on_edit=on_edit, on_delete=_nothing, key=key)


def group_list(
    groups: Sequence[GroupView], *, on_edit: Callable[[], None], on_delete: Callable[[], None], key: str
) -> None:
    """Draw the groups. The callbacks find the id of the row pressed under `edit` or `delete`."""
    rows = [group_row(one) for one in groups]
    head = [["text", wording.counted(len(rows), "group")], *GROUPS_HEAD[1:], ACTS]
    _draw(rows, head, groups=True, on_edit=on_edit, on_delete=on_delete, key=key)


def _draw(
    rows: Sequence[dict[str, object]],
    head: Sequence[Sequence[str]],
    *,
    groups: bool,
    on_edit: Callable[[], None],
    on_delete: Callable[[], None],
    key: str,
) -> None:
    _component()(
        key=key,
        data={"items": list(rows), "head": list(head), "groups": groups},
        on_edit_change=on_edit,
        on_delete_change=on_delete,
    )


def _nothing() -> None:
    """No row of people has it."""


@cache
def _component() -> ComponentRenderer:
    return st.components.v2.component(
        "datashelf_people_list",
        html='<div class="list" role="table"></div>',
        css=read("quiet_buttons.css", "dataset_list.css", "people_list.css"),
        js=read("icons.js", "people_list.js"),
    )
