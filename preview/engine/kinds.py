"""Columns of text as typed ones, over all rows of a file, by the rules of `preview.text_cells` written in SQL.

A `Kind` is a type of the preview and one way to store it: `value` and `fits` are SQL over a column of text `{c}` whose
empty cells are null. The first kind of `KINDS` that every cell fits is the column's; text fits always.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from preview.engine.connect import literal
from preview.text_cells import BOOLEAN, DATE, FLOAT, INTEGER, TIME, TIMESTAMP

ZONE: Final = r"(?:Z|UTC|:[0-9]{2}(?:\.[0-9]+)? ?[-+][0-9:]+)\s*$"
"""What only a moment with an offset ends with: a date's own hyphens stand before any colon."""
FINE: Final = r"\.[0-9]{7}"
"""More digits than microseconds have."""
BLANK: Final = " \t\n\r\x0b\x0c"
MISFIT: Final = "misfit in column "


@dataclass(frozen=True, slots=True)
class Kind:
    """`type` is the preview's; `quick` is cheap SQL that is true of most cells of the kind, and of no other cell. What
    such a cell is cast to, `cast`, is then its value, unless `plain` says another; `{v}` in both is that value.
    `store` says what the stored column stands for (a key of `tables.VALUES`, or ""); `note` is told
    of a column where something of its values is left out."""

    name: str
    type: str
    value: str
    fits: str
    cast: str = ""
    quick: str = "false"
    plain: str = "{v}"
    store: str = ""
    note: str = ""

    def fitting(self, column: str) -> str:
        """SQL: whether a cell that is not null is one of this kind; never null itself."""
        # CASE evaluates what follows for the other rows only; OR would for all.
        sql = f"CASE WHEN {self.quick} THEN true ELSE coalesce({self.fits}, false) END"
        return sql.replace("{v}", self.tried(column)).replace("{c}", column)

    def tried(self, column: str) -> str:
        """SQL of the cast that most cells pass, null where one does not."""
        return f"try_cast({column} AS {self.cast})" if self.cast else "NULL"

    def checked(self, column: str, place: int, tried: str | None = None) -> str:
        """SQL of the value; a cell that does not fit ends the statement with an error that names the column's place.

        `tried` is a column that holds what `tried()` gives, which is then reckoned once.
        """
        if not self.fits:
            return column
        sql = (
            f"CASE WHEN {{c}} IS NULL THEN NULL WHEN {self.quick} THEN {self.plain} "
            f"WHEN coalesce({self.fits}, false) THEN {self.value} ELSE error('{MISFIT}{place};') END"
        )
        return sql.replace("{v}", tried or self.tried(column)).replace("{c}", column)


def _matches(pattern: str, column: str = "{c}") -> str:
    return f"regexp_full_match({column}, {literal(pattern.removeprefix('^').removesuffix('$'))})"


def _ends(pattern: str) -> str:
    return f"regexp_matches({{c}}, {literal(pattern)})"


def _cast(kind: str) -> str:
    return f"try_cast({{c}} AS {kind})"


_TRIMMED = f"trim({{c}}, {literal(BLANK)})"
_HUGE = _cast("HUGEINT")
# What DuckDB writes back as it stands needs no pattern, which costs more.
_SAME = "{v}::VARCHAR = {c}"
_SAME_DAY = f"{_SAME} AND {{v}} >= DATE '0001-01-01' AND {{v}} < DATE '10000-01-01'"
# What DuckDB takes for a number besides has a zero or a plus in front, no point, an underscore, or a space of its own.
_BEGINS = "({c} >= '1' AND {c} < ':' OR {c} >= '0.' AND {c} < '0/' OR {c} >= '-1' AND {c} < '-:')"
_WITH_POINT = (
    f"{{v}} IS NOT NULL AND contains({{c}}, '.') AND {_BEGINS} AND NOT contains({{c}}, '_') "
    "AND NOT contains({c}, chr(11))"
)
# A whole number among floats must not be rounded by being one.
_EXACT = (
    r"(length({c}) <= 15 OR NOT regexp_full_match({c}, '\s*-?[0-9]+\s*') OR coalesce("
    f"{_HUGE} BETWEEN -9223372036854775808 AND 18446744073709551615 AND {_HUGE}::DOUBLE::HUGEINT = {_HUGE}, false))"
)
_DAY = f"try_cast({_TRIMMED} AS DATE)"
_FIRST = "DATE '0001-01-01'"
_MOMENT = f"try_cast({_TRIMMED} AS TIMESTAMP)"
_ZONED = rf"try_cast(regexp_replace({_TRIMMED}, ' ([-+])', '\1') AS TIMESTAMPTZ)"
_NANO = f"try_cast({_TRIMMED} AS TIMESTAMP_NS)"
_OF_MOMENT = f"{_matches(TIMESTAMP)} AND {_DAY} >= {_FIRST}"

TEXT: Final = Kind("text", "string", "{c}", "")
EMPTY: Final = Kind("empty", "null", "NULL::INTEGER", "false")
KINDS: Final = (
    Kind(
        "bigint",
        "integer",
        _cast("BIGINT"),
        f"{_matches(INTEGER)} AND {_cast('BIGINT')} IS NOT NULL",
        cast="BIGINT",
        quick=_SAME,
    ),
    Kind("ubigint", "integer", _cast("UBIGINT"), f"{_matches(INTEGER)} AND {_cast('UBIGINT')} IS NOT NULL"),
    Kind(
        "huge",
        "integer",
        _cast("DECIMAL(20, 0)"),
        f"{_matches(INTEGER)} AND {_HUGE} BETWEEN -9223372036854775808 AND 18446744073709551615",
        store="huge",
    ),
    Kind(
        "double",
        "float",
        _cast("DOUBLE"),
        f"{_matches(FLOAT)} AND {_EXACT}",
        cast="DOUBLE",
        quick=_WITH_POINT,
    ),
    Kind(
        "boolean",
        "boolean",
        f"lower({_TRIMMED}) = 'true'",
        _matches(BOOLEAN),
        quick="{c} IN ('true', 'false')",
        plain="{c} = 'true'",
    ),
    Kind(
        "date",
        "date",
        _DAY,
        f"{_matches(DATE)} AND {_DAY} >= {_FIRST}",
        cast="DATE",
        quick=_SAME_DAY,
    ),
    Kind(
        "timestamp",
        "timestamp",
        _MOMENT,
        f"{_OF_MOMENT} AND NOT {_ends(ZONE)} AND NOT {_ends(FINE)}",
        cast="TIMESTAMP",
        quick=_SAME_DAY,
    ),
    Kind(
        "timestamptz", "timestamp", _ZONED, f"{_OF_MOMENT} AND {_ends(ZONE)} AND NOT {_ends(FINE)}", store="timestamptz"
    ),
    Kind("timestamp_ns", "timestamp", _NANO, f"{_OF_MOMENT} AND NOT {_ends(ZONE)} AND {_NANO} IS NOT NULL"),
    Kind(
        "mixed_moments",
        "timestamp",
        _ZONED,
        _OF_MOMENT,
        store="timestamptz",
        note="Moments are compared in UTC and to the microsecond; those without an offset are taken as UTC.",
    ),
    Kind("time", "time", f"try_cast({_TRIMMED} AS TIME)", f"{_matches(TIME)} AND NOT {_ends(FINE)}"),
    Kind("time_ns", "time", f"try_cast({_TRIMMED} AS TIME_NS)", _matches(TIME)),
)
BY_NAME: Final = {kind.name: kind for kind in (*KINDS, TEXT, EMPTY)}
DIGIT: Final = "regexp_matches({c}, '[0-9]')"
"""A column of NaN and infinities alone holds no number: it is text."""


def guess(kind: str, cells: Sequence[str | None]) -> Kind:
    """The first kind to try for a column that the preview calls `kind` by a sample, the cells given.

    A column that is empty in the sample may hold anything further on, and finding that out costs no more than trying.
    """
    if kind == "string":
        return TEXT
    if kind == "null":
        return EMPTY
    fitting = [found for found in KINDS if found.type == kind]
    first = next((cell for cell in cells if cell), "")
    if kind == "timestamp" and _has_zone(first):
        return BY_NAME["timestamptz"]
    return fitting[0]


def _has_zone(cell: str) -> bool:
    return cell.rstrip()[10:].endswith(("Z", "UTC")) or any(sign in cell[16:] for sign in "+-")


def judging(column: str) -> str:
    """SQL of one list for a column: which of `KINDS` all cells fit, whether there is a digit, and whether a cell."""
    fits = [f"bool_and({kind.fitting(column)}) FILTER ({column} IS NOT NULL)" for kind in KINDS]
    digit = DIGIT.replace("{c}", column)
    return f"[{', '.join([*fits, f'bool_or({digit})', f'count({column}) > 0'])}]"


def judged(answer: Sequence[bool | None]) -> Kind:
    """The kind by an answer to `judging`."""
    *fits, digit, present = answer
    if not present:
        return EMPTY
    for kind, holds in zip(KINDS, fits, strict=True):
        if holds and (kind.name != "double" or digit):
            return kind
    return TEXT
