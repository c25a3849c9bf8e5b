"""How the columns of a file compare with those of a version, in words: “lacks price; has 2 new columns”."""

from __future__ import annotations

from collections.abc import Sequence

Columns = Sequence[tuple[str, str]]
"""(name, type), in order."""
NAMED = 3
"""How many columns a sentence names; the others are counted."""


def compare_columns(new: Columns, old: Columns, what: str) -> str:
    """What `new` has in common with the columns of `what` ("version 3"), as a sentence without a full stop."""
    before, now = dict(old), dict(new)
    lost = [name for name in before if name not in now]
    added = [f"{name} ({kind})" for name, kind in now.items() if name not in before]
    retyped = [
        f"{name} was {before[name]}, is {kind} now"
        for name, kind in now.items()
        # A column of nothing but nulls has no type yet: it may become any.
        if name in before and kind != before[name] and "null" not in (kind, before[name])
    ]
    if not (lost or added or retyped):
        same_order = [name for name, _ in new] == [name for name, _ in old]
        return f"Same columns as {what}" if same_order else f"Same columns as {what}, in another order"
    if len(lost) == len(before):
        return f"No column in common with {what}"
    parts = []
    if lost:
        parts.append(f"lacks {_named(lost)}")
    if added:
        parts.append(f"has {len(added)} new column{'' if len(added) == 1 else 's'}: {_named(added)}")
    if retyped:
        parts.append(_named(retyped))
    text = "; ".join(parts)
    return f"Against {what}: {text}"


def _named(pieces: Sequence[str]) -> str:
    shown = ", ".join(pieces[:NAMED])
    return shown if len(pieces) <= NAMED else f"{shown} and {len(pieces) - NAMED} more"
