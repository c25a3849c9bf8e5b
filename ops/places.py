"""What `backup` and `restore` share: the settings, the place, and how what goes wrong is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer

import settings
from catalog.snapshots import SnapshotError
from ops import INTERRUPTED, logging
from storage import StorageError
from storage.vault import PlaceRefused, Vault, open_vault, refuse_own_ground

BAD_USAGE = 2
"""Exit status, as typer's own for a wrong command line."""


def load_settings() -> settings.Settings:
    """The settings; only errors are logged, since the command tells what happened itself. Exits with 78."""
    try:
        values = settings.load()
    except settings.SettingsError as error:
        typer.echo(f"Datashelf cannot start: {error}", err=True)
        raise typer.Exit(settings.EXIT_CONFIG) from None
    logging.configure(level="error", form=values.log_format)
    return values


def vault_at(place: str, values: settings.Settings, *, to_write: bool) -> Vault:
    """The vault a command line names. Exits with 2 where it is none, or none to write to."""
    try:
        vault = open_vault(place, s3=values.backup_store)
        if to_write:
            refuse_own_ground(vault, data_dir=values.data_dir, store=values.minio)
    except PlaceRefused as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(BAD_USAGE) from None
    return vault


@contextmanager
def told(what_is_safe: str, stopped: str) -> Iterator[None]:
    """Turn what goes wrong in the block into a sentence, with what is safe and what to do, and exit status 1 or 78.

    Ctrl-C is told as `stopped`, with 130.
    """
    try:
        yield
    except SnapshotError as error:
        typer.echo(str(error), err=True)
    except settings.SettingsError as error:
        typer.echo(f"Datashelf cannot start: {error}", err=True)
        raise typer.Exit(settings.EXIT_CONFIG) from None
    except (StorageError, ConnectionError) as error:
        fact = str(error).rstrip(".")
        typer.echo(f"{fact[:1].upper()}{fact[1:]}. {what_is_safe}", err=True)
    except OSError as error:
        typer.echo(f"The machine refused: {error.strerror or error}. {what_is_safe}", err=True)
    except KeyboardInterrupt:
        typer.echo(stopped, err=True)
        raise typer.Exit(INTERRUPTED) from None
    else:
        return
    raise typer.Exit(1)


def number(count: int, thing: str) -> str:
    """A count with its noun."""
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def size(count: int) -> str:
    """Bytes as a person reads them."""
    if count < 1000:
        return number(count, "byte")
    for unit, factor in (("KB", 1e3), ("MB", 1e6), ("GB", 1e9)):
        if count < factor * 1000:
            return f"{count / factor:.1f} {unit}"
    return f"{count / 1e12:.2f} TB"
