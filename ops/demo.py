"""`python -m ops demo`: five sample datasets on the shelf, as the button on the empty Datasets screen loads them."""

from __future__ import annotations

import typer

import services
import settings
from ops import logging


def load_samples() -> None:
    """Load five sample datasets."""
    try:
        values = settings.load()
    except settings.SettingsError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(settings.EXIT_CONFIG) from None
    logging.configure(level="warning", form=values.log_format)
    built = services.build(values)
    try:
        caller = built.access.local_user()
        for dataset_id in built.samples.load(caller):
            dataset = built.datasets.get(caller, dataset_id)
            typer.echo(f"{dataset.summary.name}  {dataset.summary.file_name}")
    finally:
        built.close()
