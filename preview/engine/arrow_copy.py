"""Arrow record batches as a columnar copy, batch by batch: values stay Arrow's, and never become JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from preview.arrow_cells import Arrow, type_name
from preview.arrow_checks import check as check_array
from preview.engine.arrow_stored import ALL, TEXT, Stored, stored_as
from preview.engine.row_groups import GROUP_BYTES, RowGroups, rows_of_group
from preview.engine.seen import Form, Seen, array_of, said_values, taken_as_empty
from preview.errors import NoTable
from preview.ipc import reason
from preview.ipc_batches import Batches
from preview.limits import Limits
from preview.said_types import check_type
from preview.table import Cells, Picked, Table, pick

MISFITS: Final = (pa.ArrowException, ValueError, NotImplementedError, IndexError)
"""What values raise that are not what their type says. An OSError is one of the disk that the copy is written to."""


@dataclass(slots=True)
class ArrowColumns:
    """Writes batches to `target`; `said` are types by the names of columns. Good for one file, read once or more.

    A column with a value that its stored type has no place for is text the next time; one whose type is said is looked
    at before it is written.
    """

    con: Any
    target: Path
    limits: Limits
    said: Mapping[str, str]
    check: Callable[[], None]
    on_progress: Callable[[float], None]
    stores: tuple[str, ...] = ()
    """What each stored column stands for, once all is written."""
    _texts: set[int] = field(default_factory=set)
    _forms: dict[int, Form] | None = None
    """Of the columns that are read as the type that is said."""

    def write(self, batches: Batches) -> Table | None:
        """Write all batches, and give the table without its rows; None where they have to be given once more.

        Raises CorruptFile, NoTable, TooBig, WrongReadAs, and what `check` raises.
        """
        schema = batches.schema
        if not schema.names:
            raise NoTable("This Arrow file has no columns.")
        for kind in self.said.values():
            check_type(kind)
        picked = pick(schema.names, self.limits, None)
        try:
            return self._write(batches, picked) if self._look(batches, picked) else None
        except MISFITS as error:
            raise reason(error) from None

    def _look(self, batches: Batches, picked: Picked) -> bool:
        """Whether it is known what columns of a said type are; if not, it is by the end of these batches."""
        if self._forms is not None:
            return True
        seen = {
            place: (Seen(self.con), self.said[name])
            for place, name in enumerate(picked.names)
            if self.said.get(name, kind := type_name(batches.schema.field(place).type)) != kind
        }
        for piece in self._pieces(batches) if seen else ():
            for place, (values, said) in seen.items():
                values.add(self._said(piece, place, said)[0])
        self._forms = {place: values.form(said) for place, (values, said) in seen.items()}
        return not seen

    def _write(self, batches: Batches, picked: Picked) -> Table | None:
        stored = [self._stored(batches.schema.field(place).type, place) for place in range(len(picked.names))]
        groups, writing = RowGroups(self.target), True
        lost: dict[str, int] = {}
        for piece in self._pieces(batches):
            arrays = self._arrays(piece, picked, stored, lost)
            writing = writing and arrays is not None
            if arrays is not None and writing:
                groups.add(_batch(arrays))
        if not writing:
            return None
        if not groups.rows:
            forms = self._forms or {}
            kinds = [forms[place].kind if place in forms else one.kind for place, one in enumerate(stored)]
            groups.add(_batch([pa.array([], kind) for kind in kinds]))
        groups.close()
        return self._table(batches, picked, stored, groups.rows, taken_as_empty(lost, self.said))

    def _table(self, batches: Batches, picked: Picked, stored: list[Stored], rows: int, notes: list[str]) -> Table:
        forms, fields = self._forms or {}, batches.schema
        self.stores = tuple(forms[place].store if place in forms else one.store for place, one in enumerate(stored))
        cells = [
            Cells(name, forms[place].type if place in forms else type_name(fields.field(place).type), [])
            for place, name in enumerate(picked.names)
        ]
        plural = "" if batches.count == 1 else "es"
        counted = (f"{batches.count:,} record batch{plural}",) if batches.kind == "IPC file" else ()
        if batches.ends_early:
            notes = [*notes, "The stream ends in the middle of its rows; these are the ones before."]
        return Table(
            cells,
            rows,
            "arrow",
            ("Arrow", batches.kind, *counted),
            rows,
            column_count=len(fields.names),
            notes=[*picked.notes, *notes],
            all_columns=picked.all_names,
        )

    def _pieces(self, batches: Batches) -> Iterator[Any]:
        """The batches in parts that fit a row group, none of which reaches outside its buffers."""
        for batch in batches:
            bytes_of_row = batch.get_total_buffer_size() // max(batch.num_rows, 1) + 1
            step = max(1, min(rows_of_group(batch.num_columns), GROUP_BYTES // bytes_of_row))
            for begin in range(0, batch.num_rows, step):
                self.check()
                piece = batch.slice(begin, step)
                for column in piece.columns:
                    check_array(column)
                yield piece
            if batches.at:
                self.on_progress(batches.at)

    def _arrays(self, piece: Any, picked: Picked, stored: list[Stored], lost: dict[str, int]) -> list[Any] | None:
        """The columns as they are stored; None where one has a value that has no place in its type."""
        arrays, fit = [], True
        for place, one in enumerate(stored):
            if self._forms and place in self._forms:
                name = picked.names[place]
                values, count = self._said(piece, place, self.said[name])
                lost[name] = lost.get(name, 0) + count
                arrays.append(array_of(self.con, self._forms[place], values))
                continue
            try:
                arrays.append(one.convert(piece.column(place)))
            except pa.ArrowMemoryError:
                raise
            except pa.ArrowException:
                if one is TEXT:
                    raise
                self._texts.add(place)
                fit = False
        return arrays if fit else None

    def _stored(self, kind: Any, place: int) -> Stored:
        return TEXT if place in self._texts else stored_as(kind)

    def _said(self, piece: Any, place: int, said: str) -> tuple[list[Any], int]:
        return said_values("", said, Arrow(cell=ALL).values(piece.column(place)))


def _batch(arrays: list[Any]) -> Any:
    # The names of the stored columns are none of the file's.
    return pa.RecordBatch.from_arrays(arrays, names=[f"c{place}" for place in range(len(arrays))])
