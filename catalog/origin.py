"""Where a call comes from, for the activity: set by whoever takes the call, read where an event is recorded."""

from __future__ import annotations

import uuid
from contextvars import ContextVar
from dataclasses import dataclass

OPERATOR = "ops "
"""How the name of a command begins that did something."""
LONGEST_AGENT = 300
"""Characters of a User-Agent that are kept."""


@dataclass(frozen=True, slots=True)
class Origin:
    """`address` is the client's own, past trusted proxies; `actor` who it is, where that is no user of the catalogue
    (a command, a link); `link_id` the share link or upload request it came by; `byte_range` the Range header."""

    address: str | None = None
    agent: str | None = None
    actor: str | None = None
    link_id: uuid.UUID | None = None
    byte_range: str | None = None


NOWHERE = Origin()
origin: ContextVar[Origin] = ContextVar("origin", default=NOWHERE)  # frozen: nobody changes the default

_of_process = NOWHERE


def set_for_process(come_from: Origin) -> None:
    """Of a process that does one thing, a command: what its threads do comes from the same place."""
    global _of_process
    _of_process = come_from


def current_origin() -> Origin:
    """Of this call; else of the process; else nowhere known, as of what the app does by itself."""
    found = origin.get()
    return _of_process if found is NOWHERE else found


def shown_agent(agent: str | None) -> str | None:
    """A User-Agent as it is kept: printable, and not endless."""
    return "".join(c for c in agent if c.isprintable())[:LONGEST_AGENT] or None if agent else None
