"""The bytes of some whole rows of a text, from its beginning on or from a place that an index knows."""

from __future__ import annotations

from dataclasses import dataclass

from preview.errors import TooBig
from preview.limits import MB, Limits
from preview.opened_text import Text
from preview.result import RowIndex
from preview.row_ends import RowEnds
from preview.row_index import entry_for
from preview.streams import is_cut


@dataclass(frozen=True, slots=True)
class Window:
    """The bytes of some whole rows, and how many rows (empty lines left out) the text has, where its end was seen."""

    data: bytes
    total: int | None
    too_long: bool = False


def window(
    text: Text, ends: RowEnds, *, leading: int, offset: int, count: int, limits: Limits, index: RowIndex | None = None
) -> Window:
    """The bytes of `count` rows from row `offset` of values on, behind `leading` others.

    Raises TooBig where they lie further in than `limits.skip`, and there is no index that leads to them.
    """
    first, passed, chunks = leading + offset, 0, text.chunks()
    if index is not None and text.enter is not None and not text.whole and offset >= index.step:
        entry = entry_for(index, row=offset, rows=count)
        first, passed, chunks = offset - entry.row, leading + entry.row, text.chunks_from(entry)
    seen, base, last = 0, 0, 0
    start, stop = (0 if first == 0 else None), None
    buffer = bytearray()
    for chunk in chunks:
        buffer += chunk
        found = ends.feed(chunk)
        if start is None and seen + len(found) >= first:
            start = int(found[first - seen - 1])
        if start is not None and stop is None and seen + len(found) >= first + count:
            stop = int(found[first + count - seen - 1]) if first + count else 0
        seen += len(found)
        last = int(found[-1]) if len(found) else last
        if stop is not None and start is not None:
            data = bytes(buffer[start - base : stop - base])
            return Window(data, seen + len(ends.finish()) if text.whole and not passed else None)
        if start is None:
            base += len(buffer)
            buffer.clear()
            if base > limits.skip:
                raise TooBig(_too_far(text, limits))
        elif len(buffer) - (start - base) > limits.text:
            return Window(bytes(buffer[start - base : max(last, start) - base]), None, too_long=True)
    if is_cut(text.rest):
        return Window(bytes(buffer[start - base : max(last, start) - base]) if start is not None else b"", None)
    total = passed + seen + len(ends.finish())
    return Window(bytes(buffer[start - base :]) if start is not None else b"", total)


def _too_far(text: Text, limits: Limits) -> str:
    far = f"they begin more than {limits.skip // MB} MB from its start"
    if text.enter is not None:
        return f"Rows this far into a text file cannot be shown until its rows have been counted: {far}."
    why = "in UTF-16 or UTF-32" if text.start is None and text.label.startswith("UTF") else "compressed"
    return (
        f"Rows this far into a text that is {why} cannot be shown: {far}, and it can only be read from there. Earlier "
        "rows can, and the download has them all."
    )
