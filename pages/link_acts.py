"""Taking a link back, and letting it work again; what came of it is said where it was pressed."""

from __future__ import annotations

import uuid

import streamlit as st

import services
from catalog.errors import CatalogError
from pages import link_words, wording
from pages.identity import current_caller, reaches_others
from pages.widgets.link_list import pressed
from preview.errors import PreviewError
from storage import StorageError

KEY = "link-said"


def reaches_nobody() -> None:
    """Beside a new link, where its address leads to this computer alone."""
    if not reaches_others():
        st.markdown(
            ":small[:orange[:material/info:] This address works on this computer only. Set PUBLIC_URL to the one that "
            "others reach the shelf by, and let them.]"
        )


def act(place: str, key: str) -> None:
    """A callback of the list `key`: do what was pressed, and keep what to say at `place`."""
    asked = pressed(key)
    if asked is None:
        return
    shares, (link, what) = services.current().shares, asked
    try:
        caller, link_id = current_caller(), uuid.UUID(link)
        name = wording.plain(link_words.called(shares.get(caller, link_id)))
        if what == "revoke":
            shares.revoke(caller, link_id)
        else:
            shares.renew(caller, link_id)
    except (CatalogError, PreviewError, StorageError, ValueError) as error:
        say(place, wording.plain(str(error)), failed=True)
    except ConnectionError:
        say(place, "The database does not answer. Nothing was changed; try again in a moment.", failed=True)
    else:
        say(place, f"“{name}” is refused from now on." if what == "revoke" else f"“{name}” works again.")


def say(place: str, sentence: str, *, failed: bool = False) -> None:
    """Keep a sentence, in Markdown, for the next run."""
    st.session_state[KEY] = (place, sentence, failed)


def said(place: str) -> None:
    """Draw what is to be said at this place, once."""
    told: tuple[str, str, bool] | None = st.session_state.get(KEY)
    if told is None or told[0] != place:
        return
    del st.session_state[KEY]
    if told[2]:
        st.error(told[1], icon=":material/error:")
    else:
        with st.container(key="told", horizontal=True):
            st.markdown(told[1], width="content")
