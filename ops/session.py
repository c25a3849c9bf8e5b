"""The services for as long as one command needs them: as the app has them, without what runs in the background."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer

import services
import settings
from ops import logging
from storage import StorageError


@contextmanager
def opened() -> Iterator[services.Services]:
    """Services that nothing but the command uses; warnings go to standard error.

    Where the app itself could not start, the command ends with the app's sentence and exit status 78.
    """
    try:
        values = settings.load()
        logging.configure(level="warning", form=values.log_format)
        built = services.build(values)
    except (settings.SettingsError, StorageError) as error:
        typer.echo(f"Datashelf cannot start: {error}", err=True)
        raise typer.Exit(settings.EXIT_CONFIG) from None
    try:
        yield built
    finally:
        built.close()
