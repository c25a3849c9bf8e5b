"""`python -m ops demo`: five sample datasets on the shelf, as the button on the empty Datasets screen loads them."""

from __future__ import annotations

import typer

import services
import settings
from ops import logging
from storage import StorageError


def load_samples() -> None:
    """Load five sample datasets; those that are there already stay as they are."""
    try:
        values = settings.load()
        logging.configure(level="warning", form=values.log_format)
        built = services.build(values)
    except (settings.SettingsError, StorageError) as error:
        typer.echo(f"Datashelf cannot start: {error}", err=True)
        raise typer.Exit(settings.EXIT_CONFIG) from None
    try:
        caller = built.access.local_user()
        for dataset_id in built.samples.load(caller):
            summary = built.datasets.get(caller, dataset_id).summary
            typer.echo(f"{summary.name}  {summary.file_name}")
    except StorageError as error:
        typer.echo(f"The samples could not all be stored: {error}. Run it again to go on.", err=True)
        raise typer.Exit(1) from None
    finally:
        built.close()
