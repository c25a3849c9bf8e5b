"""Statistics: asked for, computed once however many apps there are, stopped, taken over, forgotten; on both databases.

The analyst is one that waits for the test's word; what the real one computes is tested with the engine.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any, cast

import pytest
from sqlmodel import select

from catalog.caller import Caller
from catalog.comparisons import Comparisons
from catalog.errors import FileNotFound, VersionNotFound
from catalog.previews import Previews
from catalog.profile_rows import SILENT, ProfileRows, storable
from catalog.profiler import ROUGH_FROM, Profiler
from catalog.profiles import Profiles, ProfileState
from db.tables import Profile as Row
from db.tables import ProfileStatus
from db.utc import utc_now
from preview import Previewer
from preview.analyst import Analyst
from preview.asking import Cancel, Data
from preview.errors import Cancelled, CorruptFile, SourceUnavailable
from preview.profile import ColumnProfile, Hint, Histogram, Profile, TopValue
from preview.read_as import AS_DETECTED, ReadAs
from tests.contract.catalog.conftest import Shelf

PATIENCE = 60
COLUMN = ColumnProfile(
    "x",
    "float",
    "float",
    1,
    distinct=3,
    mean=float("nan"),
    top=(TopValue("\x00", 2),),
    histogram=Histogram((0, 1, 2), (1, 2)),
    hints=(Hint("outliers", "One is far off."),),
)
WHOLE = Profile(4, 4, False, "all 4 rows", (COLUMN,), 1, duplicates=0, notes=("A note.",))
ROUGH = Profile(2, 4, True, "a sample of 2 rows", (COLUMN,), 1)


class Waiting:
    """An analyst that answers when it is let, and counts what it is asked."""

    def __init__(self) -> None:
        self.let = threading.Event()
        self.asked: list[Data] = []
        self.error: Exception | None = None

    def profile(
        self, data: Data, *, on_progress: Callable[[float], None] | None = None, cancel: Cancel | None = None
    ) -> Profile:
        self.asked.append(data)
        assert on_progress is not None
        assert cancel is not None
        on_progress(0.25)
        while not self.let.wait(0.01):
            if cancel.is_set():
                raise Cancelled("Stopped.")
        if self.error is not None:
            raise self.error
        return WHOLE

    def quick_profile(self, data: Data) -> Profile:
        return ROUGH


@pytest.fixture
def analyst() -> Iterator[Waiting]:
    waiting = Waiting()
    yield waiting
    waiting.let.set()


@pytest.fixture
def profiler(local_shelf: Shelf, analyst: Waiting) -> Iterator[Profiler]:
    with closing(one_more(local_shelf, analyst)) as made:
        yield made


@pytest.fixture
def profiles(local_shelf: Shelf, profiler: Profiler) -> Profiles:
    profiler.start()
    return Profiles(local_shelf.database, profiler)


def one_more(shelf: Shelf, analyst: Waiting) -> Profiler:
    return Profiler(shelf.database, shelf.storages, cast("Analyst", analyst), back_off=timedelta(seconds=0.05))


def until(ask: Callable[[], Any], right: Callable[[Any], bool]) -> Any:
    deadline = time.monotonic() + PATIENCE
    while not right(found := ask()):
        assert time.monotonic() < deadline, found
        time.sleep(0.02)
    return found


def file_of(shelf: Shelf, data: bytes = b"x\n1\n") -> uuid.UUID:
    return shelf.upload(data).files[0].id


def test_statistics_are_computed_once_and_kept_whole(local_shelf: Shelf, profiles: Profiles, analyst: Waiting) -> None:
    analyst.let.set()
    file_id = file_of(local_shelf)
    state = until(lambda: profiles.state(local_shelf.caller, file_id), lambda state: state.status == "ready")
    assert state.profile is not None
    assert state.profile.how == WHOLE.how
    assert state.profile.columns[0].top == COLUMN.top
    assert state.profile.columns[0].mean is None, "JSON has no NaN"
    assert profiles.state(local_shelf.caller, file_id).profile is state.profile
    assert profiles.known(local_shelf.caller, file_id) is state.profile
    assert len(analyst.asked) == 1


def test_while_computing_progress_and_a_rough_answer_are_there(
    local_shelf: Shelf, profiles: Profiles, analyst: Waiting
) -> None:
    file_id = file_of(local_shelf, b"x\n" + b"1\n" * (ROUGH_FROM // 2))
    state: ProfileState = until(
        lambda: profiles.state(local_shelf.caller, file_id),
        lambda state: state.profile is not None and state.progress is not None,
    )
    assert (state.status, state.progress) == ("computing", 0.25)
    assert state.profile is not None
    assert state.profile.how == ROUGH.how
    assert profiles.known(local_shelf.caller, file_id) is None
    analyst.let.set()
    until(lambda: profiles.state(local_shelf.caller, file_id), lambda state: state.status == "ready")


def test_what_is_stopped_stays_so_until_it_is_wanted_again(
    local_shelf: Shelf, profiles: Profiles, analyst: Waiting
) -> None:
    file_id = file_of(local_shelf)
    profiles.state(local_shelf.caller, file_id)
    until(lambda: analyst.asked, bool)
    profiles.cancel(local_shelf.caller, file_id)
    assert profiles.state(local_shelf.caller, file_id).status == "none"
    analyst.let.set()
    profiles.recompute(local_shelf.caller, file_id)
    until(lambda: profiles.state(local_shelf.caller, file_id), lambda state: state.status == "ready")
    assert len(analyst.asked) == 2


def test_a_stop_in_one_app_is_heard_in_the_other(local_shelf: Shelf, profiles: Profiles, analyst: Waiting) -> None:
    file_id = file_of(local_shelf)
    profiles.state(local_shelf.caller, file_id)
    until(lambda: analyst.asked, bool)
    ProfileRows(local_shelf.database).stop(file_id, "")
    until(lambda: profiles.profiler._running, lambda running: not running)
    assert profiles.state(local_shelf.caller, file_id).status == "none"


def test_a_failure_is_kept_in_words_and_tried_again_on_demand(
    local_shelf: Shelf, profiles: Profiles, analyst: Waiting
) -> None:
    analyst.error = CorruptFile("The file is cut off.")
    analyst.let.set()
    file_id = file_of(local_shelf)
    state = until(lambda: profiles.state(local_shelf.caller, file_id), lambda state: state.status != "computing")
    assert (state.status, state.error, state.profile) == ("failed", "The file is cut off.", None)
    analyst.error = None
    assert profiles.state(local_shelf.caller, file_id).status == "failed"
    profiles.recompute(local_shelf.caller, file_id)
    until(lambda: profiles.state(local_shelf.caller, file_id), lambda state: state.status == "ready")


def test_while_the_store_is_away_it_waits_and_nothing_is_blamed_on_the_file(
    local_shelf: Shelf, profiles: Profiles, analyst: Waiting
) -> None:
    analyst.error = SourceUnavailable("The store does not answer.")
    analyst.let.set()
    file_id = file_of(local_shelf)
    profiles.state(local_shelf.caller, file_id)
    until(lambda: len(analyst.asked), lambda asked: asked > 3)
    assert profiles.state(local_shelf.caller, file_id).status == "computing"
    analyst.error = None
    until(lambda: profiles.state(local_shelf.caller, file_id), lambda state: state.status == "ready")


def test_of_two_apps_one_computes(local_shelf: Shelf, profiles: Profiles, analyst: Waiting) -> None:
    with closing(one_more(local_shelf, analyst)) as other:
        other.start()
        file_id = file_of(local_shelf)
        profiles.state(local_shelf.caller, file_id)
        other.look()
        until(lambda: analyst.asked, bool)
        assert other.rows.claim() is None
        analyst.let.set()
        until(lambda: profiles.state(local_shelf.caller, file_id), lambda state: state.status == "ready")
    assert len(analyst.asked) == 1


def test_a_claim_whose_beat_stopped_is_taken_over_and_its_owner_changes_nothing_more(local_shelf: Shelf) -> None:
    rows, file_id = ProfileRows(local_shelf.database), file_of(local_shelf)
    rows.ask(file_id, "", waiting=True)
    first = rows.claim()
    assert first is not None
    assert rows.claim() is None
    _age(local_shelf, file_id)
    second = rows.claim()
    assert second is not None
    assert not rows.beat(first[0], 0.5)
    assert not rows.finish(first[0], WHOLE.to_plain())
    assert rows.beat(second[0], 0.5)
    assert rows.finish(second[0], WHOLE.to_plain())


def test_what_ends_its_app_each_time_fails_in_the_end(local_shelf: Shelf) -> None:
    rows, file_id = ProfileRows(local_shelf.database), file_of(local_shelf)
    rows.ask(file_id, "", waiting=True)
    for _ in range(3):
        assert rows.claim() is not None
        _age(local_shelf, file_id)
    assert rows.claim() is None
    row = rows.get(file_id, "")
    assert row is not None
    assert (row.status, row.error is not None) == (ProfileStatus.FAILED, True)


def test_a_persons_wish_comes_before_what_is_computed_in_passing(local_shelf: Shelf) -> None:
    rows = ProfileRows(local_shelf.database)
    waited_for, in_passing = file_of(local_shelf), file_of(local_shelf)
    rows.ask(waited_for, "", waiting=True)
    rows.ask(in_passing, "", waiting=False)
    claimed = [rows.claim(), rows.claim()]
    assert [one[0].file_id for one in claimed if one is not None] == [waited_for, in_passing]


def test_reading_a_dataset_otherwise_forgets_its_statistics(
    local_shelf: Shelf, profiles: Profiles, analyst: Waiting
) -> None:
    analyst.let.set()
    dataset = local_shelf.upload(b"x;y\n1;2\n")
    file_id = dataset.files[0].id
    until(lambda: profiles.state(local_shelf.caller, file_id), lambda state: state.status == "ready")
    # Nothing is read here.
    previews = Previews(local_shelf.database, local_shelf.storages, cast("Previewer", None))
    previews.set_read_as(local_shelf.caller, dataset.summary.id, ReadAs(delimiter=","))
    assert profiles.known(local_shelf.caller, file_id) is None
    until(lambda: profiles.state(local_shelf.caller, file_id), lambda state: state.status == "ready")
    assert [data.read_as for data in analyst.asked] == [AS_DETECTED, ReadAs(delimiter=",")]


def test_statistics_go_with_their_file(local_shelf: Shelf, profiles: Profiles, analyst: Waiting) -> None:
    analyst.let.set()
    file_id = file_of(local_shelf)
    until(lambda: profiles.state(local_shelf.caller, file_id), lambda state: state.status == "ready")
    with pytest.raises(FileNotFound):
        profiles.state(Caller(uuid.uuid4(), "stranger"), file_id)
    local_shelf.files.delete(local_shelf.caller, file_id)
    with pytest.raises(FileNotFound):
        profiles.state(local_shelf.caller, file_id)
    with local_shelf.database.session() as session:
        assert session.exec(select(Row)).all() == []


def test_versions_are_compared_when_both_have_statistics(
    local_shelf: Shelf, profiles: Profiles, analyst: Waiting
) -> None:
    dataset_id = local_shelf.upload(b"x\n1\n").summary.id
    local_shelf.upload(b"x\n2\n", dataset_id=dataset_id)
    comparisons = Comparisons(local_shelf.database, profiles)
    drift = comparisons.compare(local_shelf.caller, dataset_id, old=1, new=2)
    assert (drift.computing, drift.compared) == (True, None)
    assert drift.notes[0] == "The statistics of version 1 are being computed."
    analyst.let.set()
    drift = until(
        lambda: comparisons.compare(local_shelf.caller, dataset_id, old=1, new=2), lambda drift: not drift.computing
    )
    assert (drift.compared, drift.moved, drift.notes) == (1, (), ())
    assert (drift.old.version, drift.new.rows) == (1, 4)
    for old, new in ((1, 3), (0, 1), (2**40, 1)):
        with pytest.raises(VersionNotFound):
            comparisons.compare(local_shelf.caller, dataset_id, old=old, new=new)


def test_what_json_has_no_number_for_is_null() -> None:
    assert storable({"a": (1.5, float("inf")), "b": [float("nan"), None, "NaN"]}) == {
        "a": [1.5, None],
        "b": [None, None, "NaN"],
    }


def _age(shelf: Shelf, file_id: uuid.UUID) -> None:
    with shelf.database.transaction() as session:
        row = session.get_one(Row, (file_id, ""))
        row.beat_at = utc_now() - 2 * SILENT
