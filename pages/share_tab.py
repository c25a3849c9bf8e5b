"""The Share tab of a dataset: who else sees it, and links for people without an account."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import streamlit as st

import services
from catalog.access import Need, allows
from catalog.caller import Caller
from catalog.errors import CatalogError
from catalog.share_links import LONGEST_NOTE, MOST_COLUMNS, MOST_DOWNLOADS, NewShare, ShareLinkView
from catalog.views import DatasetDetail, FileVersion
from pages import link_acts, link_words, wording
from pages.identity import base_url, current_caller, now, zone
from pages.who_sees import who_sees
from pages.widgets.link_list import link_cards
from preview.errors import AboutQuery, PreviewError
from storage import FileNotInStorage, StorageError

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

LIVES = {"1 day": timedelta(days=1), "7 days": timedelta(days=7), "30 days": timedelta(days=30), "Never": None}
CARDS = "link-cards"
FORM = "share-form"
"""In the session: how many links the form made. Each new one begins with an empty form, so no password stays in it."""
FRESH = "share-fresh"
"""In the session: the link made last, which stands out while it works, until another page or tab is opened."""


def active(links: Sequence[ShareLinkView]) -> int:
    return sum(link.state == "active" for link in links)


def may_share(detail: DatasetDetail, caller: Caller) -> bool:
    """Whether the caller hands out links to the dataset."""
    return allows(caller, detail.summary.access, Need.EDIT)


def share_tab(detail: DatasetDetail, file: FileVersion, caller: Caller, links: Sequence[ShareLinkView]) -> None:
    """Draw the tab; `links` are those to the dataset that the caller may see."""
    if not caller.alone:
        who_sees(detail, may_change=allows(caller, detail.summary.access, Need.OWN))
        st.space("small")
    if not may_share(detail, caller):
        owner = wording.plain(detail.summary.owner)
        st.subheader("Links", anchor=False)
        st.markdown(f":gray[Links for people without an account are made by {owner}, and by whoever may edit it.]")
        return
    left, right = st.columns([1, 1.9], gap="large")
    with left:
        new_link(detail, file)
    with right, st.container(gap="xsmall"):
        st.subheader("Links to this dataset", anchor=False)
        link_acts.said(str(detail.summary.id))
        if links:
            link_rows(detail, links, caller)
        else:
            st.markdown(":gray[None yet. Whoever has a link downloads without an account, as long as you say.]")


def link_rows(detail: DatasetDetail, links: Sequence[ShareLinkView], caller: Caller) -> None:
    fresh, base, at, here = st.session_state.get(FRESH), base_url(), now(), zone()
    made = next((link for link in links if link.id == fresh), None)
    if made is not None and made.state == "active":
        told(made)
    link_cards(
        [
            link_words.row(link, base=base, caller=caller.name, now=at, zone=here, told=True, fresh=link.id == fresh)
            for link in links
        ],
        on_act=lambda: link_acts.act(str(detail.summary.id), CARDS),
        label="Links to this dataset",
        key=CARDS,
    )


def forget() -> None:
    """Of the link made last: it stands out no more."""
    st.session_state.pop(FRESH, None)


def told(made: ShareLinkView) -> None:
    """What there is to know of the link that was made just now."""
    said = "Copy the link and send it."
    if made.has_password:
        said = "Copy the link and send it. Send the password another way: it is shown nowhere again."
    st.markdown(f":small[:gray[{said}]]")
    link_acts.reaches_nobody()
    for note in made.notes:
        st.markdown(f":small[:orange[:material/info:] {wording.plain(note)}]")


def new_link(detail: DatasetDetail, file: FileVersion) -> None:
    """The form. What is wrong is said beside what it is about, and everything typed stays."""
    mark = st.session_state.setdefault(FORM, 0)
    with st.form(f"{FORM}-{file.id}-{mark}", border=False):
        st.subheader("New link", anchor=False)
        note = st.text_input(
            "For",
            placeholder="e.g. Partner audit",
            max_chars=LONGEST_NOTE,
            help="What the link is called in your lists. Whoever has it does not see this.",
            key=f"share-note-{mark}",
        )
        life = st.segmented_control("Expires", list(LIVES), default="7 days", required=True, key=f"share-life-{mark}")
        most = st.number_input(
            "Downloads allowed",
            min_value=1,
            max_value=MOST_DOWNLOADS,
            value=None,
            placeholder="No limit",
            key=f"share-most-{mark}",
        )
        password = st.text_input(
            "Password",
            type="password",
            placeholder="Optional",
            autocomplete="new-password",
            key=f"share-password-{mark}",
        )
        latest = st.toggle("Always serve the latest version", key=f"share-latest-{mark}")
        columns, where, about_part = part_of(file, mark)
        made = st.form_submit_button("Create link", icon=":material/link:", type="primary", key=f"share-create-{mark}")
        about_all = st.container()
    if made:
        asked = NewShare(
            expires_in=LIVES[life],
            max_downloads=most,
            password=password or None,
            note=note,
            latest=latest,
            columns=columns or None,
            where=where.strip() or None,
        )
        create(file, asked, about_part=about_part, about_all=about_all)


def part_of(file: FileVersion, mark: int) -> tuple[list[str], str, DeltaGenerator | None]:
    """Which columns and rows the link shall serve, and where to say what is wrong with them; the last is None where the
    file is no table."""
    try:
        preview = services.current().previews.preview(current_caller(), file.id, rows=1)
    except (PreviewError, FileNotInStorage, StorageError, CatalogError):
        return [], "", None
    names = [column.name for column in preview.columns]
    with st.expander("Share only a part", key=f"share-part-{mark}"):
        columns = st.multiselect(
            "Columns",
            names,
            placeholder="All columns",
            max_selections=MOST_COLUMNS,
            select_all=False,
            key=f"share-columns-{mark}",
        )
        where = st.text_input(
            "Only rows where",
            placeholder=f"e.g. {example(names)}",
            help="A condition in SQL. The link serves a copy made now with these columns and rows, and nothing else.",
            key=f"share-where-{mark}",
        )
        about = st.container()
    return columns, where, about


def example(names: Sequence[str]) -> str:
    """A condition on the first column that reads well."""
    name = names[0] if names else "state"
    quoted = name if name.isidentifier() and name.islower() else '"' + name.replace('"', '""') + '"'
    return f"{quoted} IS NOT NULL"


def create(file: FileVersion, asked: NewShare, *, about_part: DeltaGenerator | None, about_all: DeltaGenerator) -> None:
    """Make the link and draw the page with it, or say why there is none."""
    sliced = asked.columns is not None or asked.where is not None
    try:
        with about_all, st.spinner("Making the copy that the link serves" if sliced else "Making the link"):
            made = services.current().shares.create(current_caller(), file.id, asked)
    except (CatalogError, PreviewError, StorageError) as error:
        about_sql = isinstance(error, AboutQuery)
        with about_part if about_sql and about_part is not None else about_all:
            st.error(f":small[{wording.plain(why_not(error))}]", icon=":material/error:")
        return
    except ConnectionError:
        with about_all:
            st.error("The database does not answer. No link was made; try again.", icon=":material/cloud_off:")
        return
    st.session_state[FRESH] = made.id
    st.session_state[FORM] += 1
    st.rerun()


def why_not(error: Exception) -> str:
    """What is wrong, with the name that may have been meant, where a condition names none of the file's columns."""
    suggestion = error.suggestion if isinstance(error, AboutQuery) else None
    if suggestion is None or suggestion in str(error):
        return str(error)
    return f"{error} Did you mean “{suggestion}”?"
