"""`python -m ops doctor`: try the store, the database and this server, and say how each fault is put right."""

from __future__ import annotations

import dataclasses
import json
from typing import Annotated

import typer

import services
import settings
from catalog.doctor_findings import Diagnosis, Finding, Status, Verdict
from ops import logging

MARKS = {Status.FAIL: "fails", Status.WARN: "warns", Status.OK: "ok", Status.SKIPPED: "skipped"}
HERE = "http://localhost:8501"


def examine(
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,  # noqa: FBT002
    origin: Annotated[str, typer.Option(help="The address of the pages, where PUBLIC_URL does not say it.")] = "",
) -> None:
    """Try the store and this server as they are used. Ends with 0 where nothing fails, else with 1.

    What a browser alone can find out (whether it reaches the store, what a proxy lets pass) is tried on the Storage
    screen.
    """
    try:
        values = settings.load()
        logging.configure(level="error", form=values.log_format)
        with services.doctor_alone(values) as doctor:
            found = doctor.examine(origin or values.public_url or HERE)
            verdict = doctor.verdict(found)
    except settings.SettingsError as error:
        typer.echo(f"Datashelf cannot start: {error}", err=True)
        raise typer.Exit(settings.EXIT_CONFIG) from None
    typer.echo(as_text(found, verdict) if not as_json else json.dumps(to_plain(found, verdict), indent=2))
    raise typer.Exit(1 if found.failed else 0)


def as_text(diagnosis: Diagnosis, verdict: Verdict) -> str:
    """The verdict, a line for each finding, and under what is wrong the first way to put it right."""
    lines = [f"{verdict.sentence}: {verdict.meaning}", ""]
    for finding in diagnosis.findings:
        lines += _lines(finding)
    return "\n".join(lines).rstrip()


def to_plain(diagnosis: Diagnosis, verdict: Verdict) -> dict[str, object]:
    """What JSON can hold; the shape is that of `GET /api/ml/v1/doctor`."""
    return {
        "made_at": diagnosis.made_at.isoformat().replace("+00:00", "Z"),
        "kind": diagnosis.kind,
        "can_set_cors": diagnosis.can_set_cors,
        "verdict": dataclasses.asdict(verdict),
        "findings": [dataclasses.asdict(finding) for finding in diagnosis.findings],
    }


def _lines(finding: Finding) -> list[str]:
    lines = [f"{MARKS[finding.status]:>7}  {finding.title}: {finding.found}"]
    if finding.status in (Status.OK, Status.SKIPPED):
        return lines
    if finding.means:
        lines.append(f"         {finding.means}")
    if finding.fixes:
        fix = finding.fixes[0]
        lines += [f"         {fix.label}: {fix.how}", *(f"             {line}" for line in fix.block.splitlines())]
    return [*lines, ""]
