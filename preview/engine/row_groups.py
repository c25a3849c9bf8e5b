"""Pieces of a table written as Parquet as they come, in row groups of bounded size: never more than one is held."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

GROUP_CELLS: Final = 600_000
"""Cells of a row group."""
GROUP_BYTES: Final = 64 << 20
"""Bytes of a row group, as Arrow holds them."""


def rows_of_group(columns: int) -> int:
    """The rows that a row group of so many columns holds."""
    return max(1, GROUP_CELLS // max(columns, 1))


class RowGroups:
    """A Parquet file that grows by record batches, all of one schema: that of the first one."""

    def __init__(self, target: Path) -> None:
        self.rows = 0
        self._target = target
        self._writer: Any = None
        self._held: list[Any] = []
        self._held_rows = self._held_bytes = 0

    def add(self, batch: Any) -> None:
        """Write a record batch, or keep it until there is a row group."""
        self._held.append(batch)
        self.rows += batch.num_rows
        self._held_rows += batch.num_rows
        self._held_bytes += batch.nbytes
        if self._held_rows >= rows_of_group(batch.num_columns) or self._held_bytes >= GROUP_BYTES:
            self._flush()

    def close(self) -> None:
        """Write what is left, and the footer. There has to be one batch at least, be it of no row."""
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if not self._held:
            return
        table = pa.Table.from_batches(self._held)
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._target, table.schema, compression="lz4")
        self._writer.write_table(table, row_group_size=max(table.num_rows, 1))
        self._held, self._held_rows, self._held_bytes = [], 0, 0
