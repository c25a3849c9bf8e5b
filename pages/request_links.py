"""Upload requests on the Shared links screen: asking for files, what came of each request, and taking it back."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo

import streamlit as st

import services
from catalog.access import check_writes
from catalog.caller import Caller
from catalog.errors import CatalogError, ReadOnly
from catalog.request_state import RequestState, UploadRequestView
from catalog.requests import LONGEST_NOTE, MOST_FILES
from pages import link_words, wording
from pages.identity import base_url, current_caller, now, zone
from pages.link_acts import reaches_nobody, said, say
from pages.navigation import open_dialog
from pages.requested import round_size
from pages.widgets.link_list import LinkRow, link_list, pressed

PLACE = "requests"
LIST = "request-list"
FRESH = "fresh-request"
HEADS = ("Files", "Expires", "Last used")
LIVES = {
    "1 day": timedelta(days=1),
    "7 days": timedelta(days=7),
    "30 days": timedelta(days=30),
    "90 days": timedelta(days=90),
    "Never": None,
}
USUAL = "7 days"
MB = 1_000_000
MOST_MB = 5_000_000
ENDED = {RequestState.FULL: "Full", RequestState.EXPIRED: "Expired", RequestState.REVOKED: "Revoked"}
OVER = (RequestState.EXPIRED, RequestState.REVOKED)


def request_links(caller: Caller) -> None:
    """The section: nothing at all for somebody who may ask for no files and never did."""
    found, may_ask = services.current().requests.list(caller), _may_ask(caller)
    if not found and not may_ask:
        return
    with st.container(key="requests-head", horizontal=True, vertical_alignment="center"):
        st.subheader("Upload requests", anchor=False, width="stretch")
        ask = may_ask and st.button("Ask for files", icon=":material/move_to_inbox:", key="ask-for-files")
    said(PLACE)
    if found:
        _rows(found, may_change=may_ask)
    else:
        st.markdown(
            ":gray[Send a link to somebody without an account: the files they drop there come onto your shelf.]"
        )
    if ask:
        open_dialog("Ask for files", _ask, None)


def _may_ask(caller: Caller) -> bool:
    try:
        check_writes(caller)
    except ReadOnly:
        return False
    return True


def _rows(found: Sequence[UploadRequestView], *, may_change: bool) -> None:
    going_on = [view for view in found if view.state not in OVER]
    over = [view for view in found if view.state in OVER]
    shown = going_on
    if over and (not going_on or st.toggle(f"Show {wording.counted(len(over), 'ended one')}", key="ended-requests")):
        shown = going_on + over
    at, here, base, fresh = now(), zone(), base_url(), st.session_state.pop(FRESH, None)
    if fresh is not None:
        reaches_nobody()
    link_list(
        [row(view, now=at, zone=here, base=base, may_change=may_change, fresh=view.id == fresh) for view in shown],
        summary=wording.counted(len(shown), "request"),
        heads=HEADS,
        on_act=_act,
        label="Upload requests",
        key=LIST,
    )


def row(
    view: UploadRequestView, *, now: datetime, zone: tzinfo, base: str, may_change: bool = True, fresh: bool = False
) -> LinkRow:
    """A request as a row; `base` is where its address begins."""
    over = view.state in OVER
    url = "" if over or view.token is None else f"{base}/s/{view.token}"
    return LinkRow(
        id=str(view.id),
        name=called(view),
        about=facts(view),
        url=url,
        shown=link_words.without_scheme(url) if url else "",
        ended=ENDED.get(view.state, ""),
        used=f"{view.files:,}" if view.max_files is None else f"{view.files:,} of {view.max_files:,}",
        ends=link_words.ends(view.expires_at, now=now, zone=zone),
        ends_title="" if view.expires_at is None else wording.moment(view.expires_at, zone=zone),
        urgent=not over and link_words.urgent(view.expires_at, now=now),
        last="not yet" if view.last_used_at is None else wording.ago(view.last_used_at, now=now, zone=zone),
        last_title="" if view.last_used_at is None else wording.moment(view.last_used_at, zone=zone),
        act="revoke" if may_change and not over else "",
        fresh=fresh,
    )


def called(view: UploadRequestView) -> str:
    return view.note or "Without a note"


def facts(view: UploadRequestView) -> str:
    """`up to 2 GB each · password`."""
    known = (
        "" if view.max_size is None else f"up to {round_size(view.max_size)} each",
        "password" if view.has_password else "",
        link_words.ENDED_BY_KEY if view.key_changed else "",
    )
    return " · ".join(fact for fact in known if fact) or "files of any size"


def _act() -> None:
    asked = pressed(LIST)
    if asked is None or asked[1] != "revoke":
        return
    try:
        view = services.current().requests.revoke(current_caller(), uuid.UUID(asked[0]))
    except (CatalogError, ValueError) as error:
        say(PLACE, wording.plain(str(error)), failed=True)
    except ConnectionError:
        say(PLACE, "The database does not answer. Nothing was changed; try again in a moment.", failed=True)
    else:
        say(PLACE, f"“{wording.plain(called(view))}” takes no more files. What has arrived is on your shelf.")


def _ask(_about: None) -> None:
    """The dialog."""
    st.markdown(":gray[Whoever has the link can send you files, without an account. They see nothing of your shelf.]")
    note = st.text_input(
        "What for",
        max_chars=LONGEST_NOTE,
        placeholder="The sales of November",
        help="Whoever opens the link reads it.",
        key="request-note",
    )
    life = st.segmented_control("Expires", list(LIVES), default=USUAL, required=True, key="request-life")
    with st.container(horizontal=True, gap="small"):
        most = st.number_input(
            "Most files", min_value=1, max_value=MOST_FILES, value=None, placeholder="Any number", key="request-files"
        )
        largest = st.number_input(
            "Largest file, in MB",
            min_value=1,
            max_value=MOST_MB,
            value=None,
            placeholder="Any size",
            key="request-size",
        )
    password = st.text_input(
        "Password",
        type="password",
        autocomplete="new-password",
        placeholder="None",
        help="Tell it to them by another way than the link.",
        key="request-password",
    )
    with st.container(horizontal=True, horizontal_alignment="right", gap="xsmall"):
        if st.button("Cancel", key="request-cancel"):
            st.rerun()
        create = st.button("Create link", type="primary", key="request-create")
    if create and life is not None:
        _create(note, LIVES[life], most, largest, password)


def _create(note: str, life: timedelta | None, most: int | None, largest_mb: int | None, password: str) -> None:
    try:
        view = services.current().requests.create(
            current_caller(),
            note,
            expires_in=life,
            max_files=most,
            max_size=None if largest_mb is None else largest_mb * MB,
            password=password or None,
        )
    except CatalogError as error:
        st.error(wording.plain(str(error)), icon=":material/error:")
    except ConnectionError:
        st.error("The database does not answer. Nothing was made; try again in a moment.", icon=":material/cloud_off:")
    else:
        st.session_state[FRESH] = view.id
        say(PLACE, f"The link “{wording.plain(called(view))}” is made. Copy it below and send it.")
        st.rerun()
