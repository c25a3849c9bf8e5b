"""Conditions on rows as the address keeps them and as a person reads them.

In an address `where` is JSON, a list of `{"column": …, "op": …, "value": …}`; the operations are `Condition`'s.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import cast, get_args

from pages import wording
from preview.asking import Condition, Op
from preview.result import JsonValue

MOST = 20
"""Conditions; more than that was not clicked together, and the rest is left out."""
SHOWN = 60
"""Characters of a value that a sentence shows."""
WITHOUT_VALUE = ("null", "not_null")
WORDS: dict[Op, str] = {
    "is": "is",
    "is_not": "is not",
    "null": "is empty",
    "not_null": "is not empty",
    "from": "from",
    "below": "below",
    "upto": "up to",
    "contains": "contains",
}


def parse(text: str | None) -> tuple[Condition, ...]:
    """What `to_text` gave; of a text typed by hand, those of its conditions that are some."""
    try:
        plain = json.loads(text or "[]")
    except (ValueError, RecursionError):
        return ()
    found = (_condition(item) for item in (plain if isinstance(plain, list) else ())[:MOST])
    return tuple(condition for condition in found if condition is not None)


def to_text(conditions: Iterable[Condition]) -> str:
    """The conditions for an address; no conditions are an empty text."""
    plain: list[dict[str, JsonValue]] = []
    for one in conditions:
        plain.append({"column": one.column, "op": one.op})
        if one.op not in WITHOUT_VALUE:
            plain[-1]["value"] = one.value
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":")) if plain else ""


def sentence(condition: Condition) -> str:
    """`state is AK`, `price from 10.5`, `note is empty`: plain text, not Markdown."""
    words = f"{condition.column} {WORDS[condition.op]}"
    return words if condition.op in WITHOUT_VALUE else f"{words} {value_text(condition.value)}"


def value_text(value: JsonValue) -> str:
    """A value as a person reads it, cut where it is long; what looks like nothing is put in words."""
    if value is None:
        return "empty"
    if value == "":
        return "“” (no characters)"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if text != text.strip():
        text = f"“{text}”"
    text = " ".join(text.split()) or "“ ” (spaces)"
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def in_words(conditions: Iterable[Condition]) -> str:
    """All of them: a range of one column in one phrase (`price from 10 below 20`), the rest joined by "and"."""
    phrases: list[str] = []
    before: Condition | None = None
    for one in conditions:
        closes = before is not None and before.op == "from" and one.op in ("below", "upto")
        if closes and before is not None and before.column == one.column:
            phrases[-1] += f" {WORDS[one.op]} {value_text(one.value)}"
        else:
            phrases.append(sentence(one))
        before = one
    return " and ".join(phrases)


def label(conditions: Iterable[Condition]) -> str:
    """`in_words` for a Streamlit label."""
    return wording.plain(in_words(conditions))


def _condition(plain: object) -> Condition | None:
    if not isinstance(plain, dict):
        return None
    column, op = plain.get("column"), plain.get("op")
    if not isinstance(column, str) or op not in get_args(Op):
        return None
    return Condition(column, cast("Op", op), None if op in WITHOUT_VALUE else plain.get("value"))
