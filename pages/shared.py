"""What somebody sees who has a link and no account: one card, and nothing else of the shelf.

Looking counts nothing. The link is asked about anew on every run: it may have been taken back meanwhile.
"""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

import streamlit as st

import services
from catalog.errors import CatalogError, LinkEnded, ShareNotFound
from catalog.link_passwords import cookie_name
from catalog.request_state import RequestState
from catalog.snippets import link_snippets
from catalog.visitors import Visit
from pages import column_words, failures, link_words, visit_words, wording
from pages.chosen_columns import narrowed
from pages.identity import base_url, now
from pages.link_password import password_form
from pages.requested import asked_by, is_request, requested
from pages.rows_table import ROW, as_shown
from pages.widgets.column_bars import column_bars
from pages.widgets.link_download import link_download
from preview.errors import PreviewError
from storage import StorageError

WIDTH = 560
SEEN = 6
"""Rows in sight; the others scroll in their box."""
COLUMNS = 100
"""Columns with a picture; a page of two thousand would help nobody."""
LOOK_AGAIN = timedelta(seconds=1)


def token_asked() -> str:
    return st.query_params.get("token", "")


def visit_of(token: str) -> Visit:
    """Raises ShareNotFound, LinkEnded, DatabaseUnavailable."""
    return services.current().shares.visit(token, unlocked=st.context.cookies.get(cookie_name(token)))


def message(title: str, text: str) -> None:
    """In the card's place: why there is nothing to see."""
    with st.container(horizontal=True):
        st.title(wording.plain(title), anchor=False)
    st.markdown(f":gray[{wording.plain(text)}]")


def locked(token: str, why: str) -> None:
    st.markdown(f":small[:gray[{wording.plain(why)}]]")
    with st.container(horizontal=True):
        st.title("This link has a password", anchor=False)
    password_form(token)


def opened(visit: Visit) -> None:
    st.set_page_config(page_title=f"{visit.dataset_name} · Datashelf")
    st.markdown(f":small[:gray[{wording.plain(visit_words.shared_by(visit))}]]")
    with st.container(key="shared-name", gap="xxsmall"):
        with st.container(horizontal=True):
            st.title(wording.plain(visit.dataset_name), anchor=False)
        description(visit)
    st.markdown(f":small[:gray[{wording.plain(visit_words.facts(visit, now=now()))}]]")
    if slug := st.query_params.get("error"):
        st.error(visit_words.not_sent(slug), title="The file was not downloaded", icon=":material/error:")
    with st.container(key="shared-download", gap="xsmall"):
        link_download(visit.download_path, f"Download · {wording.size(visit.size)}", key="link-download")
        if said := link_words.limits(visit.expires_at, visit.downloads_left, now=now()):
            st.markdown(f":small[:gray[{said}]]", text_alignment="center")
    rows(visit)
    st.fragment(columns, run_every=None if counted(visit) else LOOK_AGAIN, key="shared-columns")(visit.token)


def description(visit: Visit) -> None:
    """As typed; a long one begins here, and a press shows the rest."""
    text = visit.description.strip()
    if not text:
        return
    short = None if st.session_state.get("whole-description") else visit_words.shortened(text)
    st.markdown("  \n".join(wording.plain(line) for line in (short or text).splitlines()))
    if short is not None and st.button("Read all of it", type="tertiary", key="read-all"):
        st.session_state["whole-description"] = True
        st.rerun()


def rows(visit: Visit) -> None:
    """The first rows, scrolling in a box of their own, and what they cover; or why there are none."""
    said = ""
    try:
        preview = narrowed(services.current().shares.rows(visit))
    except (PreviewError, StorageError, CatalogError) as error:
        title = error.title if isinstance(error, PreviewError) else "The rows cannot be read now"
        st.markdown(f":small[**{title}.** :gray[{wording.plain(str(error))}]]")
    else:
        frame, formats = as_shown(preview.frame, preview.columns)
        count = len(frame)
        if count and len(preview.columns):
            st.dataframe(
                frame,
                height=ROW * (min(count, SEEN) + 1) + 2,
                row_height=ROW,
                column_config=formats,
                hide_index=True,
                placeholder="",
                key="shared-rows",
            )
        total = visit.rows if preview.total_rows is None else preview.total_rows
        said = visit_words.first_rows(count, total, len(preview.columns), preview.column_count)
    with st.container(key="shared-below", horizontal=True, vertical_alignment="center"):
        st.markdown(f":small[:gray[{said}]]", width="stretch")
        check(visit)


def check(visit: Visit) -> None:
    """How to see that what arrived is what was sent, and how to read the file without a browser."""
    with st.popover("Check the file", type="tertiary", key="check-file"):
        if visit.sha256 is not None:
            st.markdown(":small[:gray[SHA-256 of the file]]")
            st.code(visit.sha256, language=None, wrap_lines=True)
        code = link_snippets(base_url() + visit.raw_path, visit, with_password=visit.has_password)
        st.markdown(":small[:gray[Read it without a browser]]")
        chosen = next(iter(code))
        if len(code) > 1:
            chosen = st.segmented_control(
                "Language", list(code), default=chosen, required=True, label_visibility="collapsed", key="language"
            )
        st.code(code[chosen], language=None if chosen == "curl" else "python", wrap_lines=True)
        notes = ["curl asks for the password."] if visit.has_password else []
        if visit.downloads_left is not None:
            notes.append("Each reading counts as a download.")
        if notes:
            st.markdown(f":small[:gray[{' '.join(notes)}]]")


def counted(visit: Visit) -> bool:
    """Whether there is nothing to wait for: the columns are counted, or will not be."""
    try:
        return services.current().shares.statistics(visit).status != "computing"
    except (PreviewError, StorageError, CatalogError):
        return True


def columns(token: str) -> None:
    """A small picture of each column; looked at again while they are counted."""
    try:
        visit = visit_of(token)
        if visit.locked:
            return
        state = services.current().shares.statistics(visit)
    except (CatalogError, PreviewError, StorageError, ConnectionError):
        return  # the rows above say what is wrong; the page itself, once it is drawn again, that the link has ended
    profile = state.profile
    if profile is None:
        if state.status == "computing":
            st.skeleton(ROW * 4)
        return
    if not profile.columns:
        return
    shown = profile.columns[:COLUMNS]
    column_bars(shown, rows=profile.rows, key="column-bars")
    told = column_words.coverage(profile)
    if len(shown) < profile.column_count:
        told = f"The first {len(shown):,} of {profile.column_count:,} columns · {told}"
    st.markdown(f":small[:gray[{wording.plain(told)}]]")
    if state.status != "computing" and not st.session_state.get("columns-counted"):
        # Only the whole page can end to draw this part again by itself.
        st.session_state["columns-counted"] = True
        st.rerun()


def body(token: str) -> None:
    try:
        visit = visit_of(token)
    except LinkEnded as error:
        message("This link does not work any more", str(error))
        return
    except ShareNotFound:
        if is_request(token):
            request(token)
        else:
            message("There is no such link", "Look whether all of it was copied, or ask whoever sent it to you.")
        return
    if visit.locked:
        locked(token, visit_words.shared_by(visit))
    else:
        opened(visit)


def request(token: str) -> None:
    """The link asks for files."""
    asked = asked_by(token)
    if asked.state is RequestState.LOCKED:
        locked(token, "Somebody asks you for files")
    else:
        st.set_page_config(page_title="Send files · Datashelf")
        requested(token, asked)


def draw() -> None:
    with st.container(key="shared", horizontal_alignment="center", gap="small"):
        with (
            st.container(key="shared-card", border=True, width=WIDTH, gap="small"),
            failures.shown("This link cannot be opened now", key="shared-failed"),
        ):
            body(token_asked())
        host = wording.plain(urlsplit(base_url()).netloc)
        st.markdown(f":small[:gray[Served by {host} · no account needed]]", width="content", text_alignment="center")


draw()
