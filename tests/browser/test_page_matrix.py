"""Every page by everybody there is, in a real browser: what must be seen of it, and what must not.

tests/contract/api/test_matrix.py asks the same of every route. Like there, a page without a rule fails.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from catalog.identity import COOKIE
from tests.browser.conftest import PATIENCE_MS
from tests.browser.looking import address_of, settle
from tests.contract.api.matrix_world import PERSON, Subject, World, let_in
from tests.contract.api.test_matrix import PAGES
from tests.team import email_of, running_team

PRIVATE, GRANTED, TEAM, TRASHED = "Private tide", "Granted tide", "Team tide", "Trashed tide"
NAMES = {PRIVATE, GRANTED, TEAM, TRASHED}
SEES = {
    "owner": NAMES,
    "editor": {GRANTED, TEAM, TRASHED},
    "reader": {GRANTED, TEAM},
    "viewer": {GRANTED, TEAM, TRASHED},
    "stranger": {TEAM},
    "admin": {TEAM},
}
"""Who sees which dataset. The viewer was made an editor, but their role changes nothing; the stranger is one of
the team, and nothing else was shared with them or with the admin."""
NOBODY = ("anonymous", "expired")
WRITES = ("owner", "editor", "reader", "stranger", "admin")
"""By their role: a reader only reads what was shared with them, and has a shelf of their own."""
LOOKS = ("Activity",)
CHANGES = ("Edit description", "Edit tags", "Upload a new version", "Activity")
OWNS = ("Rename", *CHANGES, "Hand over", "Delete")
NOT_HERE = "This dataset is not on the shelf"
ADMINS_ONLY = "This page is for admins"

Mark = Callable[[Page], Locator]


def text(words: str) -> Mark:
    return lambda page: page.get_by_text(words).first


def named(name: str) -> Mark:
    """Somebody's name, by itself."""
    return lambda page: page.get_by_text(name, exact=True)


def button(name: str) -> Mark:
    return lambda page: page.get_by_role("button", name=name, exact=True)


def link(name: str) -> Mark:
    return lambda page: page.get_by_role("link", name=name, exact=True).first


def heading(name: str) -> Mark:
    return lambda page: page.get_by_role("heading", name=name, exact=True)


def entry(title: str) -> Mark:
    """Of the navigation."""
    return lambda page: page.get_by_test_id("stSidebarNavLink").filter(has_text=title)


def cell(value: str) -> Mark:
    """Of the table of rows, which is painted; it stands behind the painting for those who cannot see it."""
    return lambda page: page.locator("canvas td").filter(has_text=re.compile(f"^{value}$"))


@dataclass(frozen=True, slots=True)
class Seen:
    """What somebody sees of a page."""

    there: tuple[Mark, ...]
    absent: tuple[Mark, ...] = ()
    more: tuple[str, ...] = ()
    """What More offers, where there is one."""
    tells_names: bool = False
    """Of datasets that are not theirs: the activity tells an admin."""


@dataclass(frozen=True, slots=True)
class Rule:
    page: str
    query: str
    """`{granted}` is that dataset's id; `{link}` the token of an open link to it, `{locked}` of one with a password."""
    seen: Callable[[str], Seen]
    public: bool = False
    """For everybody alike, signed in or not."""


def either(yes: bool, this: Mark, other: Mark) -> Seen:
    """The one, and not the other."""
    return Seen((this,), (other,)) if yes else Seen((other,), (this,))


def front(who: str) -> Seen:
    writes, shown = who in WRITES, SEES[who] - {TRASHED}
    there = [entry("Datasets"), *map(link, sorted(shown))]
    absent: list[Mark] = []
    for yes, mark in (
        (writes, button("Upload")),
        (writes, entry("Upload")),
        (writes, entry("Shared links")),
        (who == "admin", entry("Storage")),
        (TRASHED in SEES[who], text("Trash · 1")),
    ):
        (there if yes else absent).append(mark)
    return Seen(tuple(there), tuple(absent))


def upload(who: str) -> Seen:
    return either(who in WRITES, button("Choose files"), text("Your role is viewer"))


def new_version(who: str) -> Seen:
    title = heading(f"New version of {GRANTED}")
    if who in ("owner", "editor"):
        return Seen((title,), (text("You cannot upload here"),))
    if who == "reader":
        return Seen((text("ben can share it with you as editor"),), (title, button("Choose files")))
    return upload(who)


def dataset(name: str) -> Callable[[str], Seen]:
    def seen(who: str) -> Seen:
        if name not in SEES[who]:
            return Seen((text(NOT_HERE),), (heading(name), button("More"), text("Rows 1–2")))
        there = (heading(name), text("Rows 1–2 of 2"), cell("x"))
        share = button("Share")
        if who == "owner":
            return Seen((*there, share), more=OWNS)
        if (who, name) == ("editor", GRANTED):
            return Seen((*there, share), more=CHANGES)
        return Seen(there, (share,), more=LOOKS)

    return seen


def share_tab(who: str) -> Seen:
    form, adds, owner = heading("New link"), text("Add people or groups"), text("ben owns it and says who does")
    if GRANTED not in SEES[who]:
        return Seen((text(NOT_HERE),), (form, adds, owner, named("rea")))
    if who == "owner":
        return Seen((form, adds, text("By the owner"), text("By an editor")), (owner,))
    if who == "editor":
        return Seen((form, owner, text("By an editor")), (adds, text("By the owner")))
    return Seen((owner, text("are made by ben")), (form, adds, text("By the owner"), text("By an editor")))


def links(who: str) -> Seen:
    """Their own, and for an owner everybody's to their datasets."""
    owners, editors, asked = text("By the owner"), text("By an editor"), text("Asked by the owner")
    if who == "owner":
        return Seen((owners, editors, asked))
    if who == "editor":
        return Seen((editors,), (owners, asked))
    none = (owners, editors, asked)
    if who == "viewer":
        return Seen((text("Your role is viewer, which makes no links"),), (*none, text("Ask for files")))
    return Seen((text("No links yet"), text("Ask for files")), none)


def trash(who: str) -> Seen:
    restore, purge = button(f"Restore {TRASHED}"), button(f"Delete {TRASHED} now")
    if who == "owner":
        return Seen((restore, purge, text("Empty Trash")))
    if who == "editor":
        return Seen((restore,), (purge, text("Empty Trash")))
    if who == "viewer":
        return Seen((text(TRASHED),), (restore, purge, text("Empty Trash")))
    return Seen((text("Nothing in the Trash"),), (restore, purge, text("Empty Trash")))


def account(who: str) -> Seen:
    token, none = text("ben-read"), text("No tokens yet")
    there = either(who == "owner", token, none)
    others = tuple(text(email_of(name)) for name in set(PERSON.values()) - {PERSON[who]})
    return Seen((text(email_of(PERSON[who])), *there.there), (*there.absent, *others))


def for_admins(*marks: Mark) -> Callable[[str], Seen]:
    def seen(who: str) -> Seen:
        if who == "admin":
            return Seen(marks, (text(ADMINS_ONLY),), tells_names=True)
        return Seen((text(ADMINS_ONLY),), marks)

    return seen


def recipient(who: str) -> Seen:
    return Seen((heading(GRANTED), link("Download · 19 B")), (entry("Datasets"), button("More"), named("rea")))


def locked(who: str) -> Seen:
    return Seen((heading("This link has a password"),), (heading(GRANTED), entry("Datasets"), text("Download")))


RULES = (
    Rule("", "", front),
    Rule("upload", "", upload),
    Rule("upload", "dataset={granted}", new_version),
    Rule("dataset", "id={private}", dataset(PRIVATE)),
    Rule("dataset", "id={granted}", dataset(GRANTED)),
    Rule("dataset", "id={team}", dataset(TEAM)),
    Rule("dataset", "id={granted}&tab=Share", share_tab),
    Rule("links", "", links),
    Rule("trash", "", trash),
    Rule("account", "", account),
    Rule("people", "", for_admins(text(email_of("rea")), button("Add a person"))),
    Rule("activity", "", for_admins(text("ben uploaded"), text("export"))),
    Rule("storage", "", for_admins(heading("The shelf"), button("Check again"))),
    Rule("shared", "token={link}", recipient, public=True),
    Rule("shared", "token={locked}", locked, public=True),
)


@dataclass(frozen=True, slots=True)
class Shelf:
    """The world of the matrix, and what stands for the names in a query."""

    world: World
    names: dict[str, str]

    def cookie(self, who: str) -> str | None:
        return self.world.clients[who].cookies.get(COOKIE)


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    with running_team(tmp_path_factory.mktemp("page-matrix") / "data") as team, ExitStack() as stack:
        world = let_in(team, stack)
        private, trashed = world.fresh("owner"), world.fresh("owner")
        for subject, name in ((private, PRIVATE), (world.shared, GRANTED), (world.shown, TEAM), (trashed, TRASHED)):
            world.made(world.owner.patch(f"/datasets/{subject.dataset_id}", json={"name": name}))
        world.made(world.owner.put(f"/datasets/{private.dataset_id}/access", json={"people": []}))
        world.made(world.owner.delete(f"/datasets/{trashed.dataset_id}"))
        world.share(world.shared, note="By the owner")
        link_of(world, "editor", world.shared, note="By an editor")
        world.made(world.owner.post("/requests", json={"note": "Asked by the owner"}))
        names = {
            "private": private.dataset_id,
            "granted": world.shared.dataset_id,
            "team": world.shown.dataset_id,
            "link": world.link["token"],
            "locked": world.locked_link["token"],
        }
        yield Shelf(world, names)


def link_of(world: World, who: str, subject: Subject, **terms: Any) -> None:
    world.made(world.clients[who].post(f"/files/{subject.file_id}/shares", json=terms))


def test_every_page_has_a_rule() -> None:
    assert {rule.page for rule in RULES} == PAGES


@pytest.mark.parametrize("who", [*SEES, *NOBODY])
def test_a_page_shows_everybody_what_is_theirs_and_nothing_else(shelf: Shelf, chromium: Browser, who: str) -> None:
    url = shelf.world.team.app.url
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    if (session := shelf.cookie(who)) is not None:
        context.add_cookies([{"name": COOKIE, "value": session, "url": url}])
    page = context.new_page()
    try:
        for rule in RULES:
            if rule.public and who not in ("stranger", *NOBODY):
                continue  # one of those who are signed in is enough
            address = f"/{rule.page}?{rule.query.format(**shelf.names)}".removesuffix("?")
            page.goto(url + address)
            if who in NOBODY and not rule.public:
                kept_out(page, address)
            else:
                let_through(page, rule.seen(who), hidden=set() if rule.public else NAMES - SEES[who])
    finally:
        context.close()


def kept_out(page: Page, address: str) -> None:
    expect(button("Sign in")(page)).to_be_visible()
    parts = urlsplit(address_of(page))
    assert parts.path == "/sign-in", address
    assert not any(name in page.content() for name in NAMES)


def let_through(page: Page, seen: Seen, *, hidden: set[str]) -> None:
    for mark in seen.there:
        expect(mark(page)).to_be_attached()
    settle(page)
    for mark in seen.absent:
        expect(mark(page)).to_have_count(0)
    if seen.more:
        button("More")(page).click()
        items = [re.compile(f"{item}$") for item in seen.more]
        expect(page.get_by_role("menuitem")).to_have_text(items)
        page.keyboard.press("Escape")
    expect(page.get_by_text("Something failed")).to_have_count(0)
    if hidden and not seen.tells_names:
        expect(page.get_by_text(re.compile("|".join(sorted(hidden))))).to_have_count(0)
