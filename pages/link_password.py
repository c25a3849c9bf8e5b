"""Asking whoever has a link for its password: a form of plain HTML, so that the password goes to the server by POST, in
no address, and comes back as a cookie that no script reads."""

from __future__ import annotations

import html
from urllib.parse import quote

import streamlit as st

from catalog.passwords import LONGEST_PASSWORD
from pages import wording

FORM = """
<form class="ds-unlock" method="post" action="{action}">
  <label for="link-password">Password</label>
  <div>
    <input id="link-password" name="password" type="password" required maxlength="{most}" autocomplete="off"
           aria-describedby="link-password-said" {wrong}>
    <button type="submit">Open</button>
  </div>
  <p id="link-password-said" role="status" class="{tone}">{said}</p>
</form>
"""


def password_form(token: str) -> None:
    """Draw the form; what came of the last try stands in the address, where the server put it."""
    slug = st.query_params.get("error", "")
    said = problem(slug, st.query_params.get("wait", ""))
    # Of an address typed by hand nothing becomes markup.
    st.html(
        FORM.format(
            action=html.escape(f"/s/{quote(token, safe='')}/unlock"),
            most=LONGEST_PASSWORD,
            wrong='aria-invalid="true"' if said else "",
            tone="wrong" if said else "",
            said=html.escape(said or "Whoever sent you the link can tell you."),
        )
    )


def problem(slug: str, wait: str) -> str:
    """Why the last try came to nothing; `wait` in seconds, as the address has it. Nothing for an unknown slug."""
    if slug == "wrong-password":
        return "That is not the password. Try again."
    if slug == "too-many-attempts":
        # What is typed into an address may be anything.
        seconds = int(wait) if wait.isascii() and wait.isdigit() and len(wait) < 6 else 0
        return f"Too many wrong passwords. Wait {waiting(seconds)}, then try again."
    if slug == "database-unavailable":
        return "The server cannot check it now. Try again in a moment."
    return ""


def waiting(seconds: int) -> str:
    """`30 seconds`, `8 minutes`, rounded up."""
    if seconds < 1:
        return "a little"
    return wording.counted(seconds, "second") if seconds <= 90 else wording.counted(-(-seconds // 60), "minute")
