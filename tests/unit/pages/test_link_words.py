"""What the lists say of a link: numbers, ends, states, and which part of the file it serves."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from catalog.share_links import ShareLinkView, ShareState
from pages import link_words

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
LINK = ShareLinkView(
    id=uuid.UUID(int=7),
    token="tok-en_7",
    base="",
    dataset_id=uuid.UUID(int=1),
    dataset_name="Airports",
    file_id=uuid.UUID(int=2),
    file_version=4,
    file_name="airports.csv",
    size=210_000,
    note="Partner audit",
    state=ShareState.ACTIVE,
    expires_at=NOW + timedelta(days=6, hours=3),
    max_downloads=5,
    downloads=3,
    has_password=False,
    latest=False,
    columns=None,
    where=None,
    slice_rows=None,
    created_at=NOW - timedelta(days=1),
    last_used_at=NOW - timedelta(hours=2),
    revoked_at=None,
    owner="ada",
    owner_id=uuid.UUID(int=3),
)


def row(link: ShareLinkView, *, told: bool = False, caller: str = "ada") -> dict[str, object]:
    made = link_words.row(link, base="https://shelf.example.org", caller=caller, now=NOW, zone=UTC, told=told)
    return {name: getattr(made, name) for name in made.__slots__}


def test_a_row_of_the_screen_names_dataset_address_numbers_and_when_it_ends() -> None:
    said = row(LINK)
    assert said["name"] == "Partner audit"
    assert said["about"] == "Airports · v4"
    assert said["url"] == "https://shelf.example.org/s/tok-en_7"
    assert said["shown"] == "shelf.example.org/s/tok-en_7"
    assert (said["used"], said["ends"], said["last"]) == ("3 of 5", "in 6 days", "2 h ago")
    assert said["href"] == f"/dataset?id={LINK.dataset_id}"
    assert (said["ended"], said["act"], said["urgent"]) == ("", "revoke", False)


def test_without_a_note_the_dataset_is_the_name_and_is_not_said_twice() -> None:
    said = row(replace(LINK, note=""))
    assert (said["name"], said["about"]) == ("Airports", "v4")


def test_on_the_tab_the_numbers_are_a_sentence() -> None:
    assert row(LINK, told=True)["used"] == "3 of 5 downloads"
    assert row(LINK, told=True)["ends"] == "expires in 6 days"
    free = replace(LINK, max_downloads=None, downloads=27, expires_at=None)
    assert row(free, told=True)["used"] == "27 downloads, no limit"
    assert row(free, told=True)["ends"] == "never expires"
    assert row(replace(LINK, max_downloads=1, downloads=0), told=True)["used"] == "0 of 1 download"


@pytest.mark.parametrize(
    ("change", "badge", "act", "ends", "told"),
    [
        (
            {"state": ShareState.EXPIRED, "expires_at": datetime(2026, 11, 4, tzinfo=UTC)},
            "Expired",
            "renew",
            "4 Nov",
            "expired 4 Nov",
        ),
        ({"state": ShareState.USED_UP}, "Used up", "renew", "", "used up 2 h ago"),
        ({"state": ShareState.REVOKED, "revoked_at": NOW}, "Revoked", "", "", "revoked just now"),
        ({"state": ShareState.GONE, "file_id": None, "file_version": None}, "Not on the shelf", "", "", ""),
    ],
)
def test_an_ended_link_says_why_has_no_address_and_renews_only_where_that_helps(
    change: dict[str, object], badge: str, act: str, ends: str, told: str
) -> None:
    link = replace(LINK, **change)  # type: ignore[arg-type]  # fields of the view
    said = row(link)
    assert (said["ended"], said["act"], said["ends"], said["url"], said["shown"]) == (badge, act, ends, "", "")
    assert row(link, told=True)["ends"] == told
    assert bool(said["href"]) is (link.file_id is not None)


def test_less_than_a_day_is_urgent_and_rounded_down() -> None:
    said = row(replace(LINK, expires_at=NOW + timedelta(hours=22, minutes=59)))
    assert (said["ends"], said["urgent"]) == ("in 22 h", True)
    assert row(replace(LINK, expires_at=NOW + timedelta(hours=24)))["urgent"] is False


def test_what_it_serves_is_told_with_few_columns_and_the_rows_of_its_copy() -> None:
    link = replace(LINK, columns=("iata", "name", "city", "lat", "lon"), where="state =\n 'AK'", slice_rows=263)
    assert link_words.part(link) == "only iata, name, city and 2 more, where state = 'AK' (263 rows)"
    assert link_words.part(replace(LINK, columns=("iata",), slice_rows=3376)) == "only iata"


def test_others_see_who_made_it_and_what_ended_with_the_key_is_said() -> None:
    assert row(replace(LINK, has_password=True), caller="ben")["about"] == "Airports · v4 · password · by ada"
    lost = row(replace(LINK, token=None, state=ShareState.GONE, key_changed=True))
    assert (lost["url"], lost["ended"], lost["act"]) == ("", "Ended", "")
    assert "ended when SECRET_KEY was changed" in str(lost["about"])
    assert row(replace(LINK, latest=True), told=True)["about"] == "latest version"


@pytest.mark.parametrize(
    ("expires_at", "left", "said"),
    [
        (datetime(2026, 11, 30, 14, 2, tzinfo=UTC), 2, "Works until 30 Nov, 14:02 UTC · 2 downloads left"),
        (datetime(2027, 1, 5, 0, 0, tzinfo=UTC), None, "Works until 5 Jan 2027, 00:00 UTC"),
        (None, 1, "1 download left"),
        (None, None, ""),
    ],
)
def test_limits(expires_at: datetime | None, left: int | None, said: str) -> None:
    assert link_words.limits(expires_at, left, now=NOW) == said
