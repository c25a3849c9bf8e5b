"""The rules that every backend keeps: keys, parts in order, and which role has which keys."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage import BucketRole, InvalidKey, LocalFileStorage, ObjectRef, Part, PartRejected
from storage.keys import LONGEST_KEY, check_key, in_order, role_prefix

REF = ObjectRef(BucketRole.DATASETS, "datasets/x")


@pytest.mark.parametrize("key", ["a", "datasets/2026/11/0c5e", "a b/ü/📈", ".hidden", "a..b/c", "x" * 240])
def test_ordinary_key_is_taken(key: str) -> None:
    check_key(key)


@given(st.text())
def test_key_that_is_taken_stays_below_its_bucket(tmp_path_factory: pytest.TempPathFactory, key: str) -> None:
    root = tmp_path_factory.getbasetemp() / "objects"
    storage = LocalFileStorage(root, b"k", lambda: "")
    try:
        check_key(key)
    except InvalidKey:
        return
    path = storage._objects.path(ObjectRef(BucketRole.DATASETS, key))
    assert (root / "datasets").resolve() in path.resolve().parents
    assert len(key.encode()) <= LONGEST_KEY


@pytest.mark.parametrize("bucket", ["..", ".meta", ".uploads", "../x", "a/b", "/etc"])
def test_bucket_that_is_no_folder_of_ours_is_refused(tmp_path_factory: pytest.TempPathFactory, bucket: str) -> None:
    storage = LocalFileStorage(tmp_path_factory.getbasetemp(), b"k", lambda: "")
    with pytest.raises(InvalidKey):
        storage.stat_file(ObjectRef(BucketRole.DATASETS, "datasets/x", bucket))


def test_parts_are_put_in_order_and_their_etags_bare() -> None:
    assert in_order([Part(2, '"b"'), Part(1, "a", 5)], REF) == [Part(1, "a", 5), Part(2, "b")]


@pytest.mark.parametrize("numbers", [[], [0], [2], [1, 3], [1, 1], [1, 2, 2], [-1, 1]])
def test_parts_with_a_gap_are_rejected(numbers: list[int]) -> None:
    with pytest.raises(PartRejected):
        in_order([Part(number, "a") for number in numbers], REF)


@pytest.mark.parametrize(
    ("prefix", "shared", "listed"),
    [
        ("", False, ""),
        ("models/2026", False, "models/2026"),
        ("", True, "models/"),
        ("mod", True, "models/"),
        ("models/2026", True, "models/2026"),
        ("datasets/", True, None),
        ("x", True, None),
    ],
)
def test_role_in_a_shared_bucket_has_its_own_keys(prefix: str, shared: bool, listed: str | None) -> None:
    assert role_prefix(BucketRole.MODELS, prefix, shared=shared) == listed
