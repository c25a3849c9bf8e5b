"""The list: orders, pages, cursors, filters, search and counts, on both databases."""

from __future__ import annotations

import base64
import json
import random
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from catalog.errors import InvalidCursor, InvalidQuery
from catalog.listing import SORTS, DatasetQuery
from catalog.views import DatasetPage, DatasetSummary
from db.tables import Column
from tests.contract.catalog.conftest import Shelf

NAMES = ["Äpfel", "airports", "Zebra", "b_c", "b%c", "bxc", "ärger", "Airports 2", "straße", "10", "9"]


@pytest.fixture
def full(local_shelf: Shelf) -> Shelf:
    """Eleven datasets of odd names, some of the same size."""
    for place, name in enumerate(NAMES):
        local_shelf.upload(b"x" * (place // 3), f"{place}.{'csv' if place % 2 else 'json'}", name=name)
    return local_shelf


def names(page: DatasetPage) -> list[str]:
    return [item.name for item in page.items]


def all_pages(shelf: Shelf, query: DatasetQuery, limit: int) -> list[DatasetSummary]:
    items: list[DatasetSummary] = []
    cursor = None
    for _ in range(100):
        page = shelf.datasets.list(
            shelf.caller, DatasetQuery(q=query.q, sort=query.sort, formats=query.formats, limit=limit, cursor=cursor)
        )
        items += page.items
        cursor = page.next_cursor
        if cursor is None:
            return items
    raise AssertionError("the pages never end")


def test_the_newest_come_first_unless_asked_otherwise(full: Shelf) -> None:
    assert names(full.datasets.list(full.caller, DatasetQuery())) == NAMES[::-1]
    assert names(full.datasets.list(full.caller, DatasetQuery(sort="updated_at"))) == NAMES


def test_names_are_sorted_without_regard_to_case(full: Shelf) -> None:
    expected = ["10", "9", "airports", "Airports 2", "b%c", "b_c", "bxc", "straße", "Zebra", "Äpfel", "ärger"]
    assert names(full.datasets.list(full.caller, DatasetQuery(sort="name"))) == expected
    assert names(full.datasets.list(full.caller, DatasetQuery(sort="-name"))) == expected[::-1]


@pytest.mark.parametrize("filters", [{}, {"formats": ("json",)}, {"q": "a"}])
def test_pages_hold_every_dataset_once_in_order(full: Shelf, filters: dict[str, Any]) -> None:
    for sort in SORTS:
        query = DatasetQuery(sort=sort, limit=200, **filters)
        whole = full.datasets.list(full.caller, query)
        assert whole.next_cursor is None
        assert whole.total == len(whole.items) > 3
        assert whole.total_size == sum(item.size for item in whole.items)
        for limit in (1, 3, whole.total):
            assert all_pages(full, query, limit) == list(whole.items)
            numbered = [replace(query, limit=limit, page=number + 1) for number in range(-(-whole.total // limit))]
            pages = [full.datasets.list(full.caller, page).items for page in numbered]
            assert [item for page in pages for item in page] == list(whole.items)


def test_a_page_past_the_end_is_empty_and_still_counts(full: Shelf) -> None:
    for query in (DatasetQuery(page=1000), DatasetQuery(page=1000, q="airports")):
        page = full.datasets.list(full.caller, query)
        assert (page.items, page.next_cursor) == ((), None)
        assert page.total == (11 if not query.q else 2)


def test_what_is_added_while_paging_repeats_nothing(full: Shelf) -> None:
    first = full.datasets.list(full.caller, DatasetQuery(limit=4))
    full.upload(b"new", name="added meanwhile")
    second = full.datasets.list(full.caller, DatasetQuery(limit=4, cursor=first.next_cursor))
    assert names(second) == NAMES[::-1][4:8]
    assert second.total == 12


def test_a_cursor_is_good_for_its_own_list_only(full: Shelf) -> None:
    cursor = full.datasets.list(full.caller, DatasetQuery(limit=2)).next_cursor
    for query in (
        DatasetQuery(sort="name", cursor=cursor),
        DatasetQuery(q="a", cursor=cursor),
        DatasetQuery(formats=("csv",), cursor=cursor),
        DatasetQuery(tags=("x",), cursor=cursor),
        DatasetQuery(owner="local", cursor=cursor),
    ):
        with pytest.raises(InvalidCursor):
            full.datasets.list(full.caller, query)
    assert full.datasets.list(full.caller, DatasetQuery(limit=5, cursor=cursor)).items, "the page's length may change"


def forged(cursor: str, *, value: object = None, name: object = None) -> str:
    mark, old_value, old_name = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    changed = [mark, old_value if value is None else value, old_name if name is None else name]
    return base64.urlsafe_b64encode(json.dumps(changed).encode()).decode().rstrip("=")


def test_a_forged_cursor_is_refused(full: Shelf) -> None:
    for sort in ("-updated_at", "name", "size"):
        cursor = full.datasets.list(full.caller, DatasetQuery(limit=2, sort=sort)).next_cursor
        assert cursor is not None
        bad = ["", "x", "é", "=", cursor[:-3], cursor + "AAAA", "A" * 10_000, base64.b64encode(b"[" * 5000).decode()]
        values: list[object] = [True, [], {}, 1.5, 2**63, -1, "a\u0000b", "\ud800"]
        if sort != "name":
            values += ["2026-01-01T00:00:00", "now", "5"]
        bad += [forged(cursor, value=value) for value in values]
        bad += [forged(cursor, name=name) for name in ("x", 5, "0" * 33)]
        for token in bad:
            with pytest.raises(InvalidCursor):
                full.datasets.list(full.caller, DatasetQuery(sort=sort, cursor=token))


@pytest.mark.parametrize(
    "query",
    [
        DatasetQuery(limit=0),
        DatasetQuery(limit=201),
        DatasetQuery(sort="rows"),
        DatasetQuery(sort="--name"),
        DatasetQuery(formats=("docx",)),
        DatasetQuery(q="x" * 201),
        DatasetQuery(tags=("a\x00",)),
        DatasetQuery(owner="\ud800"),
        DatasetQuery(page=0),
        DatasetQuery(page=2, cursor="x"),
    ],
)
def test_what_the_list_does_not_know_is_refused(local_shelf: Shelf, query: DatasetQuery) -> None:
    with pytest.raises(InvalidQuery):
        local_shelf.datasets.list(local_shelf.caller, query)


SEARCHES: list[tuple[str, set[str]]] = [
    ("AIRPORTS", {"airports", "Airports 2"}),
    ("äpfel", {"Äpfel"}),
    ("ÄRGER", {"ärger"}),
    ("STRASSE", {"straße"}),
    ("irpo", {"airports", "Airports 2"}),
    ("airports 2", {"Airports 2"}),
    ("b%c", {"b%c"}),
    ("b_c", {"b_c"}),
    ("%", {"b%c"}),
    ("\\", set()),
    ("/", set()),
    ("'; drop table dataset; --", set()),
    ("\x00\ud800", set(NAMES)),
    ("  ", set(NAMES)),
    ("local", set(NAMES)),
]


def test_a_search_finds_words_anywhere(full: Shelf) -> None:
    for q, found in SEARCHES:
        page = full.datasets.list(full.caller, DatasetQuery(q=q))
        assert (q, set(names(page)), page.total) == (q, found, len(found))


def test_a_search_looks_at_everything_that_describes_a_dataset(local_shelf: Shelf) -> None:
    shelf = local_shelf
    detail = shelf.upload(b"a\n1\n", "Quarter Export.csv", name="Sales")
    shelf.upload(b"a\n1\n", name="Other")
    shelf.datasets.update(
        shelf.caller, detail.summary.id, description="Umsätze im Süden", tags=["Finance Team", "naïve"]
    )
    with shelf.database.transaction() as session:
        session.add(
            Column(file_id=detail.files[0].id, position=0, name="Customer_ID", type="integer", name_key="customer_id")
        )
    shelf.datasets.update(shelf.caller, detail.summary.id, description="Umsätze im Süden!")
    for q in ("SALES", "umsätze", "süden", "finance", "NAÏVE", "customer_id", "quarter", "sales süden team customer"):
        assert names(shelf.datasets.list(shelf.caller, DatasetQuery(q=q))) == ["Sales"], q
    for q in ("sales absent", "salesumsätze"):
        assert shelf.datasets.list(shelf.caller, DatasetQuery(q=q)).total == 0, q


def test_tags_formats_and_owners_filter(local_shelf: Shelf) -> None:
    shelf = local_shelf
    made = {name: shelf.upload(b"x", f"{name}.{name}").summary.id for name in ("csv", "json", "parquet")}
    shelf.datasets.update(shelf.caller, made["csv"], tags=["Geo", "raw"])
    shelf.datasets.update(shelf.caller, made["json"], tags=["geo"])

    def found(**filters: object) -> set[str]:
        return set(names(shelf.datasets.list(shelf.caller, DatasetQuery(**filters))))  # type: ignore[arg-type]

    assert found(tags=("GEO",)) == {"csv", "json"}
    assert found(tags=("geo", "raw")) == {"csv"}
    assert found(tags=("ge",)) == set()
    assert found(formats=("json",)) == {"json"}
    assert found(formats=("json",), tags=("raw",)) == set()
    assert found(owner="local") == {"csv", "json", "parquet"}
    assert found(owner="Local") == found(owner="nobody") == set()
    assert shelf.datasets.tags(shelf.caller) == (("Geo", 2), ("raw", 1))
    shelf.datasets.delete(shelf.caller, made["json"])
    assert shelf.datasets.tags(shelf.caller) == (("Geo", 1), ("raw", 1))


def test_letters_that_fold_into_many_stay_within_an_index(local_shelf: Shelf) -> None:
    """U+FDFA is one letter and folds into eighteen; PostgreSQL refuses index entries of more than 2.7 kB."""
    shelf, letters = local_shelf, "".join(chr(0xFDFA) + chr(0x4E00 + number) for number in range(100))
    detail = shelf.upload(b"x", name=letters)
    shelf.datasets.update(shelf.caller, detail.summary.id, tags=[letters[:60]], description=letters * 50)
    for query in (DatasetQuery(sort="name"), DatasetQuery(q=letters[:40]), DatasetQuery(tags=(letters[:60],))):
        assert names(shelf.datasets.list(shelf.caller, query)) == [letters]


@pytest.mark.parametrize("sort", SORTS)
def test_an_unfiltered_page_is_read_from_the_index_of_its_order(local_shelf: Shelf, sort: str) -> None:
    """The plan, not the time, says that the page of a large shelf costs what that of a small one does."""
    name = sort.removeprefix("-")
    column = "name_key" if name == "name" else name
    direction = "DESC" if sort.startswith("-") else "ASC"
    statement = (
        f"SELECT id FROM dataset WHERE owner_id = '{local_shelf.caller.user_id.hex}' AND current_file_id IS NOT NULL "
        f"ORDER BY {column} {direction}, id {direction} LIMIT 25"
    )
    with local_shelf.database.session() as session:
        if local_shelf.database.is_sqlite:
            plan = str(session.connection().execute(text(f"EXPLAIN QUERY PLAN {statement}")).all())
            assert "TEMP B-TREE" not in plan
        else:
            # An empty table is always scanned; forbidding that shows which index could serve.
            for setting in ("enable_seqscan", "enable_sort", "enable_bitmapscan"):
                session.connection().execute(text(f"SET LOCAL {setting} = off"))
            plan = str(session.connection().execute(text(f"EXPLAIN {statement}")).all())
            assert "Sort" not in plan
        assert f"ix_dataset_by_{'updated' if name == 'updated_at' else name}" in plan


def test_the_kept_count_is_the_real_one_after_anything(local_shelf: Shelf) -> None:
    shelf, rng = local_shelf, random.Random(4)  # any numbers will do
    for _ in range(60):
        items = shelf.datasets.list(shelf.caller, DatasetQuery(limit=200)).items
        chosen = rng.choice(items) if items else None
        act = rng.choice(["new", "new", "version", "delete", "delete file", "abort"])
        data = b"x" * rng.randrange(50)
        if act == "new" or chosen is None:
            shelf.upload(data)
        elif act == "version":
            shelf.upload(data, dataset_id=chosen.id)
        elif act == "delete":
            shelf.datasets.delete(shelf.caller, chosen.id)
        elif act == "delete file":
            shelf.files.delete(shelf.caller, rng.choice(shelf.datasets.get(shelf.caller, chosen.id).files).id)
        else:
            shelf.upload(data)
        kept = shelf.datasets.list(shelf.caller, DatasetQuery(limit=200))
        counted = shelf.datasets.list(shelf.caller, DatasetQuery(limit=200, owner="local"))
        assert (kept.total, kept.total_size) == (counted.total, counted.total_size)
        assert kept.items == counted.items
    assert len(shelf.objects()) == shelf.datasets.totals(shelf.caller).files
