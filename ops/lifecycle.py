"""`python -m ops lifecycle`: what is cleared away by rule, told first."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Annotated

import typer
from rich.filesize import decimal

from catalog.errors import DatabaseUnavailable
from catalog.lifecycle import Lifecycle, LifecycleReport, Rule, RuleReport, StoreAnswer
from ops.session import opened
from storage import StorageError

SHOWN = 10
"""Things of a rule that the text names."""
SWITCHES = {Rule.VERSIONS: "LIFECYCLE__VERSIONS=N", Rule.UNTOUCHED: "LIFECYCLE__UNTOUCHED=true"}


def lifecycle(
    *,
    apply: Annotated[bool, typer.Option("--apply", help="Do it. Without it nothing is changed.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The report as JSON on standard output.")] = False,
    in_store: Annotated[
        bool, typer.Option("--set-in-store", help="Put what the store can do by itself into its buckets' rules.")
    ] = False,
) -> None:
    """Say what the rules of LIFECYCLE__… would clear away, and do it with --apply.

    The app does it once a day by itself. Ends with 0; with 1 where a store or the database is away, or where the store
    did not take a rule; with 78 where the settings are wrong.
    """
    with opened() as services:
        trash_for = timedelta(days=services.settings.trash_days)
        rules = Lifecycle(services.database, services.storages, services.settings.lifecycle, trash_for)
        try:
            report = rules.run(apply=apply)
            answers = rules.set_in_store() if in_store else []
        except (StorageError, DatabaseUnavailable) as error:
            said = str(error).rstrip(".")
            typer.echo(f"Not finished: {said}. What was done stays done; run it again.", err=True)
            raise typer.Exit(1) from None
    if as_json:
        store = [
            {"bucket": each.bucket, "kept": each.kept, "dropped": each.dropped, "problem": each.problem or None}
            for each in answers
        ]
        plain = report.to_plain() | ({"store": store} if in_store else {})
        typer.echo(json.dumps(plain, ensure_ascii=False, indent=2))
    else:
        typer.echo("\n".join([*_text(report, trash_for), *(_told(answers) if in_store else ())]))
    if any(answer.problem for answer in answers):
        raise typer.Exit(1)


def _text(report: LifecycleReport, trash_for: timedelta) -> Iterator[str]:
    for rule in report.rules:
        yield from _rule(rule, applied=report.applied)
    found = sum(rule.found for rule in report.rules)
    yield ""
    kept = (
        f"can be put back from the trash for {trash_for.days} days" if trash_for else "are gone for good (TRASH_DAYS=0)"
    )
    if not found:
        yield "Nothing to clear away."
    elif report.applied:
        left = found - report.done
        yield f"{report.done:,} cleared away{f', {left:,} left for the next time' if left else ''}. Files {kept}."
    else:
        yield f"Nothing was changed. --apply clears these {found:,} away; files then {kept}."


def _rule(rule: RuleReport, *, applied: bool) -> Iterator[str]:
    name = f"{rule.sentence[0].upper()}{rule.sentence[1:]}"
    if not rule.on:
        yield f"{name}: off (switch it on with {SWITCHES[rule.rule]})"
        return
    yield f"{name}: {rule.found:,}{f' ({decimal(rule.size)})' if rule.found else ''}"
    for role, (found, size) in sorted(rule.by_role.items()):
        yield f"  {role}: {found:,} ({decimal(size)})"
    for thing in rule.first[:SHOWN]:
        yield f"    {thing.name}  {decimal(thing.size)}"
    if rule.found > SHOWN:
        yield f"    … and {rule.found - SHOWN:,} more (--json names the first thousand)"
    if applied and rule.done < rule.found:
        yield f"  {rule.found - rule.done:,} of them stayed: somebody used them meanwhile, or the store did not let go."


def _told(answers: Sequence[StoreAnswer]) -> Iterator[str]:
    yield ""
    if not answers:
        yield "Local disk has no rules of its own; the app clears away by itself, once a day."
    for answer in answers:
        if answer.problem:
            yield f"Bucket {answer.bucket}: the store did not take the rules: {answer.problem}. The app does it alone."
        if answer.kept:
            yield f"Bucket {answer.bucket}: the store took {', '.join(answer.kept)}."
        if answer.dropped and not answer.problem:
            yield (
                f"Bucket {answer.bucket}: the store said yes to {', '.join(answer.dropped)} and did not keep it (MinIO "
                "and Silo do so with unfinished uploads, which they drop by themselves). The app clears them away, too."
            )
