"""What kind of text a text is: delimited, JSON or JSON Lines, by its name and by what it looks like."""

from __future__ import annotations

from preview.content import is_binary, markup, stranger
from preview.dialect import detect
from preview.encoding import chosen
from preview.encoding import detect as detect_encoding
from preview.errors import CorruptFile, NoTable, PreviewError
from preview.formats import EXTENSIONS, format_of
from preview.header import kind_of
from preview.json_text import looks_like_json
from preview.opened_text import Text, open_text
from preview.read_as import AS_DETECTED, ReadAs
from preview.streams import Forward


def open_judged(
    stream: Forward, head: bytes, *, name: str, size: int | None, said: ReadAs = AS_DETECTED
) -> tuple[Text, str]:
    """The text and its kind: `delimited`, `json` or `jsonl`.

    `head` is a copy of the stream's beginning; `size` its length in bytes where that is known; a text whose delimiter
    is `said` is delimited. Raises NoTable (no table format), CorruptFile (not what the name promises) and WrongReadAs.
    """
    wide = detect_encoding(head[:4096], whole=False) if said.encoding is None else chosen(said.encoding, head)
    if not (wide.mark or wide.is_wide) and is_binary(head):
        raise _not_text(head, name)
    text = open_text(stream, size=size, codec=said.encoding)
    if said.delimiter is not None:
        return text, "delimited"
    if text.whole and not text.sample().strip("\ufeff \t\r\n\0"):
        raise NoTable("The file holds only blank lines, so there is nothing to show.")
    return text, _kind(text, name)


def _kind(text: Text, name: str) -> str:
    named = format_of(name)
    sample = text.sample()
    json_kind = looks_like_json(sample)
    if json_kind == "sequence" and named not in ("csv", "tsv"):
        return "json"
    if named == "json":
        return json_kind or "json"
    if named == "jsonl":
        return "json" if json_kind == "json" and sample.lstrip()[:1] == "[" else "jsonl"
    what = markup(sample[:512].lstrip().encode("utf-8", "replace"))
    if what and not (named in ("csv", "tsv") and "HTML" not in what and _is_divided(text, sample)):
        raise NoTable(f"This is {what}, not a table; it is stored and can be downloaded.")
    if named in ("csv", "tsv"):
        # A delimited text may well begin with a bracket; it is JSON only where delimiters make no sense of it.
        return json_kind if json_kind and not _is_divided(text, sample) else "delimited"
    if json_kind:
        return json_kind
    if _is_divided(text, sample):
        return "delimited"
    if named == "other":
        raise NoTable("This is text without columns, not a table; it is stored and can be downloaded.")
    raise CorruptFile(f"The file is named .{_extension(name)}, but its content is text without columns.")


def _is_divided(text: Text, sample: str) -> bool:
    dialect = detect(sample, whole=text.whole)
    if dialect.delimiter is None:
        return False
    rows = dialect.parse(sample)[dialect.preamble :][:100]
    even = [row for row in rows if len(row) == len(rows[0])]
    if len(rows) < 2 or len(even) <= len(rows) * 0.7:
        return False
    # Words are divided by spaces as well; in a table some column holds numbers or times.
    return dialect.delimiter not in " :" or any(
        sum(kind_of(cell) in ("number", "moment") for cell in column) > len(even) * 0.7
        for column in zip(*even, strict=True)
    )


def _not_text(head: bytes, name: str) -> PreviewError:
    what = stranger(head)
    if format_of(name) == "other":
        return NoTable(f"This is {what or 'a binary file of no table format'}; it is stored and can be downloaded.")
    content = f"it is {what}" if what else "its content is binary data of no known kind"
    return CorruptFile(f"The file is named .{_extension(name)}, but {content}.")


def _extension(name: str) -> str:
    last = name.rsplit(".", 1)[-1].lower()
    return last if last in EXTENSIONS else format_of(name)
