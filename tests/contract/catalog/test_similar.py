"""Datasets found by the columns they share, and the columns a search found."""

from __future__ import annotations

import uuid

import pytest
from sqlalchemy import insert
from sqlmodel import Session, select

from catalog.caller import Caller
from catalog.errors import DatasetNotFound
from catalog.listing import DatasetQuery
from catalog.shelf import describe, refresh
from catalog.similar import USUAL
from db.tables import Column, Dataset, File, FileStatus, User
from tests.contract.catalog.conftest import Shelf

ORDERS = [("order_id", "integer"), ("customer_id", "integer"), ("price", "float"), ("at", "timestamp")]


def put(shelf: Shelf, name: str, columns: list[tuple[str, str]]) -> uuid.UUID:
    detail = shelf.upload(b"x\n", name=name)
    with shelf.database.transaction() as session:
        file = session.get_one(File, detail.files[0].id)
        describe(session, file, columns)
        refresh(session, session.get_one(Dataset, detail.summary.id))
    return detail.summary.id


def found(shelf: Shelf, dataset_id: uuid.UUID, most: int = 5) -> list[tuple[str, tuple[str, ...], int]]:
    return [
        (one.summary.name, one.shared, one.of) for one in shelf.datasets.similar(shelf.caller, dataset_id, most=most)
    ]


def test_the_most_alike_come_first_by_name_without_case_and_by_type(local_shelf: Shelf) -> None:
    orders = put(local_shelf, "Orders", ORDERS)
    put(local_shelf, "Archive", [("ORDER_ID", "integer"), *ORDERS[1:], ("more", "string")])
    put(local_shelf, "Customers", [("customer_id", "integer"), ("name", "string")])
    put(local_shelf, "Other types", [(name, "string") for name, _ in ORDERS])
    put(local_shelf, "Nothing", [("x", "integer")])
    assert found(local_shelf, orders) == [
        ("Archive", ("order_id", "customer_id", "price", "at"), 4),
        ("Customers", ("customer_id",), 4),
    ]
    assert found(local_shelf, orders, most=1) == [("Archive", ("order_id", "customer_id", "price", "at"), 4)]


def test_a_name_that_says_nothing_alone_makes_nothing_alike(local_shelf: Shelf) -> None:
    first = put(local_shelf, "First", [("id", "integer"), ("name", "string"), ("weight", "float")])
    put(local_shelf, "Id only", [("id", "integer"), ("colour", "string")])
    put(local_shelf, "Both", [("id", "integer"), ("name", "string")])
    assert found(local_shelf, first) == [("Both", ("id", "name"), 3)]


def test_only_the_newest_versions_of_the_callers_datasets_count(local_shelf: Shelf) -> None:
    orders = put(local_shelf, "Orders", ORDERS)
    was_alike = put(local_shelf, "Was alike", ORDERS)
    newer = local_shelf.upload(b"y\n", dataset_id=was_alike)
    with local_shelf.database.transaction() as session:
        describe(session, session.get_one(File, newer.files[0].id), [("y", "integer")])
        stranger = User(name="stranger")
        session.add(stranger)
        session.flush()
        add_many(session, stranger.id, 1, ORDERS)
    assert found(local_shelf, orders) == []
    with pytest.raises(DatasetNotFound):
        local_shelf.datasets.similar(Caller(uuid.uuid4(), "nobody"), orders)
    assert found(local_shelf, local_shelf.upload(b"z\n").summary.id) == [], "its columns are not known yet"


def test_usual_columns_are_not_what_others_are_looked_up_by(local_shelf: Shelf) -> None:
    dataset_id = put(local_shelf, "Sales", [("day", "date"), ("shop", "string"), ("soil_moisture", "float")])
    with local_shelf.database.transaction() as session:
        add_many(session, local_shelf.caller.user_id, USUAL + 5, [("day", "date"), ("shop", "string")])
    rare = put(local_shelf, "Fields", [("soil_moisture", "float")])
    similar = local_shelf.datasets.similar(local_shelf.caller, dataset_id)
    assert [one.summary.id for one in similar] == [rare]
    with local_shelf.database.session() as session:
        one_of_many = session.exec(select(Dataset.id).where(Dataset.name == "Many 0")).one()
    alike = local_shelf.datasets.similar(local_shelf.caller, one_of_many)
    assert [one.shared for one in alike] == [("day", "shop")] * 5


def test_a_search_says_which_columns_it_found(local_shelf: Shelf) -> None:
    put(local_shelf, "Orders", ORDERS)
    put(local_shelf, "Wide", [(f"Customer_{number}", "string") for number in range(20)])
    listed = local_shelf.datasets.list(local_shelf.caller, DatasetQuery(q="CUSTOMER", sort="name"))
    assert [(one.name, one.matched_columns) for one in listed.items] == [
        ("Orders", ("customer_id",)),
        ("Wide", tuple(f"Customer_{number}" for number in range(5))),
    ]
    by_name = local_shelf.datasets.list(local_shelf.caller, DatasetQuery(q="orders %"))
    assert [one.matched_columns for one in by_name.items] == []
    unsearched = local_shelf.datasets.list(local_shelf.caller, DatasetQuery())
    assert {one.matched_columns for one in unsearched.items} == {()}


def add_many(session: Session, owner_id: uuid.UUID, count: int, columns: list[tuple[str, str]]) -> None:
    """Datasets with one version of these columns each, as rows."""
    files, datasets, described = [], [], []
    for number in range(count):
        dataset_id, file_id = uuid.uuid4(), uuid.uuid4()
        name = f"Many {number}"
        datasets.append(
            Dataset(id=dataset_id, owner_id=owner_id, name=name, name_key=name.lower(), current_file_id=file_id)
        )
        place = {"backend": "local", "bucket": "b", "role": "datasets", "key": str(file_id)}
        facts = {"file_name": "x.csv", "format": "csv", "media_type": "text/csv", "size": 1, "status": FileStatus.READY}
        files.append(File(id=file_id, dataset_id=dataset_id, owner_id=owner_id, version=1, **facts, **place))
        described += [
            {"file_id": file_id, "position": at, "name": column, "type": kind, "name_key": column}
            for at, (column, kind) in enumerate(columns)
        ]
    session.add_all(datasets)
    session.flush()
    session.add_all(files)
    session.flush()
    session.execute(insert(Column), described)
