"""How the screens say what a link is good for: how often, how long, why no longer, and what of the file it shows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Literal
from urllib.parse import urlsplit

from catalog.share_links import ShareLinkView
from pages import wording
from pages.navigation import dataset_address
from pages.widgets.link_list import Act, LinkRow

ENDED = {"used_up": "Used up", "expired": "Expired", "revoked": "Revoked", "gone": "Not on the shelf"}
"""What a state other than `active` is called."""
ENDED_BY_KEY = "ended when SECRET_KEY was changed"
SOON = timedelta(days=1)
"""A link that ends within it is said in red."""
SHOWN = 3
"""Columns named of a slice; the rest is counted."""


def downloads(link: ShareLinkView) -> str:
    """For a column of numbers: `3 of 5`, and `27` where there is no limit."""
    of = "" if link.max_downloads is None else f" of {link.max_downloads:,}"
    return f"{link.downloads:,}{of}"


def downloads_told(link: ShareLinkView) -> str:
    """For a sentence: `3 of 5 downloads`, `27 downloads, no limit`."""
    if link.max_downloads is None:
        return f"{wording.counted(link.downloads, 'download')}, no limit"
    return f"{link.downloads:,} of {wording.counted(link.max_downloads, 'download')}"


def ends(expires_at: datetime | None, *, now: datetime, zone: tzinfo) -> str:
    """For a column: `in 6 days`, `never`; of what has ended by itself its day: `4 Nov`, `2 h ago`."""
    if expires_at is None:
        return "never"
    if expires_at <= now:
        return wording.ago(expires_at, now=now, zone=zone)
    return wording.ahead(expires_at, now=now, zone=zone)


def ends_told(link: ShareLinkView, *, now: datetime, zone: tzinfo) -> str:
    """For a sentence: `expires in 6 days`, `never expires`, `expired 4 Nov`, `used up 3 days ago`."""
    if link.state == "used_up" and link.last_used_at is not None:
        return f"used up {wording.ago(link.last_used_at, now=now, zone=zone)}"
    if link.state == "revoked" and link.revoked_at is not None:
        return f"revoked {wording.ago(link.revoked_at, now=now, zone=zone)}"
    if link.state not in ("active", "expired"):
        return ""
    if link.expires_at is None:
        return "never expires"
    verb = "expired" if link.state == "expired" else "expires"
    return f"{verb} {ends(link.expires_at, now=now, zone=zone)}"


def urgent(expires_at: datetime | None, *, now: datetime) -> bool:
    """Whether little time is left."""
    return expires_at is not None and now < expires_at < now + SOON


def last_used(link: ShareLinkView, *, now: datetime, zone: tzinfo) -> str:
    """When it was downloaded by last; opening its page is no use."""
    return "not yet" if link.last_used_at is None else wording.ago(link.last_used_at, now=now, zone=zone)


def called(link: ShareLinkView) -> str:
    """Whom it is for; without that, what it leads to."""
    return link.note or link.dataset_name


def without_scheme(url: str) -> str:
    """An address as people read it: host and path."""
    parts = urlsplit(url)
    return f"{parts.netloc}{parts.path}"


def part(link: ShareLinkView) -> str:
    """Of a link that serves a part of the file: `only iata, name and 2 more, where state = 'AK' (263 rows)`."""
    found = []
    if link.columns is not None:
        more = len(link.columns) - SHOWN
        named = ", ".join(link.columns[:SHOWN])
        found.append(f"only {named} and {more:,} more" if more > 0 else f"only {named}")
    if link.where:
        found.append(f"where {' '.join(link.where.split())}")
    counted = "" if link.slice_rows is None or not link.where else f" ({wording.counted(link.slice_rows, 'row')})"
    return ", ".join(found) + counted


def version(link: ShareLinkView) -> str:
    """`v4`, `latest version`."""
    if link.latest:
        return "latest version"
    return "" if link.file_version is None else f"v{link.file_version}"


def facts(link: ShareLinkView, *, caller: str) -> str:
    """What else there is to know of a link: its version, its password, what part it serves, who made it where it was
    not the caller."""
    found = (
        version(link),
        "password" if link.has_password else "",
        part(link),
        "" if link.owner == caller else f"by {link.owner}",
        ENDED_BY_KEY if link.key_changed else "",
    )
    return " · ".join(fact for fact in found if fact)


def row(
    link: ShareLinkView,
    *,
    base: str,
    caller: str,
    now: datetime,
    zone: tzinfo,
    may_change: bool = True,
    told: bool = False,
    fresh: bool = False,
) -> LinkRow:
    """A link as a row of a list. `base` is where addresses begin, `caller` the name of who looks; `told` where its
    numbers stand in a sentence and not in columns."""
    active = link.state == "active"
    url = f"{link.base or base}/s/{link.token}" if active and link.token is not None else ""
    expires = link.expires_at
    about = (() if told or not link.note else (link.dataset_name,)) + (facts(link, caller=caller),)
    return LinkRow(
        id=str(link.id),
        name=called(link),
        about=" · ".join(part for part in about if part),
        href="" if told or link.file_id is None else dataset_address(link.dataset_id),
        url=url,
        shown=without_scheme(url) if url else "",
        ended="" if active else "Ended" if link.key_changed else ENDED[link.state],
        used=downloads_told(link) if told else downloads(link),
        ends=_ends(link, told=told, now=now, zone=zone),
        ends_title="" if expires is None else wording.moment(expires, zone=zone),
        urgent=active and urgent(expires, now=now),
        last=last_used(link, now=now, zone=zone),
        last_title="" if link.last_used_at is None else wording.moment(link.last_used_at, zone=zone),
        act=_act(link) if may_change else "",
        fresh=fresh,
    )


def _act(link: ShareLinkView) -> Act | Literal[""]:
    """What a press does: take it back, or make it good again, where that can be done."""
    if link.state == "active":
        return "revoke"
    return "renew" if link.state in ("used_up", "expired") else ""


def _ends(link: ShareLinkView, *, told: bool, now: datetime, zone: tzinfo) -> str:
    if told:
        return ends_told(link, now=now, zone=zone)
    # When a link would have expired that ended before says nothing.
    return ends(link.expires_at, now=now, zone=zone) if link.state in ("active", "expired") else ""


def limits(expires_at: datetime | None, left: int | None, *, now: datetime) -> str:
    """What the recipient may count on: `Works until 30 Nov, 14:02 UTC · 2 downloads left`."""
    found = []
    if expires_at is not None:
        at = expires_at.astimezone(UTC)
        year = "" if at.year == now.year else f" {at.year}"
        found.append(f"Works until {at.day} {at:%b}{year}, {at:%H:%M} UTC")
    if left is not None:
        found.append(f"{wording.counted(left, 'download')} left")
    return " · ".join(found)
