"""JSON records of any number as a columnar copy, some thousands at a time.

What a column is follows from all of its values. It is taken for what the first ones make of it until another comes;
from there on values are only looked at, and the records are read once more, by then as what they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from preview.engine.row_groups import RowGroups, rows_of_group
from preview.engine.seen import Form, Seen, array_of, said_values, taken_as_empty
from preview.limits import Limits
from preview.said_types import check_type
from preview.table import pick


@dataclass(frozen=True, slots=True)
class Plan:
    """The columns of a copy: `keys` are what to take of a record, None the record itself; `as_said` says of each
    whether its values are read as the type that a user says, which they are not yet."""

    keys: tuple[str | int | None, ...]
    names: tuple[str, ...]
    forms: tuple[Form, ...]
    as_said: tuple[bool, ...]
    width: int
    notes: tuple[str, ...]


@dataclass(slots=True)
class Written:
    """A copy that is whole."""

    plan: Plan
    rows: int
    notes: list[str]


@dataclass(slots=True)
class _Column:
    """What was seen of a column: its values, and what they are as the type that a user says."""

    seen: Seen
    said: Seen


@dataclass(slots=True)
class RecordColumns:
    """Writes records to `target`; `said` are types by the names of columns. Good for one file, read once or more."""

    con: Any
    target: Path
    limits: Limits
    said: Mapping[str, str]
    stores: tuple[str, ...] = ()
    """What each stored column stands for, once all is written."""
    _plan: Plan | None = None
    _single: bool = False
    """Whether the records are of several shapes, and the only column is the records themselves."""
    _columns: dict[str | int | None, _Column] = field(default_factory=dict)
    _keys: dict[str, None] = field(default_factory=dict)
    _width: int = 0
    _shapes: set[type] = field(default_factory=set)

    def write(self, pieces: Iterable[Sequence[Any]]) -> Written | None:
        """Write all records; None where they have to be given once more, as what is now known of them.

        Raises WrongReadAs for a type that cannot be said.
        """
        for kind in self.said.values():
            check_type(kind)
        groups = RowGroups(self.target)
        final = self._plan
        plan, writing = final, True
        lost: dict[str, int] = {}
        for records in pieces:
            if final is None:
                if not self._add(records):
                    return None
                found = self._planned()
                writing = writing and plan in (None, found)
                plan = found
            if plan is not None and writing:
                self._put(groups, plan, records, lost)
        if plan is None:
            self._add([])
            plan = self._planned()
        if not writing:
            self._plan = plan
            return None
        if not groups.rows:
            self._put(groups, plan, [], lost)
        groups.close()
        self.stores = tuple(form.store for form in plan.forms)
        return Written(plan, groups.rows, [*plan.notes, *taken_as_empty(lost, self.said)])

    def _put(self, groups: RowGroups, plan: Plan, records: Sequence[Any], lost: dict[str, int]) -> None:
        step = rows_of_group(len(plan.keys))
        for begin in range(0, max(len(records), 1), step):
            some = records[begin : begin + step]
            arrays = []
            for key, name, form, as_said_type in zip(plan.keys, plan.names, plan.forms, plan.as_said, strict=True):
                values = _values(some, key)
                if as_said_type:
                    values, count = said_values(name, self.said[name], values)
                    lost[name] = lost.get(name, 0) + count
                arrays.append(array_of(self.con, form, values))
            # The names of the stored columns are none of the file's.
            groups.add(pa.RecordBatch.from_arrays(arrays, names=[f"c{place}" for place in range(len(arrays))]))

    def _add(self, records: Sequence[Any]) -> bool:
        """Look at some records; False where those before were looked at as another shape than they all have."""
        shapes = {
            kind if (kind := type(record)) in (dict, list) else object for record in records if record is not None
        }
        if (not self._single and len(self._shapes | shapes) > 1) or object in shapes:
            late = bool(self._shapes) and not self._single
            self._single = True
            self._shapes = {object}
            if late:
                self._columns.clear()
                return False
        self._shapes |= shapes
        if not self._single:
            self._add_keys(records)
        if self._single or not (self._keys or self._width):
            self._look(None, "value", records)
        return True

    def _add_keys(self, records: Sequence[Any]) -> None:
        present = [record for record in records if record is not None]
        if self._shapes == {dict}:
            for record in present:
                if not record.keys() <= self._keys.keys():
                    self._keys.update(dict.fromkeys(record))
        elif self._shapes == {list}:
            self._width = max(self._width, *map(len, present), 0)
        keys, names = self._picked()[:2]
        # Of columns that are not shown only the names count.
        for key, name in zip(keys, names, strict=True):
            self._look(key, name, records)

    def _look(self, key: str | int | None, name: str, records: Sequence[Any]) -> None:
        column = self._columns.get(key)
        if column is None:
            column = self._columns[key] = _Column(Seen(self.con), Seen(self.con))
        values = _values(records, key)
        column.seen.add(values)
        if name in self.said:
            column.said.add(said_values(name, self.said[name], values)[0])

    def _picked(self) -> tuple[list[str | int | None], list[str], int, list[str]]:
        if self._single or not (self._keys or self._width):
            return [None], pick(["value"], self.limits, None).names, 1, []
        keys: list[str | int | None] = list(self._keys) if self._keys else list(range(self._width))
        picked = pick(list(self._keys) if self._keys else [""] * self._width, self.limits, None, named=bool(self._keys))
        return [keys[place] for place in picked.places], picked.names, len(keys), picked.notes

    def _planned(self) -> Plan:
        keys, names, width, notes = self._picked()
        forms, as_said_types = [], []
        for key, name in zip(keys, names, strict=True):
            column, said = self._columns[key], self.said.get(name)
            form = column.seen.form()
            as_it_is = said is None or (said == form.type and (said != "string" or column.seen.is_text))
            forms.append(form if as_it_is else column.said.form(said))
            as_said_types.append(not as_it_is)
        return Plan(tuple(keys), tuple(names), tuple(forms), tuple(as_said_types), width, tuple(notes))


def _values(records: Sequence[Any], key: str | int | None) -> list[Any]:
    if key is None:
        return list(records)
    if isinstance(key, str):
        return [None if record is None else record.get(key) for record in records]
    return [None if record is None or key >= len(record) else record[key] for record in records]
