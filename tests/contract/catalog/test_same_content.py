"""What is on the shelf already is known again before it is sent; both databases, both stores."""

from __future__ import annotations

import hashlib
import os
import uuid
from dataclasses import replace

import pytest
from sqlalchemy import update
from sqlmodel import col

from catalog.caller import Caller
from catalog.errors import InvalidChecksum
from catalog.intake import NewUpload
from catalog.parts import SMALL_PART
from catalog.same_content import SameContent, SameFile
from db.tables import File, FileStatus
from tests.contract.catalog.conftest import Shelf

DATA = os.urandom(SMALL_PART + 5)
MIB = 1024**2


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def ends(data: bytes) -> dict[str, str]:
    return {"head_sha256": sha256(data[:MIB]), "tail_sha256": sha256(data[-MIB:])}


def stored(shelf: Shelf, data: bytes, *, told: bool = True, parts: bool = True) -> uuid.UUID:
    started = shelf.uploads.start(shelf.caller, NewUpload("x.bin", len(data), **(ends(data) if told else {})))  # type: ignore[arg-type]
    sent, size = shelf.send(started.parts, data, started.part_size), started.part_size
    if parts:
        sent = [replace(p, sha256=sha256(data[(p.number - 1) * size : p.number * size])) for p in sent]
    return shelf.uploads.complete(shelf.caller, started.upload_id, sent).files[0].id


def asked(shelf: Shelf, data: bytes, **more: object) -> list[tuple[uuid.UUID, bool]]:
    found = SameContent(shelf.database).find(shelf.caller, size=len(data), **ends(data), **more)  # type: ignore[arg-type]
    assert all(isinstance(one, SameFile) for one in found)
    return [(one.file_id, one.certain) for one in found]


def read(shelf: Shelf, file_id: uuid.UUID) -> None:
    """As the background reader leaves it."""
    with shelf.database.transaction() as session:
        row = update(File).where(col(File.id) == file_id)
        session.execute(row.values(sha256=sha256(DATA), sha256_verified=True))


def by_parts(data: bytes) -> dict[str, object]:
    parts = [sha256(data[at : at + SMALL_PART]) for at in range(0, len(data), SMALL_PART)]
    return {"part_size": SMALL_PART, "part_sha256": parts}


@pytest.mark.usefixtures("read_later")
def test_the_two_ends_make_it_likely_and_every_part_certain(shelf: Shelf) -> None:
    file_id = stored(shelf, DATA)
    assert asked(shelf, DATA) == [(file_id, False)]
    assert asked(shelf, DATA, **by_parts(DATA)) == [(file_id, False)], "what a client told, nobody has read yet"
    read(shelf, file_id)
    assert asked(shelf, DATA, **by_parts(DATA)) == [(file_id, True)]
    middle = DATA[: 2 * MIB] + bytes([DATA[2 * MIB] ^ 1]) + DATA[2 * MIB + 1 :]
    assert asked(shelf, middle) == [(file_id, False)]
    assert asked(shelf, middle, **by_parts(middle)) == []
    assert asked(shelf, os.urandom(len(DATA))) == []
    assert asked(shelf, DATA + b"x") == []


def test_the_checksum_of_the_whole_decides_once_it_is_verified(shelf: Shelf) -> None:
    file_id = stored(shelf, DATA, told=False, parts=False)
    assert asked(shelf, DATA) == []
    read(shelf, file_id)
    assert asked(shelf, DATA, sha256=sha256(DATA).upper()) == [(file_id, True)]
    assert asked(shelf, DATA, sha256="0" * 64) == []


@pytest.mark.usefixtures("read_later")
def test_a_file_whose_ends_nobody_told_is_known_by_its_parts(shelf: Shelf) -> None:
    file_id = stored(shelf, DATA, told=False)
    assert asked(shelf, DATA, **by_parts(DATA)) == []
    read(shelf, file_id)
    assert asked(shelf, DATA, **by_parts(DATA)) == [(file_id, True)]


def test_only_ready_files_of_the_caller_are_named(shelf: Shelf) -> None:
    file_id = stored(shelf, b"a\n1\n")
    stranger = SameContent(shelf.database).find(Caller(uuid.uuid4(), "stranger"), size=4, **ends(b"a\n1\n"))  # type: ignore[arg-type]
    assert stranger == ()
    for status in (FileStatus.FAILED, FileStatus.TRASHED, FileStatus.PENDING):
        with shelf.database.transaction() as session:
            session.execute(update(File).where(col(File.id) == file_id).values(status=status))
        assert asked(shelf, b"a\n1\n") == []


def test_what_cannot_be_is_refused_and_an_empty_file_has_no_twin(shelf: Shelf) -> None:
    stored(shelf, b"")
    assert asked(shelf, b"") == []
    for more in ({"sha256": "x"}, {"part_size": SMALL_PART, "part_sha256": ["0" * 64]}):
        with pytest.raises(InvalidChecksum):
            asked(shelf, DATA, **more)


def test_a_dataset_names_the_others_that_hold_the_same(shelf: Shelf) -> None:
    first, second = stored(shelf, b"a\n1\n"), stored(shelf, b"a\n1\n")
    named = {file_id: shelf.files.get(shelf.caller, file_id).dataset_id for file_id in (first, second)}

    def verified(known: bool) -> None:
        with shelf.database.transaction() as session:
            session.execute(update(File).values(sha256_verified=known))

    verified(False)
    assert shelf.datasets.get(shelf.caller, named[first]).same_as == ()
    verified(True)
    (same,) = shelf.datasets.get(shelf.caller, named[first]).same_as
    assert (same.file_id, same.dataset_id, same.version, same.certain) == (second, named[second], 1, True)
