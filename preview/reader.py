"""One file in, one table out: finds out what the bytes are, whatever the name says, and hands them to the right reader.

Runs in a worker process. Every way out is a `Table` or a `PreviewError`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, BinaryIO, Final

from preview.archive import Member, choose, describe, open_archive
from preview.content import is_binary, signature_of
from preview.delimited import read_delimited
from preview.errors import CorruptFile, EncryptedFile, NoTable, TooBig
from preview.formats import TITLES, WRAPPINGS, format_of
from preview.ipc import read_ipc_file, read_ipc_stream, read_ipc_stream_file
from preview.json_document import read_json
from preview.json_lines import read_json_lines
from preview.limits import MB, Limits
from preview.opened_text import Text
from preview.parquet import read_parquet
from preview.read_as import AS_DETECTED, ReadAs
from preview.result import RowIndex
from preview.said_types import retype
from preview.source import Source
from preview.streams import FIRST, Forward, ForwardFile, RangeFile, Rewound, Unpacked, spool
from preview.table import Table
from preview.texts import open_judged
from preview.transport import open_transport

PEEK: Final = 1 << 16
"""Bytes that decide what a file is."""
BINARY_FORMATS: Final = frozenset({"parquet", "arrow", "xlsx", "xls", "ods"})


@dataclass(frozen=True, slots=True)
class Job:
    """Which rows and columns are wanted, of a file of which name, read in which way, within which limits.

    `columns` None means the first ones; `index` is used by texts only.
    """

    name: str
    rows: int
    offset: int
    limits: Limits
    columns: tuple[str, ...] | None = None
    read_as: ReadAs = AS_DETECTED
    index: RowIndex | None = None
    take: Callable[[Text, str, Job], Table] | None = None
    """What reads a text, of the kind `open_judged` gives, in place of the readers of pages."""
    take_arrow: Callable[[RangeFile | Forward, str, Job], Table] | None = None
    """What reads Arrow in place of those: a `file` or a `stream`."""

    @property
    def named(self) -> str:
        return format_of(self.name)

    @property
    def page(self) -> dict[str, Any]:
        return {"rows": self.rows, "offset": self.offset, "limits": self.limits, "columns": self.columns}


def read(
    source: Source,
    *,
    rows: int,
    offset: int,
    limits: Limits,
    columns: Sequence[str] | None = None,
    read_as: ReadAs = AS_DETECTED,
    index: RowIndex | None = None,
) -> Table:
    """The rows of a stored file at an offset. Raises every PreviewError but TimedOut and WorkerCrashed."""
    chosen = tuple(columns) if columns is not None else None
    usable = index if index is not None and index.read_key == read_as.key else None
    job = Job(source.file_name, rows, offset, limits.for_rows(rows), chosen, read_as, usable)
    if source.size == 0:
        raise NoTable("The file is empty (0 bytes), so there is nothing to show.")
    file = RangeFile(open_transport(source), source.size)
    try:
        return finished(read_file(file, job), job)
    except MemoryError:
        raise TooBig(
            f"Reading this file needs more memory than the {limits.memory // MB:,} MB a preview may use."
        ) from None
    except RecursionError:
        raise TooBig("This file is nested deeper than a preview reads (about 1,000 levels).") from None


def finished(table: Table, job: Job) -> Table:
    """The table with its columns of the types a user says, and told which facts about it are as said."""
    retype(table, dict(job.read_as.types))
    here = table.detected.to_plain()
    chosen = tuple(name for name in job.read_as.to_plain() if name in here or name == "types")
    table.detected = replace(table.detected, chosen=chosen)
    return table


def read_file(file: RangeFile, job: Job, *, packed: bool = False) -> Table:
    """The table in a seekable file; `packed` says that it came out of a compressed one."""
    head = file.head(4096 if job.named in BINARY_FORMATS else FIRST)[:PEEK]
    kind = signature_of(head)
    if kind in ("gzip", "bz2", "xz", "zstd"):
        return _unpacked(Unpacked(ForwardFile(file, first=PEEK), kind), kind, job, packed=packed)
    if kind == "zip":
        return _zip(file, job, packed=packed)
    if kind == "ole":
        return _ole(file, job)
    if kind == "parquet" and (
        job.named == "parquet" or is_binary(head) or file.read_at(file.size - 4, 4) in (b"PAR1", b"PARE")
    ):
        return _noted(read_parquet(file, **job.page), job)
    if kind == "arrow":
        take = job.take_arrow
        return _noted(take(file, "file", job) if take is not None else read_ipc_file(file, **job.page), job)
    if kind == "arrow-stream":
        take = job.take_arrow
        return _noted(take(file, "stream", job) if take is not None else read_ipc_stream_file(file, **job.page), job)
    if kind == "feather1" and is_binary(head):
        raise NoTable(
            "This is Feather of the first version, which is no longer read; version 2 (Arrow) and Parquet are."
        )
    return _text(ForwardFile(file), head, job, size=file.size, file=None if packed else file)


def _unpacked(stream: Unpacked, wrapping: str, job: Job, *, packed: bool) -> Table:
    if packed:
        raise NoTable("The file is compressed twice; unpack it once and add the result.")
    head = stream.read(PEEK)
    while len(head) < PEEK and (more := stream.read(PEEK - len(head))):
        head += more
    if not head:
        if stream.truncated:
            raise CorruptFile(
                f"The {TITLES[wrapping]} data ends before anything comes out of it. Was the file sent whole?"
            )
        raise NoTable("The compressed file holds nothing, so there is nothing to show.")
    inner = replace(job, name=without_wrapping(job.name))
    whole = Rewound(head, stream)
    kind = signature_of(head)
    if kind in WRAPPINGS.values() and kind != "zip":
        raise NoTable("The file is compressed twice; unpack it once and add the result.")
    if job.take_arrow is not None and kind in ("arrow", "arrow-stream"):
        # Behind its first bytes an IPC file is a stream of its batches: it need not be whole to be read to its end.
        table = _noted(job.take_arrow(whole, "file" if kind == "arrow" else "stream", inner), inner)
    elif kind == "arrow-stream":
        table = _noted(read_ipc_stream(whole, **job.page), inner)
    elif kind is None or (kind == "parquet" and not is_binary(head)):
        table = _text(whole, head, inner, size=None)
    else:
        what = f"{TITLES.get(kind, 'Binary')} data inside {TITLES[wrapping]}"
        table = read_file(_spooled(whole, what, job.limits), inner, packed=True)
    if stream.truncated and not stream.cut:
        table.notes.append("The compressed file ends in the middle; these are the rows that could be unpacked.")
        table.total_rows, table.partial = None, True
    table.read_as = (*table.read_as, TITLES[wrapping])
    return table


def _spooled(stream: Forward, what: str, limits: Limits) -> RangeFile:
    file, size = spool(stream, limit=limits.spool, what=what)
    return RangeFile(SpooledTransport(file), size)


class SpooledTransport:
    """Ranges out of a temporary file."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def fetch(self, start: int, length: int) -> bytes:
        self._file.seek(start)
        return self._file.read(length)

    def stream(self, start: int) -> Any:
        self._file.seek(start)
        return iter(lambda: self._file.read(1 << 20), b"")


def _zip(file: RangeFile, job: Job, *, packed: bool) -> Table:
    archive = open_archive(file)
    what = describe(archive)
    if what in ("xlsx", "ods"):
        from preview.workbook import check_parts, read_workbook

        check_parts(archive, job.limits)
        whole, _ = spool(ForwardFile(file), limit=job.limits.spool, what="A workbook")
        # A shape that unpacks to more than may be held is refused before it is opened; the file's own size is bounded
        # too.
        return _noted(read_workbook(whole, kind=what, said=job.read_as, **job.page), job)
    if what != "archive":
        raise NoTable(f"This is {what}, which holds no table; it is stored and can be downloaded.")
    if job.named in ("xlsx", "ods"):
        raise CorruptFile(f"The file is named .{job.named}, but there is no workbook in it.")
    chosen = choose(archive, job.read_as.member)
    member = chosen.member
    inner = replace(job, name=member.filename)
    stream = Member(archive, member)
    if packed:
        raise NoTable("The file is packed twice; unpack it once and add the result.")
    head = b""
    while len(head) < PEEK and (more := stream.read(PEEK - len(head))):
        head += more
    if not head:
        raise NoTable(f"“{member.filename}” in this zip is empty, so there is nothing to show.")
    kind = signature_of(head)
    if kind is None:
        table = _text(Rewound(head, stream), head, inner, size=None)
    elif kind in ("gzip", "bz2", "xz", "zstd"):
        table = _unpacked(Unpacked(Rewound(head, stream), kind), kind, inner, packed=False)
    else:
        table = read_file(
            _spooled(Rewound(head, stream), f"“{member.filename}” inside a zip", job.limits), inner, packed=True
        )
    table.read_as = (*table.read_as, "zip")
    table.detected = replace(table.detected, member=member.filename, members=chosen.members)
    table.notes[:0] = chosen.notes
    return table


def _ole(file: RangeFile, job: Job) -> Table:
    from preview.workbook import read_workbook

    head = file.head(512)
    sector = 1 << min(int.from_bytes(head[30:32], "little"), 16)
    directory = file.read_at((int.from_bytes(head[48:52], "little") + 1) * sector, 8192)
    if "EncryptedPackage".encode("utf-16-le") in directory:
        raise EncryptedFile("This workbook is protected with a password, so its rows cannot be shown.")
    if not any(name.encode("utf-16-le") in directory for name in ("Workbook", "Book")) and job.named not in (
        "xls",
        "xlsx",
    ):
        raise NoTable("This is an old Office document without a workbook in it; it is stored and can be downloaded.")
    whole, _ = spool(ForwardFile(file), limit=job.limits.spool, what="A workbook")
    return _noted(read_workbook(whole, kind="xls", said=job.read_as, **job.page), job)


def _text(stream: Forward, head: bytes, job: Job, *, size: int | None, file: RangeFile | None = None) -> Table:
    text, kind = open_judged(stream, head, name=job.name, size=size, said=job.read_as)
    if file is not None and text.start is not None:
        text.enter = lambda entry: ForwardFile(file, start=entry.byte, first=entry.length)
    if job.take is not None:
        return _noted(job.take(text, kind, job), job)
    if kind == "delimited":
        return _noted(read_delimited(text, named=job.named, index=job.index, said=job.read_as, **job.page), job)
    if kind == "jsonl":
        return _noted(read_json_lines(text, index=job.index, **job.page), job)
    return _noted(read_json(text, **job.page), job)


def _noted(table: Table, job: Job) -> Table:
    named = job.named
    # Spreadsheet formats share their reader, and so do JSON and JSON Lines; only a real surprise is worth a sentence.
    if named not in ("other", table.format) and {named, table.format} not in ({"csv", "tsv"}, {"xlsx", "xls"}):
        table.notes.insert(
            0, f"The name says {TITLES[named]}, but the content is {TITLES[table.format]}; it is read as that."
        )
    return table


def without_wrapping(name: str) -> str:
    """`x.csv` of `x.csv.gz`."""
    stem, _, last = name.rpartition(".")
    return stem if stem and last.lower() in WRAPPINGS else name
