"""The services for as long as one command needs them: as the app has them, without what runs in the background."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer

import services
import settings
from catalog.errors import DatabaseUnavailable
from ops import logging
from storage import StorageError


@contextmanager
def opened() -> Iterator[services.Services]:
    """Services that nothing but the command uses; warnings go to standard error.

    Where the database is away the command ends with a sentence and exit status 1. Where the app itself could not start
    for another reason, it ends with the app's sentence and 78.
    """
    try:
        values = settings.load()
        logging.configure(level="warning", form=values.log_format)
        built = services.build(values)
    except (settings.SettingsError, StorageError) as error:
        if isinstance(error.__cause__, DatabaseUnavailable):
            said = str(error)
            typer.echo(f"{said[:1].upper()}{said[1:]} Nothing was changed; run it again.", err=True)
            raise typer.Exit(1) from None
        typer.echo(f"Datashelf cannot start: {error}", err=True)
        raise typer.Exit(settings.EXIT_CONFIG) from None
    try:
        yield built
    finally:
        built.close()
