"""What was done, in the words of the screens: who did what to which dataset, and what else is worth a line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from catalog.activity import ActivityEntry
from pages import wording

THE_APP = "Datashelf"
SOMEBODY = "Somebody"
WAYS = {"oidc": "by the provider", "header": "by the proxy", "link": "by a link", "password": "with a password"}
CHANGED = {"name": "name", "description": "description", "tags": "tags", "read_as": "how it is read"}

# What was done to a dataset, or to a version of one: the verb, and what stands between it and the name.
TO_A_DATASET = {
    "upload_started": "began to upload",
    "upload_completed": "uploaded",
    "upload_aborted": "gave up uploading",
    "upload_expired": "gave up a rested upload of",
    "file_downloaded": "downloaded",
    "file_linked": "got a direct link to",
    "file_deleted": "deleted for good",
    "file_failed": "found damaged",
    "file_verified": "found whole again",
    "file_moved": "moved to another store",
    "file_trashed": "put into the Trash",
    "file_restored": "put back",
    "dataset_trashed": "put into the Trash",
    "dataset_restored": "put back",
    "dataset_deleted": "deleted for good",
    "trash_purged": "removed for good",
    "result_saved": "kept a query’s result as",
    "result_exported": "downloaded a query’s result of",
    "access_changed": "changed who sees",
    "owner_changed": "handed over",
    "link_created": "made a link to",
    "link_changed": "renewed a link to",
    "link_revoked": "revoked a link to",
}
# What was done to something else, which the detail names.
OTHERWISE = {
    "signed_out": "signed out",
    "session_revoked": "signed another browser out",
    "password_changed": "chose a new password",
    "token_created": "made the token",
    "token_revoked": "revoked the token",
    "user_created": "added",
    "user_changed": "changed",
    "user_reset": "made a password link for",
    "request_created": "asked for files by a link",
    "request_revoked": "revoked an upload request",
    "reconciled": "repaired the catalogue",
    "lifecycle_applied": "cleared away by rule",
    "cors_set": "let this shelf’s pages into the store’s buckets",
    "backed_up": "backed everything up",
    "restored": "restored everything from a backup",
    "activity_pruned": "removed old entries of the activity",
}


class Said(NamedTuple):
    """A row of the activity: `who` `did` `what`, then `more`, quieter."""

    who: str
    did: str
    what: str
    more: str


def said(entry: ActivityEntry) -> Said:
    """The row of an entry; a kind that this version does not know is named as it is stored."""
    who = entry.actor or (THE_APP if entry.by == "app" else SOMEBODY)
    if entry.by == "link":
        who = f"Somebody with the {who}" if entry.actor else SOMEBODY
    kind, detail = entry.kind, entry.detail
    if kind == "signed_in":
        return Said(who, "signed in", "", WAYS.get(str(detail.get("by")), ""))
    if kind == "sign_in_failed":
        if entry.actor is None:  # nobody the shelf knows
            return Said(SOMEBODY, "failed to sign in", "", _text(detail, "reason"))
        return Said(SOMEBODY, "failed to sign in as", who, "")
    if kind == "link_refused":
        return Said(SOMEBODY, "gave a wrong password for a link to", entry.dataset_name or "an upload request", "")
    if kind == "group_changed":
        return Said(who, f"{_text(detail, 'what') or 'changed'} the group", _text(detail, "name"), "")
    if kind == "dataset_changed":
        parts = [CHANGED[name] for name in detail if name in CHANGED]
        return Said(who, f"changed {_listed(parts) or 'something'} of", entry.dataset_name or "", _more(entry))
    if kind in OTHERWISE:
        return Said(who, OTHERWISE[kind], _thing(detail), _more(entry))
    return Said(who, TO_A_DATASET.get(kind, kind.replace("_", " ")), _named(entry), _more(entry))


def _named(entry: ActivityEntry) -> str:
    return entry.dataset_name or entry.file_name or "something that is gone"


def _thing(detail: Mapping[str, Any]) -> str:
    return _text(detail, "token") or _text(detail, "name") or _text(detail, "note") or _text(detail, "place")


def _more(entry: ActivityEntry) -> str:
    detail = entry.detail
    parts = [
        "" if entry.version is None else f"version {entry.version}",
        entry.file_name if entry.file_name and entry.dataset_name else "",
        *_amounts(entry),
    ]
    if entry.kind == "owner_changed":
        ended = detail.get("links_ended")
        links = f"{wording.counted(ended, 'link')} ended" if isinstance(ended, int) and ended else ""
        parts = [f"from {_text(detail, 'from')} to {_text(detail, 'to')}", links]
    if entry.kind == "dataset_changed" and isinstance(named := detail.get("name"), list) and len(named) == 2:
        parts = [f"was “{named[0]}”"]
    if entry.kind == "access_changed":
        parts = [
            {"team": "everybody sees it", "private": "private"}.get(_text(detail, "visibility"), ""),
            _names("shared with", detail.get("shared_with")),
            _names("no longer with", detail.get("no_longer_with")),
        ]
    if entry.kind.startswith("link_"):
        parts = [f"for {note}" if (note := _text(detail, "note")) else "", _text(detail, "reason")]
    if entry.kind in ("user_created", "user_changed"):
        parts = [_text(detail, "role") if isinstance(detail.get("role"), str) else ""]
    if isinstance(removed := detail.get("removed"), int):
        parts = [wording.counted(removed, "entry", "entries")]
    return " · ".join(part for part in parts if part)


def _amounts(entry: ActivityEntry) -> list[str]:
    size = entry.detail.get("size")
    if entry.kind == "file_downloaded" and isinstance(entry.asked, int) and isinstance(size, int):
        part = f" of {wording.size(size)}" if entry.asked < size else ""
        return [f"{wording.size(entry.asked)}{part}"]
    return [wording.size(size)] if isinstance(size, int) and entry.group == "uploads" else []


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def _names(before: str, names: object) -> str:
    return f"{before} {_listed([str(one) for one in names])}" if isinstance(names, list) and names else ""


def _text(detail: Mapping[str, Any], name: str) -> str:
    value = detail.get(name)
    return value if isinstance(value, str) else ""


SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
# In this order: each of them names those below it as well.
BROWSERS = (("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrom", "Chrome"), ("Safari/", "Safari"))


def agent_name(agent: str | None) -> str:
    """What a client calls itself, as people call it: `Firefox on Windows`, `curl 8.5`, `python-requests 2.32`."""
    if not agent:
        return "an unknown client"
    if not agent.startswith("Mozilla/"):
        name, _, version = agent.split(" ")[0].partition("/")
        return f"{name} {'.'.join(version.split('.')[:2])}".strip()[:60]
    browser = next((name for mark, name in BROWSERS if mark in agent), "a browser")
    system = next((name for mark, name in SYSTEMS if mark in agent), "")
    return f"{browser} on {system}" if system else browser
