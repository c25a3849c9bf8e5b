"""What the activity says of each kind of event, and what clients are called."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from catalog.activity import ActivityEntry
from catalog.activity_groups import GROUP_OF, Group
from catalog.events import EventKind
from pages.activity_words import agent_name, said
from pages.widgets.activity_list import row

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


def entry(kind: str, detail: dict[str, Any] | None = None, **more: Any) -> ActivityEntry:
    made = ActivityEntry(
        id=uuid.uuid4(),
        at=NOW - timedelta(minutes=2),
        kind=kind,
        group=GROUP_OF.get(kind, Group.OPERATION),
        by="person",
        actor="ada",
        user_id=uuid.uuid4(),
        dataset_id=uuid.uuid4(),
        dataset_name="Airports",
        file_id=None,
        file_name=None,
        version=None,
        asked=None,
        link_id=None,
        address="203.0.113.7",
        agent=None,
        detail=detail or {},
    )
    return replace(made, **more)


@pytest.mark.parametrize("kind", EventKind)
def test_every_kind_has_words_of_its_own(kind: EventKind) -> None:
    told = said(entry(kind))
    assert told.who
    assert told.did
    assert "_" not in " ".join(told)
    assert told.did != kind.value.replace("_", " ") or kind in ("signed_in", "signed_out")


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (
            entry("file_downloaded", {"size": 210_365}, file_name="airports.csv", version=4, asked=1000),
            "ada downloaded Airports · version 4 · airports.csv · 1.0 kB of 210 kB",
        ),
        (entry("file_downloaded", {"size": 500}, asked=500), "ada downloaded Airports · 500 B"),
        (
            entry("file_downloaded", {"size": 1}, by="link", actor="link “ACME”", asked=1),
            "Somebody with the link “ACME” downloaded Airports · 1 B",
        ),
        (entry("signed_in", {"by": "password"}), "ada signed in · with a password"),
        (entry("sign_in_failed", {"reason": "password"}), "Somebody failed to sign in as ada"),
        (entry("token_created", {"token": "notebook"}, dataset_name=None), "ada made the token notebook"),
        (
            entry("dataset_changed", {"name": ["Old", "Airports"], "tags": ["a"]}),
            "ada changed name and tags of Airports · was “Old”",
        ),
        (
            entry("access_changed", {"visibility": "team", "shared_with": ["ben (reader)", "eve (editor)"]}),
            "ada changed who sees Airports · everybody sees it · shared with ben (reader) and eve (editor)",
        ),
        (entry("owner_changed", {"from": "ada", "to": "ben"}), "ada handed over Airports · from ada to ben"),
        (entry("link_created", {"note": "ACME"}), "ada made a link to Airports · for ACME"),
        (
            entry("user_created", {"name": "ben", "role": "editor"}, dataset_name=None),
            "ada added ben · editor",
        ),
        (
            entry("activity_pruned", {"removed": 1200}, by="app", actor=None, dataset_name=None),
            "Datashelf removed old entries of the activity · 1,200 entries",
        ),
        (entry("from_tomorrow"), "ada from tomorrow Airports"),
        (entry("file_deleted", dataset_name=None), "ada deleted for good something that is gone"),
    ],
)
def test_a_row_reads_as_a_sentence(made: ActivityEntry, words: str) -> None:
    told = said(made)
    sentence = " ".join(part for part in (told.who, told.did, told.what) if part)
    assert (f"{sentence} · {told.more}" if told.more else sentence) == words


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0 Safari/537.36",
            "Chrome on Linux",
        ),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Windows"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18.0 Safari/604",
            "Safari on iPhone",
        ),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/156.0 Safari/537.36 Edg/156.0", "Edge on Windows"),
        ("Mozilla/5.0 (compatible)", "a browser"),
        ("curl/8.5.0", "curl 8.5"),
        ("python-requests/2.32.3", "python-requests 2.32"),
        ("wget", "wget"),
        ("x" * 300, "x" * 60),
        ("", "an unknown client"),
        (None, "an unknown client"),
    ],
)
def test_clients_by_the_names_people_know(agent: str | None, name: str) -> None:
    assert agent_name(agent) == name


def test_the_name_leads_to_the_dataset_where_the_reader_sees_it() -> None:
    there = entry("file_downloaded", linked=True)
    assert row(there, linked=True, now=NOW, zone=UTC)["href"] == f"/dataset?id={there.dataset_id}"
    assert row(there, linked=False, now=NOW, zone=UTC)["href"] == ""
    assert row(entry("file_downloaded"), linked=True, now=NOW, zone=UTC)["href"] == ""
    operator = entry("file_moved", by="operator", actor="ops migrate", agent="root at shelf-1")
    shown = row(operator, linked=True, now=NOW, zone=UTC)
    assert (shown["who"], shown["agent"], shown["when"]) == ("ops migrate", "root at shelf-1", "2 min ago")
