"""Zip files: what is in them, and which member is shown."""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from io import BufferedReader
from typing import Final

from preview.ends import OutsideEnds
from preview.errors import CorruptFile, EncryptedFile, NoTable, WrongReadAs
from preview.formats import format_of
from preview.streams import RangeFile

LISTED: Final = 10
"""Members named in a note."""
STEP: Final = 1 << 14
"""Bytes read of a member at once, and lost where only a part of the zip is there."""
CHOOSABLE: Final = 1_000
"""Members that a user can choose from."""

OFFICE: Final = (
    ("xl/workbook.xml", "xlsx"),
    ("xl/workbook.bin", "xlsx"),
    ("word/document.xml", "a Word document"),
    ("ppt/presentation.xml", "a PowerPoint presentation"),
    ("AndroidManifest.xml", "an Android app"),
    ("META-INF/MANIFEST.MF", "a Java archive"),
    ("Index/Document.iwa", "an Apple Numbers or Pages document"),
)
OPEN_DOCUMENT: Final = b"application/vnd.oasis.opendocument."


@dataclass(frozen=True, slots=True)
class Choice:
    """The member that is shown, and what to say of the others."""

    member: zipfile.ZipInfo
    notes: list[str]
    members: tuple[str, ...] = ()
    """The names of those that can be shown, up to `CHOOSABLE`."""


def open_archive(file: RangeFile) -> zipfile.ZipFile:
    """Read the directory of a zip by ranges. Raises CorruptFile."""
    try:
        return zipfile.ZipFile(BufferedReader(file, 1 << 16))
    except (zipfile.BadZipFile, ValueError, EOFError, NotImplementedError, OverflowError) as error:
        raise CorruptFile(
            f"The zip's directory is damaged or missing ({_short(error)}). Was the file sent whole?"
        ) from None


def describe(archive: zipfile.ZipFile) -> str:
    """`xlsx`, `ods`, `archive`, or in words what else this kind of zip is."""
    names = set(archive.namelist())
    for name, what in OFFICE:
        if name in names:
            return what
    if "mimetype" in names and archive.getinfo("mimetype").file_size < 200:
        kind = Member(archive, archive.getinfo("mimetype")).read(200)
        if kind.startswith(OPEN_DOCUMENT):
            return "ods" if kind.startswith(OPEN_DOCUMENT + b"spreadsheet") else "an OpenDocument text or drawing"
        if kind.startswith(b"application/epub"):
            return "an e-book (EPUB)"
    if names and all(name.endswith(".npy") for name in names):
        return "a NumPy archive (npz)"
    return "archive"


def choose(archive: zipfile.ZipFile, said: str | None = None) -> Choice:
    """The member a user names, else the first that is named like a table, or the only one there is.

    Raises NoTable, EncryptedFile, WrongReadAs (no such member).
    """
    members = [
        member
        for member in archive.infolist()
        if member.filename and not member.is_dir() and not _is_hidden(member.filename)
    ]
    if not members:
        raise NoTable("This zip holds no files.")
    tables = [member for member in members if format_of(member.filename) != "other"]
    choosable = tables or members
    if said is not None:
        named = [member for member in members if member.filename == said]
        if not named:
            raise WrongReadAs(f"This zip holds no “{said[:200]}”; it holds {_names(choosable)}.")
        tables = named
    if not tables and len(members) > 1:
        raise NoTable(f"This zip holds {_files(len(members))}, none of them a table: {_names(members)}.")
    member = (tables or members)[0]
    if member.flag_bits & 1:
        raise EncryptedFile("This zip is protected with a password, so the files in it cannot be shown.")
    notes = [f"“{member.filename}” from this zip is shown."]
    if len(members) > 1:
        notes = [f"This zip holds {_files(len(members))}: {_names(members)}. “{member.filename}” is shown."]
    return Choice(member, notes, tuple(member.filename for member in choosable[:CHOOSABLE]))


class Member:
    """What one member of a zip holds, as a forward stream; `cut` turns true where only a part of the zip is there.

    Raises CorruptFile, EncryptedFile, NoTable.
    """

    def __init__(self, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
        self.cut = False
        self._name = member.filename
        try:
            self._file = archive.open(member)
        except RuntimeError:
            raise EncryptedFile("This zip is protected with a password, so the files in it cannot be shown.") from None
        except NotImplementedError as error:
            raise NoTable(f"“{member.filename}” is packed in a way that is not read: {_short(error)}.") from None
        except (zipfile.BadZipFile, EOFError, ValueError) as error:
            raise CorruptFile(f"“{member.filename}” in this zip is damaged: {_short(error)}.") from None

    def read(self, size: int, /) -> bytes:
        try:
            return self._file.read(min(size, STEP))
        except OutsideEnds:
            self.cut = True
            return b""
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise CorruptFile(f"“{self._name}” in this zip is damaged: {_short(error)}.") from None


def _is_hidden(name: str) -> bool:
    return name.startswith("__MACOSX/") or name.rsplit("/", 1)[-1].startswith(".")


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count:,} files"


def _names(members: list[zipfile.ZipInfo]) -> str:
    listed = ", ".join(member.filename[:80] for member in members[:LISTED])
    return f"{listed} …" if len(members) > LISTED else listed


def _short(error: BaseException) -> str:
    return (str(error).strip().split("\n")[0][:200] or type(error).__name__).rstrip(".")
