"""What the address of the Datasets screen asks of the catalogue, and back."""

from __future__ import annotations

import pytest

from pages.listing import FORMATS, SORTS, Listing, page_number, pages
from preview.formats import FORMATS as KNOWN_FORMATS


def test_the_plain_list_asks_for_the_newest_first() -> None:
    query = Listing().query("Ann")
    assert (query.q, query.tags, query.formats, query.sort, query.limit, query.page) == (
        "",
        (),
        (),
        "-updated_at",
        24,
        1,
    )


def test_every_filter_reaches_the_catalogue() -> None:
    query = Listing(search=" air ", format="Parquet", tags=("geo", "a b"), sort="Largest first", page=3).query("Ann")
    assert (query.q, query.formats, query.tags) == ("air", ("parquet",), ("geo", "a b"))
    assert (query.sort, query.page) == ("-size", 3)


def test_mine_is_whoever_looks() -> None:
    assert [Listing(owner=owner).query("Ann").owner for owner in (None, "Mine", "Bea")] == [None, "Ann", "Bea"]
    assert Listing(owner="Mine").address() == {"owner": "Mine"}
    assert Listing(owner="Mine", search="x").wanted() == "“x”, of your own"
    assert Listing(owner="Bea").wanted() == "these filters, owned by Bea"


def test_every_format_and_order_on_the_screen_is_one_the_catalogue_knows() -> None:
    assert {one for kind in FORMATS.values() for one in kind} <= set(KNOWN_FORMATS)
    assert set(SORTS.values()) == {"-updated_at", "updated_at", "name", "-name", "-size", "size"}


def test_only_what_differs_from_the_plain_list_is_in_the_address() -> None:
    assert Listing().address() == {}
    assert Listing(search="air", tags=("geo",), sort="Name A–Z", page=2).address() == {
        "q": "air",
        "tag": ["geo"],
        "sort": "Name A–Z",
        "page": "2",
    }


@pytest.mark.parametrize(
    ("raw", "page"), [("3", 3), (3, 3), (None, 1), ("", 1), ("0", 1), ("-2", 1), ("1e3", 1), ("٣", 1), ("9" * 40, 1)]
)
def test_a_page_that_is_no_number_is_the_first(raw: object, page: int) -> None:
    assert page_number(raw) == page


def test_pages_hold_every_dataset() -> None:
    assert [pages(total) for total in (0, 1, 24, 25, 61)] == [1, 1, 1, 2, 3]
    assert Listing(page=3).range(13, 61) == "49–61 of 61"


def test_what_was_asked_for_is_said() -> None:
    assert Listing(search="turbine").wanted() == "“turbine”"
    assert Listing(search="x", format="CSV", tags=("a", "b")).wanted() == "“x” in CSV, tagged a, b"
    assert Listing(tags=("geo",)).wanted() == "these filters, tagged geo"
