"""CSV, TSV and their kin: rows at an offset out of a forward stream, every value as the file has it."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Final

from preview.dialect import Dialect, detect
from preview.encoding import UTF8, Encoding, chosen, decode
from preview.encoding import detect as detect_encoding
from preview.errors import NoTable, TooBig, WrongReadAs
from preview.limits import MB, Limits
from preview.read_as import AS_DETECTED, Detected, ReadAs
from preview.result import RowIndex
from preview.row_ends import RowEnds
from preview.row_index import Entry, entry_for
from preview.said_types import as_said
from preview.streams import Forward, Rewound, is_cut
from preview.table import Table, pick
from preview.text_cells import typed

SMALL: Final = 1 << 20
"""Bytes: a text up to this size is read whole, so that its count and its types are exact."""
HEAD: Final = 1 << 18
"""Bytes of a larger text that its encoding, dialect and types are judged by."""
READ: Final = 1 << 20
PROMISED: Final = {"csv": ",", "tsv": "\t"}


@dataclass(slots=True)
class Text:
    """The beginning of a text, in an encoding whose ASCII bytes can be searched, and the stream behind it.

    `whole` says that `head` is all of it. `encoding` is how `head` and the stream's bytes are decoded; `label` what the
    file itself is in. `start` counts the bytes before `head`, None where its bytes are not the file's own; `enter`
    gives a stream from a later row of the stored file on, None where it can only be read from its beginning.
    """

    head: bytes
    rest: Forward
    whole: bool
    encoding: Encoding
    label: str
    codec: str = "utf-8"
    """What the file itself is in, as `encoding.CHOICES` has it."""
    start: int | None = None
    enter: Callable[[Entry], Forward] | None = None

    def chunks(self) -> Iterator[bytes]:
        yield self.head
        while not self.whole and (block := self.rest.read(READ)):
            yield block

    def chunks_from(self, entry: Entry) -> Iterator[bytes]:
        """The bytes from a row of the index on."""
        stream = self.enter(entry) if self.enter is not None else None
        while stream is not None and (block := stream.read(READ)):
            yield block

    def sample(self) -> str:
        """The head as text, its last character dropped where it is cut."""
        text = codecs.getincrementaldecoder(self.encoding.codec)("replace").decode(self.head, final=self.whole)
        return text.lstrip("\ufeff")


class _Utf8:
    """A forward stream of UTF-8 out of one in a wider encoding."""

    def __init__(self, stream: Forward, codec: str) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(codec)("replace")
        self._ended = False

    @property
    def cut(self) -> bool:
        return is_cut(self._stream)

    def read(self, size: int, /) -> bytes:
        while not self._ended:
            block = self._stream.read(max(size // 2, 4))
            self._ended = not block
            if data := self._decoder.decode(block, final=not block).encode("utf-8", "replace"):
                return data
        return b""


def open_text(stream: Forward, *, size: int | None, codec: str | None = None) -> Text:
    """Read the beginning of a text and judge its encoding, unless a user names its `codec`. `size` is its length in
    bytes, None where unknown (compressed). Raises WrongReadAs.
    """
    wanted = SMALL + 1 if size is None or size <= SMALL else HEAD
    head = fill(stream, wanted)
    whole = len(head) < wanted and not is_cut(stream)
    encoding = detect_encoding(head, whole=whole) if codec is None else chosen(codec, head)
    label = encoding.label
    if not encoding.is_wide:
        plain = replace(encoding, mark=0)
        return Text(head[encoding.mark :], stream, whole, plain, label, encoding.codec, start=encoding.mark)
    wide = _Utf8(Rewound(head[encoding.mark :], stream), encoding.codec)
    head = fill(wide, wanted)
    return Text(head, wide, len(head) < wanted and not is_cut(wide), UTF8, label, encoding.codec)


def fill(stream: Forward, wanted: int) -> bytes:
    """The next `wanted` bytes, fewer only at the end."""
    blocks, size = [], 0
    while size < wanted and (block := stream.read(wanted - size)):
        blocks.append(block)
        size += len(block)
    return b"".join(blocks)


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


def delimited_dialect(text: Text, named: str, said: ReadAs = AS_DETECTED) -> Dialect:
    """The dialect of a text; `named` is the format its name promises. Raises NoTable for one line without end, and
    WrongReadAs.
    """
    dialect = detect(text.sample(), whole=text.whole, prefer=PROMISED.get(named), said=said)
    if dialect.delimiter is None and not text.whole and b"\n" not in text.head and b"\r" not in text.head:
        raise NoTable("The file begins with one very long line without any delimiter, which is no table.")
    return dialect


def read_delimited(
    text: Text,
    *,
    rows: int,
    offset: int,
    limits: Limits,
    columns: Sequence[str] | None = None,
    index: RowIndex | None = None,
    named: str = "csv",
    said: ReadAs = AS_DETECTED,
) -> Table:
    """The rows of a CSV or TSV; `named` is the format its name promises, `said` what its user says of it."""
    sample = text.sample()
    dialect = delimited_dialect(text, named, said)
    first_rows = _parse_sample(dialect, sample, whole=text.whole)
    if said.skip and said.skip >= len(first_rows):
        raise WrongReadAs(
            f"The {'file' if text.whole else 'beginning of the file'} has {len(first_rows):,} rows, so {said.skip:,} "
            "cannot be skipped before the table."
        )
    if not any(any(row) for row in first_rows) and text.whole:
        raise NoTable("The file holds only blank lines, so there is nothing to show.")
    found = window(
        text,
        RowEnds(dialect),
        leading=dialect.leading_rows,
        offset=offset,
        count=rows,
        limits=limits,
        index=index,
    )
    if found.too_long and not found.data:
        raise TooBig(f"One row of this file is longer than the {limits.text // MB} MB of text a preview reads.")
    page_text, encoding = decode(found.data, text.encoding)
    page = dialect.parse(page_text)[:rows]
    table = _table(dialect, first_rows, page, limits, columns, dict(said.types))
    table.detected = Detected(
        delimiter=dialect.delimiter or "",
        quote=dialect.quote or "",
        encoding=text.codec,
        header=dialect.header,
        skip=dialect.preamble,
    )
    table.format = "tsv" if dialect.delimiter == "\t" and named != "csv" else "csv"
    label = text.label if encoding == text.encoding else f"{text.label}, then {encoding.label}"
    header = "header row" if dialect.header else "no header row"
    table.read_as = ("TSV" if table.format == "tsv" else "CSV", label, dialect.delimiter_name, header)
    if found.total is not None:
        table.total_rows = max(0, found.total - dialect.leading_rows)
    table.partial = not text.whole
    if found.too_long:
        table.notes.append(f"The row after these is longer than {limits.text // MB} MB and is not shown.")
    return table


def _parse_sample(dialect: Dialect, sample: str, *, whole: bool) -> list[list[str]]:
    rows = dialect.parse(sample)
    # The last row of a cut sample is cut as well; alone it still tells the columns.
    return rows if whole or len(rows) < 2 else rows[:-1]


def _table(
    dialect: Dialect,
    first_rows: Sequence[list[str]],
    page: list[list[str]],
    limits: Limits,
    columns: Sequence[str] | None,
    types: Mapping[str, str],
) -> Table:
    header = list(first_rows[dialect.preamble]) if dialect.header and len(first_rows) > dialect.preamble else []
    sample = list(first_rows[dialect.leading_rows :])
    header, trailing = _align(header, sample)
    width = max([len(header), *(len(row) for row in sample), *(len(row) for row in page)], default=0)
    if trailing:
        width = len(header)
    picked = pick((header + [""] * width)[:width], limits, columns, named=dialect.header)
    notes = picked.notes
    notes.extend(_ragged(sample, page, header=len(header) if dialect.header else 0, trailing=trailing))
    if dialect.preamble:
        lines = "line" if dialect.preamble == 1 else f"{dialect.preamble} lines"
        notes.append(f"The first {lines} of the file {'is' if dialect.preamble == 1 else 'are'} not part of the table.")
    if dialect.stray_quote:
        notes.append("A quote in this file is never closed, so quotes are shown as they stand.")
    samples = _columns(sample, picked.places)
    # The first page lies within the sample; looking at it twice would tell nothing new.
    within = sample[: len(page)] == page
    pages = [known[: len(page)] for known in samples] if within else _columns(page, picked.places)
    cells = []
    for name, known, shown in zip(picked.names, samples, pages, strict=True):
        if name in types:
            column, more = as_said(name, types[name], shown)
            notes.extend(more)
        else:
            column = typed(name, known if within else (*known, *shown), shown)
        cells.append(column)
    return Table(cells, len(page), "csv", (), None, column_count=width, notes=notes, all_columns=picked.all_names)


def _columns(rows: Sequence[list[str]], places: Sequence[int]) -> list[tuple[str | None, ...]]:
    width = max(places) + 1
    columns = list(zip_longest(*(row[:width] for row in rows)))
    columns += [(None,) * len(rows)] * (width - len(columns))
    return [columns[place] for place in places]


def _align(header: list[str], sample: Sequence[list[str]]) -> tuple[list[str], bool]:
    """A header one cell shorter than all rows: names row labels left out (R), or rows that end with a delimiter."""
    if header and sample and all(len(row) == len(header) + 1 for row in sample):
        if not any(row[-1] for row in sample):
            return header, True
        return ["", *header], False
    return header, False


def _ragged(sample: Sequence[list[str]], page: Sequence[list[str]], *, header: int, trailing: bool) -> list[str]:
    rows = sample or page
    expected = header or max((len(row) for row in rows), default=0)
    odd = sum(1 for row in rows if len(row) - trailing != expected)
    if not odd:
        return []
    of = f"{odd:,} of the first {len(rows):,} rows"
    if header:
        return [f"{of} {'has' if odd == 1 else 'have'} more or fewer cells than the header."]
    return [f"{of} {'has' if odd == 1 else 'have'} fewer cells than the longest."]
