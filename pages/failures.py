"""What a screen says when something does not answer, or a download did not come: in place, with the next step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import streamlit as st
import structlog

from catalog.errors import AdminsOnly, CatalogError, DatabaseUnavailable, NotAllowed, NotSignedIn, ReadOnly
from pages import wording
from storage import StorageError

log = structlog.get_logger(__name__)

DOWNLOAD = "download-failed"
"""The `error` of an address where the browser itself saw a download fail; the API puts its own problem slugs there."""

DOWNLOADS = {
    "storage-unavailable": "The store does not answer. The file is safe there; try again when it is back.",
    "storage-denied": "The store refuses this server’s credentials. The file is untouched; ask whoever runs the shelf.",
    "bucket-missing": "The store answers, but its bucket is not there. Whoever runs the shelf can look into it.",
    "storage-full": "The store has no room left. The file is untouched.",
    "object-missing": "The store no longer has this file. Another version may still be there.",
    "file-not-ready": "This version is not complete, or its content failed the check, and is never handed out.",
    "file-not-found": "This version was deleted. Another one may still be there.",
    "database-unavailable": "The database does not answer. The file is untouched; try again in a moment.",
}
OTHERWISE = "The file did not arrive. It is untouched on the shelf; try again, or copy a direct link and open that."


def download_sentence(slug: str) -> str:
    """Why a download did not come and what to do; an unknown slug, typed by hand, gets the general one."""
    return DOWNLOADS.get(slug, OTHERWISE)


def forget_download() -> None:
    """Take the failed download out of the address, and so off the page."""
    st.query_params.pop("error", None)


@contextmanager
def shown(title: str, *, key: str) -> Iterator[None]:
    """Turn what does not answer, and a fault of ours, into a sentence under `title`, with a button to try again."""
    try:
        yield
    except DatabaseUnavailable:
        _say(title, "The database does not answer. Nothing was changed; try again in a moment.", key=key)
    except (AdminsOnly, NotAllowed, NotSignedIn, ReadOnly) as error:
        # Trying again would change nothing; the sentence says what would.
        st.error(wording.plain(str(error)), title=title, icon=":material/lock:")
    except StorageError as error:
        _say(title, f"{wording.plain(str(error))} What is on the shelf is untouched; try again in a moment.", key=key)
    except Exception:  # whatever it is, a visitor gets a sentence and the operator the traceback
        log.exception("page_failed", title=title)
        _say(title, "Something failed on the server. Try again; the cause is in the app’s log.", key=key)


def done(act: Callable[[], object]) -> bool:
    """Do what was pressed, or say in place why not; for dialogs and forms."""
    try:
        act()
    except CatalogError as error:
        st.error(wording.plain(str(error)), icon=":material/error:")
    except DatabaseUnavailable:
        st.error(
            "The database does not answer. Nothing was changed; try again in a moment.", icon=":material/cloud_off:"
        )
    else:
        return True
    return False


def _say(title: str, sentence: str, *, key: str) -> None:
    st.error(sentence, title=title, icon=":material/cloud_off:")
    st.button("Try again", icon=":material/refresh:", key=f"{key}-again")
