"""`python -m ops users …`: who may come in, for the operator at a shell, who may have locked themselves out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum
from typing import Annotated
from urllib.parse import urlencode

import typer
from rich.filesize import decimal

from catalog.errors import CatalogError, DatabaseUnavailable
from catalog.origin import current_origin, origin
from catalog.people import People, PersonView, Role
from ops.session import opened
from services import Services

app = typer.Typer(no_args_is_help=True, help="List, let in and shut out people, while the app runs or without it.")
Who = Annotated[str, typer.Argument(metavar="WHO", help="Their name, e-mail address or id.")]
HOW_THE_FIRST_COMES = {
    "none": "Nobody signs in here; set AUTH__MODE to password, oidc or header for a team.",
    "password": "Start the app: it prints a link to set up the first admin, or makes the one of AUTH__ADMIN_EMAIL.",
    "oidc": "People appear when they first sign in by the provider; admins are those of AUTH__ADMIN_GROUPS.",
    "header": "People appear when the proxy first names them; admins are those of AUTH__ADMIN_GROUPS.",
}
"""By AUTH__MODE."""


class RoleName(StrEnum):
    """The roles, as they are typed."""

    VIEWER = "viewer"
    EDITOR = "editor"
    ADMIN = "admin"


@app.command(name="list")
def show(*, as_json: Annotated[bool, typer.Option("--json", help="As JSON on standard output.")] = False) -> None:
    """Everybody, by name. Ends with 0; with 1 where the database is away; with 78 where the settings are wrong."""
    with _people() as (services, people):
        found, mode = people.list(None), services.settings.auth.mode
    if as_json:
        typer.echo(json.dumps([_plain(one) for one in found], ensure_ascii=False, indent=2))
        return
    for one in found:
        typer.echo(_line(one))
    if not found:
        typer.echo(f"Nobody yet. {HOW_THE_FIRST_COMES[mode]}")


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="As others see them.")],
    email: Annotated[str, typer.Argument(help="By which they sign in.")],
    *,
    role: Annotated[RoleName, typer.Option(help="What they may do.")] = RoleName.EDITOR,
) -> None:
    """Let somebody in, and print the link by which they choose a password."""
    with _people() as (services, people):
        made, secret = people.create(None, name=name, email=email, role=Role(role.value))
        typer.echo(_line(made))
        if secret is not None:
            _show_link(services, secret)


@app.command(name="password-link")
def password_link(who: Who) -> None:
    """Print a link by which somebody chooses a new password: it works once, for a day, and lifts a lock-out."""
    with _people() as (services, people):
        _show_link(services, people.password_link(None, people.find(None, who).id))


@app.command(name="role")
def change_role(who: Who, role: Annotated[RoleName, typer.Argument(help="What they may do from now on.")]) -> None:
    """Make somebody a viewer, an editor or an admin."""
    with _people() as (_, people):
        typer.echo(_line(people.change(None, people.find(None, who).id, role=Role(role.value))))


@app.command()
def disable(who: Who) -> None:
    """Shut somebody out: signed out everywhere at once, their tokens refused, their datasets kept."""
    with _people() as (_, people):
        typer.echo(_line(people.change(None, people.find(None, who).id, disabled=True)))


@app.command()
def enable(who: Who) -> None:
    """Let somebody in again who was disabled."""
    with _people() as (_, people):
        typer.echo(_line(people.change(None, people.find(None, who).id, disabled=False)))


@app.command(name="hand-over")
def hand_over(who: Who, to: Annotated[str, typer.Argument(metavar="TO", help="Who gets them.")]) -> None:
    """Give every dataset of somebody to another, those in the trash too."""
    with _people() as (_, people):
        former, heir = people.find(None, who), people.find(None, to)
        count = people.hand_over_all(None, former.id, heir.id)
        typer.echo(f"{count} {'dataset' if count == 1 else 'datasets'} of {former.name} belong to {heir.name} now.")


@contextmanager
def _people() -> Iterator[tuple[Services, People]]:
    """Ends the command with 1 and a sentence where something is refused."""
    with opened() as services:
        before = origin.set(replace(current_origin(), actor="ops users"))
        try:
            yield services, services.people
        except DatabaseUnavailable as error:
            typer.echo(f"{error} Nothing was changed; run it again.", err=True)
            raise typer.Exit(1) from None
        except CatalogError as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(1) from None
        finally:
            origin.reset(before)


def _show_link(services: Services, secret: str) -> None:
    base = services.settings.public_url
    typer.echo(f"{base or 'http://localhost:8501'}/set-password?{urlencode({'token': secret})}")
    typer.echo("It works once, for 24 hours. Send it to nobody but them.", err=True)
    if base is None:
        typer.echo(
            "PUBLIC_URL is not set: write the address by which they reach the shelf before /set-password.", err=True
        )


def _line(one: PersonView) -> str:
    seen = f"last signed in {one.signed_in_at:%Y-%m-%d %H:%M} UTC" if one.signed_in_at else "never signed in"
    state = ["disabled"] if one.disabled_at else []
    size = f"{one.datasets} datasets, {decimal(one.size)}"
    return " · ".join([one.name, one.email or "no address", one.role.value, *state, seen, size])


def _plain(one: PersonView) -> dict[str, object]:
    return {
        "id": str(one.id),
        "name": one.name,
        "email": one.email,
        "role": one.role.value,
        "disabled_at": one.disabled_at.isoformat() if one.disabled_at else None,
        "created_at": one.created_at.isoformat(),
        "signed_in_at": one.signed_in_at.isoformat() if one.signed_in_at else None,
        "datasets": one.datasets,
        "size": one.size,
    }
