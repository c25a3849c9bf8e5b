"""A look at a file before it is sent, compared with what is on the shelf."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import closing

import pytest

from catalog.caller import Caller
from catalog.errors import DatasetNotFound, InvalidFileName, InvalidInspection, InvalidSize
from catalog.inspections import END, Inspections
from catalog.previews import Previews
from preview import Limits, Previewer
from preview.read_as import ReadAs
from tests.contract.catalog.conftest import Shelf

PRICES = b"id,price,qty\n" + b"".join(b"%d,%d.5,3\n" % (row, row) for row in range(50))


@pytest.fixture(scope="module")
def previewer() -> Iterator[Previewer]:
    with closing(Previewer(Limits(), workers=1)) as made:
        yield made


@pytest.fixture
def inspections(local_shelf: Shelf, previewer: Previewer) -> Inspections:
    return Inspections(local_shelf.database, previewer)


def described(shelf: Shelf, previewer: Previewer, name: str) -> uuid.UUID:
    detail = shelf.upload(PRICES, "prices.csv", name=name)
    Previews(shelf.database, shelf.storages, previewer).preview(shelf.caller, detail.files[0].id, rows=1)
    return detail.summary.id


def test_a_version_to_be_is_compared_with_the_newest_one(
    local_shelf: Shelf, previewer: Previewer, inspections: Inspections
) -> None:
    dataset_id = described(local_shelf, previewer, "Prices")

    def said(data: bytes) -> str | None:
        return inspections.inspect(
            local_shelf.caller, "new.csv", len(data), data, data, dataset_id=dataset_id
        ).comparison

    assert said(PRICES) == "Same columns as version 1"
    lacking = b"id,qty,cost\n" + b"1,x,2.5\n" * 30
    assert said(lacking) == (
        "Against version 1: lacks price; has 1 new column: cost (float); qty was integer, is string now"
    )
    assert said(b"\x89PNG\r\n\x1a\n" + bytes(20)) is None


def test_without_a_dataset_the_one_of_that_file_name_is_compared_with(
    local_shelf: Shelf, previewer: Previewer, inspections: Inspections
) -> None:
    dataset_id = described(local_shelf, previewer, "Prices")
    looked = inspections.inspect(local_shelf.caller, "folder/prices.csv", len(PRICES), PRICES, PRICES)
    assert looked.comparison == "Same columns as “Prices” version 1"
    assert looked.same_as is not None
    assert (looked.same_as.dataset_id, looked.same_as.version) == (dataset_id, 1)
    assert [column.type for column in looked.inspection.columns] == ["integer", "float", "integer"]
    other = inspections.inspect(local_shelf.caller, "others.csv", len(PRICES), PRICES, PRICES)
    assert (other.comparison, other.same_as) == (None, None)
    stranger = Caller(uuid.uuid4(), "stranger")
    assert inspections.inspect(stranger, "prices.csv", len(PRICES), PRICES, PRICES).same_as is None
    with pytest.raises(DatasetNotFound):
        inspections.inspect(stranger, "prices.csv", len(PRICES), PRICES, PRICES, dataset_id=dataset_id)


def test_a_version_to_be_is_read_as_its_dataset_is(
    local_shelf: Shelf, previewer: Previewer, inspections: Inspections
) -> None:
    dataset_id = local_shelf.upload(b"a;b\n1;2\n").summary.id
    previews = Previews(local_shelf.database, local_shelf.storages, previewer)
    previews.set_read_as(local_shelf.caller, dataset_id, ReadAs(delimiter=""))
    data = b"a;b\n3;4\n"
    looked = inspections.inspect(local_shelf.caller, "x.csv", len(data), data, data, dataset_id=dataset_id)
    assert [column.name for column in looked.inspection.columns] == ["a;b"]


def test_what_cannot_be_a_files_two_ends_is_refused(local_shelf: Shelf, inspections: Inspections) -> None:
    caller, long = local_shelf.caller, bytes(END + 1)
    for size, head, tail in (
        (10**6, long, b"x"),
        (10**6, b"x", long),
        (2, b"xxx", b""),
        (2, b"x", b"xxx"),
        (2, b"", b"x"),
    ):
        with pytest.raises(InvalidInspection):
            inspections.inspect(caller, "x.csv", size, head, tail)
    with pytest.raises(InvalidSize):
        inspections.inspect(caller, "x.csv", -1, b"", b"")
    with pytest.raises(InvalidFileName):
        inspections.inspect(caller, "a\nb", 1, b"x", b"x")
    assert inspections.inspect(caller, "x.csv", 0, b"", b"").inspection.columns == ()
