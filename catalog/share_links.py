"""What a share link is to its owner: what may be asked of a new one, its states, and what is told of it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import quote

from catalog.errors import InvalidExpiry, InvalidShare
from catalog.names import composed, has_control

PURPOSE = "share"
"""What a token is derived for (`catalog.secrets.derived`)."""
SHORTEST_LIFE = timedelta(seconds=1)
LONGEST_LIFE = timedelta(days=3653)
"""Ten years, with their leap days."""
USUAL_LIFE = timedelta(days=7)
MOST_DOWNLOADS = 1_000_000
LONGEST_NOTE = 200
LONGEST_WHERE = 10_000
MOST_COLUMNS = 1000


class ShareState(StrEnum):
    """What a link is good for. `gone`: nobody is left who may hand out what it leads to, or that is not there; or
    SECRET_KEY is another one than its address was made from."""

    ACTIVE = "active"
    USED_UP = "used_up"
    EXPIRED = "expired"
    REVOKED = "revoked"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class NewShare:
    """A link that is asked for. `expires_in` None: it never ends by itself; `max_downloads` None: as many as come.

    `latest`: it leads to the newest ready version at any time, not to one. `columns` and `where`, an SQL condition:
    it leads to a copy that holds these columns and the rows that meet it, and to nothing else.
    """

    expires_in: timedelta | None = USUAL_LIFE
    max_downloads: int | None = None
    password: str | None = None
    note: str = ""
    latest: bool = False
    columns: Sequence[str] | None = None
    where: str | None = None


@dataclass(frozen=True, slots=True)
class ShareTerms:
    """The same, checked and brought into form; the password is its keeper's business."""

    expires_in: timedelta | None
    max_downloads: int | None
    note: str
    latest: bool
    columns: tuple[str, ...] | None
    where: str | None

    @property
    def sliced(self) -> bool:
        return self.columns is not None or self.where is not None


@dataclass(frozen=True, slots=True)
class ShareLinkView:
    """A link as its owner sees it. `owner` is the name of who made it.

    `token` is None where `key_changed`: SECRET_KEY is another than when the link was made, which ended it; and for a
    caller who only reads. `base` is where addresses begin, "" where nobody has said. `file_id`,
    `file_version`, `file_name` and `size` are those of the version it leads to now, None and "" where there is none or
    the caller may not see it any more. `slice_rows` is how many rows its copy has.
    """

    id: uuid.UUID
    token: str | None
    base: str
    dataset_id: uuid.UUID
    dataset_name: str
    file_id: uuid.UUID | None
    file_version: int | None
    file_name: str
    size: int | None
    note: str
    state: ShareState
    expires_at: datetime | None
    max_downloads: int | None
    downloads: int
    has_password: bool
    latest: bool
    columns: tuple[str, ...] | None
    where: str | None
    slice_rows: int | None
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None
    owner: str
    owner_id: uuid.UUID
    key_changed: bool = False

    @property
    def url(self) -> str | None:
        """What to send to people: it leads to a page."""
        return None if self.token is None else f"{self.base}/s/{self.token}"

    @property
    def raw_url(self) -> str | None:
        """What to give to pandas or DuckDB: it leads to the bytes, and ends as the file does."""
        return None if self.token is None else f"{self.base}{raw_path(self.token, self.file_name)}"

    @property
    def sliced(self) -> bool:
        return self.columns is not None or self.where is not None

    @property
    def notes(self) -> tuple[str, ...]:
        """What whoever made it would like to know."""
        if self.slice_rows == 0:
            return ("No row meets the condition: whoever opens the link gets the names of the columns, and no rows.",)
        return ()


@dataclass(frozen=True, slots=True)
class SharePage:
    """Some of a list of links; `next_cursor` leads to those after them, None where there are none."""

    items: tuple[ShareLinkView, ...]
    next_cursor: str | None


def raw_path(token: str, file_name: str) -> str:
    """The stable address of the bytes. The name at its end is for programs that tell a format by it, and for people."""
    return f"/s/{token}/raw/{quote(file_name, safe='') or 'file'}"


def check(new: NewShare) -> ShareTerms:
    """Raises InvalidExpiry, InvalidShare."""
    if new.max_downloads is not None:
        check_downloads(new.max_downloads)
    if new.expires_in is not None:
        check_life(new.expires_in)
    columns = None if new.columns is None else tuple(dict.fromkeys(new.columns))
    where = None if new.where is None else new.where.strip()
    if columns is not None and not 1 <= len(columns) <= MOST_COLUMNS:
        raise InvalidShare(f"Choose 1 to {MOST_COLUMNS:,} columns, or leave them out to share all of them.")
    if where is not None and not where:
        # A script whose variable was empty did not mean everything.
        raise InvalidShare("The condition is empty. Leave it out to share all rows.")
    if where is not None and len(where) > LONGEST_WHERE:
        raise InvalidShare(f"The condition has {len(where):,} characters; {LONGEST_WHERE:,} is the most.")
    if where is not None and has_control(where, allowed="\n\r\t"):
        raise InvalidShare("The condition contains a control character.")
    if new.latest and (columns is not None or where is not None):
        raise InvalidShare(
            "A link to only some columns or rows leads to a copy of one version, so it cannot follow the newest one. "
            "Choose the version, or share all of it."
        )
    return ShareTerms(new.expires_in, new.max_downloads, clean_note(new.note), new.latest, columns, where)


def check_life(life: timedelta) -> None:
    """Raises InvalidExpiry."""
    if not SHORTEST_LIFE <= life <= LONGEST_LIFE:
        raise InvalidExpiry("A link lives from 1 second to 10 years, or for ever where no end is given.")


def check_downloads(most: int) -> None:
    """Raises InvalidShare."""
    if not 1 <= most <= MOST_DOWNLOADS:
        raise InvalidShare(f"A link allows 1 to {MOST_DOWNLOADS:,} downloads, or any number where none is given.")


def clean_note(raw: str) -> str:
    """Who a link is for, in one line. Raises InvalidShare."""
    note = composed(raw).strip()
    if has_control(note):
        raise InvalidShare("The note contains a line break or another control character.")
    if len(note) > LONGEST_NOTE:
        raise InvalidShare(f"The note has {len(note):,} characters; {LONGEST_NOTE} is the most.")
    return note
