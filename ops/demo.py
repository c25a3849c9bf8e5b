"""`python -m ops demo`: five sample datasets on the shelf, as the button on the empty Datasets screen loads them."""

from __future__ import annotations

import typer

from ops.session import opened
from storage import StorageError


def load_samples() -> None:
    """Load five sample datasets; those that are there already stay as they are."""
    with opened() as services:
        try:
            caller = services.access.local_user()
            for dataset_id in services.samples.load(caller):
                summary = services.datasets.get(caller, dataset_id).summary
                typer.echo(f"{summary.name}  {summary.file_name}")
        except StorageError as error:
            typer.echo(f"The samples could not all be stored: {error}. Run it again to go on.", err=True)
            raise typer.Exit(1) from None
